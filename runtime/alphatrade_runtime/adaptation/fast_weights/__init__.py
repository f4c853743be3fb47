"""Weights that learn within a session: what came with what, and how far that moves a policy's score (semantics §3)."""
