"""Brokers: where commands go and reports come from, over one contract."""
