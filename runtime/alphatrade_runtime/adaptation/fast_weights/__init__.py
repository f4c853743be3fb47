"""Weights that learn within a session: low-rank synapses and what they say of each policy (semantics §3)."""
