"""The sizes of the belief; compiled in, so that loops over them unroll."""

NEURONS = 512  # n
WIDTH = 32  # d
MAX_INPUTS = 64  # features, m
ACTIVE = 26  # k = ceil(0.05 n), the default
