"""The understanding loop inside the one step: perceive, classify, choose, watch for drift, and say why."""
