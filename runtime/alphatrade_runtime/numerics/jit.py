"""The one way this project compiles a function."""

from typing import Any

import numba

# Without numba's runtime nothing allocates (it would not compile) and no reference to an array is counted:
# atomic counts of a tape's columns cost 400 ns an event, measured.
_OPTIONS: dict[str, Any] = {"cache": True, "fastmath": False, "error_model": "numpy", "_nrt": False}
# Unboxing dozens of arrays for Python would triple the compile time of functions that only compiled code calls.
_INNER: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def hot(function: Any) -> Any:
    """Compile a small function of scalars and records, inlined by LLVM; Python may call it."""
    return numba.njit(**_OPTIONS, forceinline=True)(function)


def entry(function: Any) -> Any:
    """Compile a function that Python calls."""
    return numba.njit(**_OPTIONS)(function)


def kernel(function: Any) -> Any:
    """Compile a function that only compiled code calls. From Python use its `.py_func`: a direct call would crash."""
    return numba.njit(**_INNER)(function)


def inlined(function: Any) -> Any:
    """Compile like `kernel`, inlined by LLVM into its caller: what runs once an event."""
    return numba.njit(**_INNER, forceinline=True)(function)
