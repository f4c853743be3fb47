"""Drive one strategy over rows of features, compiled or as plain Python: what its checks compare."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.plugin.call import call_quote, call_signal
from alphatrade_runtime.plugin.compile import address_of
from alphatrade_runtime.plugin.contract import SignalSpec

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trace:
    """What a strategy returned: results (n,) float64, quotes (n, 4) int64, rows where it raised, its last state."""

    results: Floats
    quotes: Ints
    faults: Ints
    state: Floats

    def same_as(self, other: "Trace") -> bool:
        """Whether every bit is the same; any NaN equals any other."""
        pairs = ((self.results, other.results), (self.state, other.state))
        floats = all(np.array_equal(_bits(a), _bits(b)) for a, b in pairs)
        return floats and np.array_equal(self.quotes, other.quotes) and np.array_equal(self.faults, other.faults)

    def first(self, n: int) -> "Trace":
        """Return the first n rows; the state is left out."""
        return Trace(self.results[:n], self.quotes[:n], self.faults[self.faults < n], np.zeros(0))


def params_of(spec: SignalSpec) -> Floats:
    """Return the default parameters as the strategy is given them."""
    return np.array(list(spec.resolve({}).values()) or [0.0])


def new_state(spec: SignalSpec) -> Floats:
    """Return the zeroed state that a run starts with."""
    return np.zeros(max(spec.state, 1))


def compiled(spec: SignalSpec, rows: Floats, state: Floats | None = None) -> Trace:
    """Run the compiled strategy. rows: (n, features) float64, C order.  state: (k,) is copied."""
    s = new_state(spec) if state is None else state.copy()
    results, quotes, raised = np.zeros(len(rows)), np.zeros((len(rows), 4), np.int64), np.zeros(len(rows), np.int64)
    address, p = address_of(spec), params_of(spec)
    if spec.form == "signal":
        _signals(address, rows, s, p, results, raised)
    else:
        _quotes(address, rows, s, p, results, quotes, raised)
    return Trace(results, quotes, np.flatnonzero(raised), s)


def interpreted(spec: SignalSpec, rows: Floats, state: Floats | None = None) -> Trace:
    """Run the author's plain Python function in the same way."""
    s = new_state(spec) if state is None else state.copy()
    results, quotes, raised = np.zeros(len(rows)), np.zeros((len(rows), 4), np.int64), np.zeros(len(rows), np.int64)
    p = params_of(spec)
    function: Any = getattr(spec.function, "py_func", spec.function)
    for k in range(len(rows)):
        arguments = (rows[k], s, p) if spec.form == "signal" else (rows[k], s, p, quotes[k])
        with np.errstate(all="ignore"):
            try:
                results[k] = function(*arguments)
            except Exception:  # the compiled twin reports any raise as a fault, whatever its type
                results[k], raised[k] = np.nan, 1
    return Trace(results, quotes, np.flatnonzero(raised), s)


@entry
def _signals(address, rows, s, p, results, raised):
    """Call a signal on every row. rows: (n, m) float64; results, raised: (n,) out."""
    for k in range(len(rows)):
        results[k], raised[k] = call_signal(address, rows[k], s, p)


@entry
def _quotes(address, rows, s, p, results, quotes, raised):
    """Call a quote on every row. quotes: (n, 4) int64 out."""
    for k in range(len(rows)):
        results[k], raised[k] = call_quote(address, rows[k], s, p, quotes[k])


def _bits(values: Floats) -> npt.NDArray[np.uint64]:
    return np.where(np.isnan(values), np.nan, values).view(np.uint64)
