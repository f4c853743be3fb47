"""Compile a declared strategy to the fixed signature and return its address."""

from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import config
from numba.core.errors import NumbaError

from alphatrade_runtime.plugin.call import QUOTE_ARGS, SIGNAL_ARGS, register_python
from alphatrade_runtime.plugin.contract import PluginError, SignalSpec

_ADDRESSES: dict[tuple[Path, str], int] = {}
_KEPT: list[Any] = []  # compiled code must outlive its address


def address_of(spec: SignalSpec) -> int:
    """Return the address that the step calls.

    Compiled with bounds checks: a strategy that reads outside its arrays is a fault, not a wild read.
    Raises PluginError when the function does not compile in nopython mode.
    """
    key = (spec.path, spec.name)
    if key not in _ADDRESSES:
        _ADDRESSES[key] = register_python(spec.function) if config.DISABLE_JIT else _compiled_address(spec)
    return _ADDRESSES[key]


def _compiled_address(spec: SignalSpec) -> int:
    args = SIGNAL_ARGS if spec.form == "signal" else QUOTE_ARGS
    dispatcher = _compile(spec, args)
    _KEPT.append(dispatcher)
    result = dispatcher.overloads[args]
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def _compile(spec: SignalSpec, args: tuple[Any, ...]) -> Any:
    try:
        return _jit(spec, args, counts=False)
    except NumbaError:
        pass  # it allocates, or is wrong altogether: only the second try can tell
    try:
        return _jit(spec, args, counts=True)
    except NumbaError as error:
        reason = str(error).strip().splitlines()
        line = next((text for text in reason if text and not text.startswith("Failed")), "unknown reason")
        raise PluginError(f"{spec.path.name}: signal {spec.name} does not compile in nopython mode: {line}") from error


def _jit(spec: SignalSpec, args: tuple[Any, ...], *, counts: bool) -> Any:
    """Compile; without `counts` nothing may allocate and no reference is counted (a quarter of a call: measured)."""
    signature = types.float64(*args)
    return numba.njit(signature, cache=True, boundscheck=True, error_model="numpy", _nrt=counts)(spec.function)
