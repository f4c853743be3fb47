"""What became of an action, in basis points: slippage, net result 1, 10 and 100 decisions later, extremes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]
LABELS = ("open", "flat", "win", "loss")
HORIZONS = (1, 10, 100)


def outcomes(columns: dict[str, Array], mult: Array) -> dict[str, pa.Array]:
    """Compute the outcome columns of ex-post rows; null where nothing filled or the time was not reached.

    columns: those of EXPOST_DTYPE, each (n,); filled_value and fees in quanta.  mult: (n,) quanta a tick of a lot.
    All in bps of the filled value: slippage_bps (> 0 is a cost, against the mid at the decision), pnl_<h>_bps
    (mid after h decisions against the average fill, fees paid), mae_bps <= mfe_bps (worst and best mid, without
    fees). label: open until 100 decisions have passed, then win, loss, or flat (not filled, or net 0).
    """
    side = columns["side"].astype(np.float64)
    value = columns["filled_value"].astype(np.float64)
    filled = (columns["filled_lots"] > 0) & (value > 0) & (mult > 0)
    per_lot = _ratio(value, columns["filled_lots"] * mult.astype(np.float64), filled)
    fill2 = 2.0 * per_lot
    fee_bps = _ratio(columns["fees"] * 1e4, value, filled)
    result = {"slippage_bps": _bps(side, fill2, columns["ref2"], filled)}
    for horizon in HORIZONS:
        mid2 = columns[f"mid2_{horizon}"]
        result[f"pnl_{horizon}_bps"] = _bps(side, mid2, fill2, filled & (mid2 > 0)) - fee_bps
    worst = _bps(side, columns["worst2"], fill2, filled & (columns["worst2"] > 0))
    best = _bps(side, columns["best2"], fill2, filled & (columns["best2"] > 0))
    result |= {"mae_bps": worst, "mfe_bps": best}
    label = _label(columns["complete"], result["pnl_100_bps"])
    arrays = {name: pa.array(values, pa.float64(), mask=np.isnan(values)) for name, values in result.items()}
    names = pa.array(LABELS, pa.string())
    return {**arrays, "label": pa.DictionaryArray.from_arrays(pa.array(label, pa.int32()), names)}


def _bps(side: Array, price: Array, base: Array, known: Array) -> Array:
    return _ratio(side * (price.astype(np.float64) - base) * 1e4, base.astype(np.float64), known)


def _ratio(numerator: Array, denominator: Array, known: Array) -> Array:
    """Divide where it is known and the denominator is above 0; NaN elsewhere."""
    known = known & (denominator > 0)
    result: Array = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=known)
    return result


def _label(complete: Array, net_bps: Array) -> Array:
    decided = np.where(net_bps > 0, LABELS.index("win"), np.where(net_bps < 0, LABELS.index("loss"), 1))
    return np.where(complete != 0, decided, LABELS.index("open"))
