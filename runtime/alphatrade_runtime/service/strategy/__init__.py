"""The strategy runtime as a pod: one session after another, steered by kill switches and the operator."""
