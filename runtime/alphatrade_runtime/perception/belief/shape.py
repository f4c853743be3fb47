"""The sizes of the belief; compiled in, so that loops over them unroll."""

NEURONS = 512  # n
WIDTH = 32  # d
MAX_INPUTS = 64  # features, m
STORED = 26  # neurons of a stored row: ceil(0.05 n), the default code; of a denser one the largest
