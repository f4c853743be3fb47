"""Functions and records behind an address: what one compiled loop reaches without being compiled against it.

A part that most sessions do without is called by its address, and its state is found by its own, so that the loop is
the same machine code with it and without. With NUMBA_DISABLE_JIT an address is a place in a list (the Python twin).
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.core import config
from numba.extending import intrinsic

I64 = types.int64
_KEPT: list[Any] = []  # compiled code must outlive its address
_PYTHON_FUNCTIONS: list[Callable[..., Any]] = []
_PYTHON_RECORDS: dict[int, npt.NDArray[np.void]] = {}
_PYTHON_PLACES = 1 << 32  # between two arrays of the twin, so that an address names array and item


def record_type(dtype: np.dtype[Any]) -> Any:
    """Return numba's type of one record of a dtype."""
    return numba.from_dtype(dtype)


def address_of(function: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    """Compile a function of numba types to int64 and return its address, kept for the life of the process."""
    if config.DISABLE_JIT:
        _PYTHON_FUNCTIONS.append(function)
        return len(_PYTHON_FUNCTIONS)
    signature = types.int64(*arguments)
    dispatcher = numba.njit(signature, cache=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True)(function)
    _KEPT.append(dispatcher)
    result = dispatcher.overloads[arguments]
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def caller(record: Any, integers: int) -> Any:
    """Return a compiled function (address, record, integers...) -> int64 that calls what lies at an address.

    record: numba type of the record that is passed by reference.  integers: how many int64 follow it, 2 or 3.
    """
    if config.DISABLE_JIT:
        return _call_python
    arguments = (record, *(types.int64,) * integers)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.call_conv.get_function_type(types.int64, arguments)
        pointer = builder.inttoptr(args[0], kind.as_pointer())
        _, value = context.call_conv.call_function(builder, pointer, types.int64, arguments, args[1:])
        return value

    if integers == 2:

        @intrinsic
        def call(typingctx: Any, address: Any, held: Any, a: Any, b: Any) -> Any:
            return types.int64(types.int64, *arguments), codegen
    else:

        @intrinsic
        def call(typingctx: Any, address: Any, held: Any, a: Any, b: Any, c: Any) -> Any:
            return types.int64(types.int64, *arguments), codegen

    return call


def _call_python(address: int, *arguments: Any) -> int:
    return int(_PYTHON_FUNCTIONS[address - 1](*arguments))


def lend(records: npt.NDArray[np.void]) -> int:
    """Return the address of the first record of a contiguous array; the caller keeps the array alive."""
    if not config.DISABLE_JIT:
        return int(records.ctypes.data)
    place = (len(_PYTHON_RECORDS) + 1) * _PYTHON_PLACES
    _PYTHON_RECORDS[place] = records
    return place


def take_back(address: int) -> None:
    """Forget an array of the twin."""
    _PYTHON_RECORDS.pop(address, None)


def reader(dtype: np.dtype[Any]) -> Any:
    """Return a compiled function (address, i) -> the i-th record of the array at an address; nothing is checked."""
    if config.DISABLE_JIT:
        return _record_python
    record = record_type(dtype)

    @intrinsic
    def at(typingctx: Any, address: Any, i: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            size = context.get_constant(types.int64, dtype.itemsize)
            place = builder.add(args[0], builder.mul(args[1], size))
            return builder.inttoptr(place, context.get_value_type(record))

        return record(types.int64, types.int64), codegen

    return at


def _record_python(address: int, i: int) -> Any:
    return _PYTHON_RECORDS[address][i]
