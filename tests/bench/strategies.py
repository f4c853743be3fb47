"""P2's strategies for AlphaTrade, written as a user's own file."""

import math

from alphatrade_runtime.plugin import Int, quote, signal


@quote(name="bench_join_best", api=1, features=("bid_ticks", "ask_ticks"), params={"lots": Int(1, 1, 1_000)})
def bench_join_best(x, s, p, out):
    """Quote `lots` at the best bid and at the best ask, whatever the position."""
    out[0] = int(x[0])
    out[1] = int(p[0])
    out[2] = int(x[1])
    out[3] = int(p[0])
    return 0.0


@signal(name="bench_flip", api=1, features=("mid_ticks",), state=1, params={"every": Int(20, 1, 100_000)})
def bench_flip(x, s, p):
    """Long for `every` decisions, short for as many, in turn. s: decisions so far."""
    turn = math.floor(s[0] / p[0])
    s[0] += 1.0
    return 1.0 if turn - 2.0 * math.floor(turn / 2.0) == 0.0 else -1.0


@signal(name="bench_side", api=1, features=("mid_ticks",), state=1, params={"side": Int(1, -1, 1)})
def bench_side(x, s, p):
    """Always long, or always short."""
    return p[0]
