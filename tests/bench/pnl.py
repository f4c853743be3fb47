"""Money of P2's fills in exact quanta, and the hash by which two engines' fills are compared."""

import hashlib
from collections.abc import Sequence

MULT_QUANTA = 10_000  # BTCUSDT: 0.1 x 0.001 x 1e8
MAKER_FEE_E7, TAKER_FEE_E7 = 2_000, 5_000

Fill = Sequence[int]  # exchange ts, local ts, side, price ticks, lots, maker


def fills_sha256(fills: Sequence[Fill]) -> str:
    """Hash the canonical list: a line a fill, its six numbers between commas."""
    return hashlib.sha256("".join(",".join(map(str, fill)) + "\n" for fill in fills).encode()).hexdigest()


def fee_quanta(fill: Fill) -> int:
    """The fee of one fill, rounded against us."""
    _, _, _, price, lots, maker = fill
    return -(-lots * price * MULT_QUANTA * (MAKER_FEE_E7 if maker else TAKER_FEE_E7) // 10_000_000)


def pnl_quanta(fills: Sequence[Fill], bid: int, ask: int) -> int:
    """Cash of the fills less fees, the position at the last mid."""
    cash = sum(-side * lots * price * MULT_QUANTA for _, _, side, price, lots, _ in fills)
    position = sum(side * lots for _, _, side, _, lots, _ in fills)
    return cash - sum(map(fee_quanta, fills)) + position * (bid + ask) * MULT_QUANTA // 2
