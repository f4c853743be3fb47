"""Hold the house's rule on annotations: only compiled functions may go without.

A function under @kernel, @hot or @signal takes whatever numba was called with, so mypy is told to accept
unannotated ones; this check takes that freedom back from every other function.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("operator", "runtime", "build_support")
COMPILED = frozenset({"kernel", "hot", "entry", "inlined", "njit", "overload", "intrinsic", "signal", "quote"})
READ_BY_OLD_PYTHONS = frozenset({"bootstrap.py"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


def unannotated(tree: ast.AST, inside_compiled: bool = False) -> Iterator[Function]:
    """Find the functions, nested ones too, that lack an annotation and are not compiled."""
    for node in ast.iter_child_nodes(tree):
        compiled = inside_compiled
        if isinstance(node, Function):
            compiled = compiled or any(_name(decorator) in COMPILED for decorator in node.decorator_list)
            if not compiled and not _complete(node):
                yield node
        yield from unannotated(node, compiled)


def _name(decorator: ast.expr) -> str:
    """Name a decorator: kernel in @kernel, @kernel(...), @jit.kernel."""
    if isinstance(decorator, ast.Call):
        return _name(decorator.func)
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


def _complete(function: Function) -> bool:
    """Tell whether mypy's disallow_untyped_defs would accept it; self and cls need no annotation."""
    spec = function.args
    named = [*spec.posonlyargs, *spec.args]
    if named and named[0].arg in ("self", "cls"):
        named = named[1:]
    arguments = [*named, *spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg))]
    returns = function.returns is not None or (function.name == "__init__" and bool(arguments))
    return returns and all(argument.annotation for argument in arguments)


def main() -> int:
    """Print each finding as path:line; return the exit code."""
    found = 0
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        if path.name in READ_BY_OLD_PYTHONS:
            continue
        for function in unannotated(ast.parse(path.read_text())):
            where = f"{path.relative_to(ROOT)}:{function.lineno}"
            print(f"{where}: {function.name} is neither compiled nor fully annotated: annotate it", file=sys.stderr)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
