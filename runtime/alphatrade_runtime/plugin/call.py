"""Call a compiled strategy by address, so that one compiled step serves every plug-in.

Passing a plug-in as a dispatcher would recompile the whole step for each; an address is data.
With NUMBA_DISABLE_JIT the address is an index into a list of plain functions (the Python twin).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic
from numba.np import arrayobj

F8A = types.Array(types.float64, 1, "C")
I8A = types.Array(types.int64, 1, "C")
SIGNAL_ARGS = (F8A, F8A, F8A)
QUOTE_ARGS = (F8A, F8A, F8A, I8A)

_PYTHON_FUNCTIONS: list[Callable[..., Any]] = []


def register_python(function: Callable[..., Any]) -> int:
    """Return the address of a plain function in the Python twin."""
    _PYTHON_FUNCTIONS.append(function)
    return len(_PYTHON_FUNCTIONS) - 1


def _call_python(address: int, *args: Any) -> tuple[float, int]:
    try:
        return np.float64(_PYTHON_FUNCTIONS[address](*args)), 0
    except Exception:  # the compiled twin reports any raise as a fault, whatever its type
        return np.float64(np.nan), 1


def _make_intrinsic(arg_types: tuple[Any, ...]) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function_type = context.call_conv.get_function_type(types.float64, arg_types)
        pointer = builder.inttoptr(args[0], function_type.as_pointer())
        status, value = context.call_conv.call_function(builder, pointer, types.float64, arg_types, args[1:])
        fault = builder.zext(status.is_error, context.get_value_type(types.int64))
        return context.make_tuple(builder, signature.return_type, [value, fault])

    return_type = types.Tuple((types.float64, types.int64))
    if len(arg_types) == 3:

        @intrinsic
        def call(typingctx: Any, address: Any, x: Any, s: Any, p: Any) -> Any:
            return return_type(types.intp, *arg_types), codegen
    else:

        @intrinsic
        def call(typingctx: Any, address: Any, x: Any, s: Any, p: Any, out: Any) -> Any:
            return return_type(types.intp, *arg_types), codegen

    return call


def _head_python(array: Any, n: int) -> Any:
    return array[:n]


@intrinsic
def _head_compiled(typingctx: Any, array: Any, n: Any) -> Any:
    result = types.Array(array.dtype, 1, "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = arrayobj.make_array(array)(context, builder, args[0])
        head = arrayobj.make_array(result)(context, builder)
        shape = cgutils.pack_array(builder, [args[1]])
        strides = cgutils.pack_array(builder, [whole.itemsize])
        arrayobj.populate_array(
            head, data=whole.data, shape=shape, strides=strides, itemsize=whole.itemsize, meminfo=None
        )
        return head._getvalue()

    return result(array, types.intp), codegen


# The first n items of a contiguous array, 0 <= n <= len: a slice asks eight questions more, each decision (measured).
head: Any = _head_python if config.DISABLE_JIT else _head_compiled
call_signal: Any = _call_python if config.DISABLE_JIT else _make_intrinsic(SIGNAL_ARGS)
call_quote: Any = _call_python if config.DISABLE_JIT else _make_intrinsic(QUOTE_ARGS)
