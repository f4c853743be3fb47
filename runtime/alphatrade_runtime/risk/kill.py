"""The kill state machine: ARMED -> TRIPPED -> (FLATTENING) -> HALTED. Latched: nothing here goes back.

Order of effects: block new, cancel all, optionally flatten, then rest. REDUCE stays TRIPPED: only
orders that shrink a position pass.
"""

from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.numerics.jit import hot
from alphatrade_runtime.risk.codes import KillState
from alphatrade_runtime.risk.state import HALT_KILL_STALE

REDUCE = int(Control.REDUCE)
HALT = int(Control.HALT)
FLATTEN = int(Control.FLATTEN)
ARMED = int(KillState.ARMED)
TRIPPED = int(KillState.TRIPPED)
FLATTENING = int(KillState.FLATTENING)
HALTED = int(KillState.HALTED)

FRESH_NS = 2_000_000_000  # flattening waits for a quote no older than this
FLATTEN_RETRY_NS = 100_000_000
MAX_FLATTEN_TRIES = 100  # then it is HALTED with its position shown, never "done"


@hot
def trip(account, mode, guard, slippage_bps, seq):
    """Engage a kill mode; return True when it is higher than what holds already."""
    if mode <= account.kill_mode:
        return False
    account.kill_mode = mode
    account.kill_guard = guard
    account.kill_seq = seq
    account.kill_state = FLATTENING if mode == FLATTEN else TRIPPED
    if slippage_bps > 0:
        account.flatten_slippage_bps = slippage_bps
    return True


@hot
def must_cancel(account, exposure, side):
    """True when the working orders of this side must go.

    All of them after a HALT or FLATTEN, and while kill switches cannot be read; under REDUCE, and while only
    reductions may leave (the day's loss, a break in the books), those of a side that together could do more
    than reduce.
    """
    if account.kill_state != ARMED and account.kill_mode != REDUCE:
        return True
    if (account.halt & HALT_KILL_STALE) != 0:
        return True
    if account.kill_state == ARMED and account.reduce_only == 0:
        return False
    working = exposure.working_buy if side > 0 else exposure.working_sell
    return working > -side * exposure.position


@hot
def flatten_price(ref2, side, slippage_bps):
    """Return the IOC limit in ticks, inside the slippage bound around the reference."""
    if side > 0:
        return ref2 * (10_000 + slippage_bps) // 20_000
    return -(-ref2 * (10_000 - slippage_bps) // 20_000)
