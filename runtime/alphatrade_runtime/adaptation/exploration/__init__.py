"""Try the second best within a budget, priced both ways before an order leaves."""
