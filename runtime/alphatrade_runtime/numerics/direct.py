"""Call a compiled function without numba's look at the types of its arguments."""

from collections.abc import Callable
from typing import Any

from numba import typeof


def direct(function: Any, *args: Any) -> Callable[..., Any]:
    """Return the compiled function for arguments of these types.

    Finding the type of a record as large as a session's state takes 35 us a call (measured); the step takes 1.
    """
    if not hasattr(function, "overloads"):
        return function  # plain Python, the twin
    types = tuple(typeof(arg) for arg in args)
    function.compile(types)
    return function.overloads[types].entry_point
