"""Diagnostics of the belief graph: which neurons drive which, and whether that looks healthy (offline)."""
