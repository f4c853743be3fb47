"""Damage a function of the running engine, as its source would be damaged, and undo it. Plain Python only."""

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FunctionType


@dataclass(frozen=True)
class Mutant:
    """One line of a module's source and what it says instead; `caught_by` names scenarios that must turn red."""

    name: str
    module: str
    old: str
    new: str
    caught_by: tuple[str, ...]


@contextmanager
def damaged(mutant):
    """Run the engine with the mutant's source in place of its module's functions."""
    module = import_module(f"alphatrade_runtime.{mutant.module}")
    path = str(module.__file__)
    source = Path(path).read_text(encoding="utf-8")
    if source.count(mutant.old) != 1:
        raise AssertionError(f"{mutant.name}: {source.count(mutant.old)} places read {mutant.old!r}, one must")
    space = {"__name__": module.__name__, "__file__": path}
    exec(compile(source.replace(mutant.old, mutant.new), path, "exec"), space)
    undo = _replace(module.__name__, space)
    try:
        yield
    finally:
        for holder, name, function in undo:
            setattr(holder, name, function)


def _replace(origin, space):
    """Put the functions of a damaged module everywhere where the sound ones are imported."""
    undo = []
    for holder in [m for n, m in list(sys.modules.items()) if n.startswith("alphatrade_runtime.")]:
        for name, value in list(vars(holder).items()):
            if isinstance(value, FunctionType) and value.__module__ == origin and value.__name__ in space:
                undo.append((holder, name, value))
                setattr(holder, name, space[value.__name__])
    return undo
