"""The diary: what was decided, why, and what came of it, as hash-chained record streams."""
