"""Ask the processor for memory that will be read soon."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic
from numba.np import arrayobj

_READ, _KEEP_CLOSE, _DATA = 0, 3, 1  # LLVM's language reference, llvm.prefetch


def _prefetch_python(array: Any, index: Any) -> None:
    pass


@intrinsic
def _prefetch_compiled(typingctx: Any, array: Any, index: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = arrayobj.make_array(array)(context, builder, args[0]).data
        byte = ir.IntType(8).as_pointer()
        pointer = builder.bitcast(builder.gep(data, [args[1]]), byte)
        word = ir.IntType(32)
        function_type = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = builder.module.globals.get("llvm.prefetch.p0")
        if function is None:
            function = ir.Function(builder.module, function_type, "llvm.prefetch.p0")
        builder.call(function, [pointer, word(_READ), word(_KEEP_CLOSE), word(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


# prefetch(array, index): a hint for item `index` of a contiguous array; beyond its end is harmless.
prefetch: Any = _prefetch_python if config.DISABLE_JIT else _prefetch_compiled
