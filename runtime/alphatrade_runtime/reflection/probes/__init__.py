"""Six probes of the market beside the strategy: what was going on when it acted."""
