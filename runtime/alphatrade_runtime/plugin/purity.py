"""Whether a strategy reads anything but its arguments: found in its bytecode, before a line of it runs."""

import builtins
import dis
import math
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from alphatrade_runtime.numerics import math as det_math

_BUILTINS = {"abs", "min", "max", "range", "len", "int", "float", "bool", "round", "True", "False", "None"}
_EXACT = {
    "nan", "inf", "pi", "e", "isnan", "isinf", "isfinite", "floor", "ceil", "trunc", "fabs", "abs", "sqrt", "copysign",
    "int64", "float64",
}  # fmt: skip
_SCALARS = (bool, int, float, np.integer, np.floating)
_ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}


def impurities(function: Any) -> list[str]:
    """Return what the function uses beyond x, s, p, scalar globals and exact arithmetic; empty when nothing."""
    return list(dict.fromkeys(_impurities(_plain(function), set())))


def _plain(function: Any) -> FunctionType:
    inner = getattr(function, "py_func", function)
    assert isinstance(inner, FunctionType)
    return inner


def _impurities(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    if function in seen:
        return
    seen.add(function)
    if function.__defaults__ or function.__kwdefaults__:
        yield f"{function.__name__} has default arguments; state lives in s only"
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        yield from _value(name, cell.cell_contents, None, seen)
    code = list(dis.get_instructions(function))
    for at, instruction in enumerate(code):
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            yield f"it writes the global {instruction.argval}; state lives in s only"
        elif instruction.opname == "IMPORT_NAME":
            yield f"it imports {instruction.argval} while it runs"
        elif instruction.opname == "LOAD_GLOBAL":
            follows = code[at + 1] if at + 1 < len(code) else None
            attribute = str(follows.argval) if follows is not None and follows.opname in _ATTRIBUTES else None
            yield from _global(function, str(instruction.argval), attribute, seen)


def _global(function: FunctionType, name: str, attribute: str | None, seen: set[FunctionType]) -> Iterator[str]:
    if name in function.__globals__:
        yield from _value(name, function.__globals__[name], attribute, seen)
    elif hasattr(builtins, name):
        if name not in _BUILTINS:
            yield f"it uses {name}; only {', '.join(sorted(_BUILTINS - {'True', 'False', 'None'}))} are allowed"
    else:
        yield f"it uses {name}, which is not defined"


def _value(name: str, value: Any, attribute: str | None, seen: set[FunctionType]) -> Iterator[str]:
    if isinstance(value, ModuleType):
        yield from _module(name, value, attribute)
    elif isinstance(value, _SCALARS) or getattr(value, "__module__", None) == det_math.__name__:
        return
    elif hasattr(value, "py_func"):
        yield from _impurities(_plain(value), seen)
    elif any(value is function for function in _exact_functions()):
        return
    else:
        kind = type(value).__name__
        yield f"the global {name} is a {kind}; only numbers and functions compiled with numba.njit are allowed"


def _module(name: str, module: ModuleType, attribute: str | None) -> Iterator[str]:
    if module is det_math and attribute is not None:
        return
    if module in (math, np):
        if attribute in _EXACT:
            return
        fix = "use alphatrade_runtime.plugin.math, which gives the same bits on every host"
        yield f"it uses {name}.{attribute}; {fix}"
        return
    yield f"it uses the module {name}; no clock, randomness, files or network: only its arguments"


def _exact_functions() -> list[Any]:
    return [getattr(module, name) for module in (math, np) for name in sorted(_EXACT) if hasattr(module, name)]
