"""Sizes of the belief: constants of the compiled code."""

NEURONS = 512
WIDTH = 32  # of the value that neurons read and write
MAX_INPUTS = 64
STORED = 26  # neurons of a snapshot: 5% of all; of a denser code the largest
