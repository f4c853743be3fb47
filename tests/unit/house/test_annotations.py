"""Only compiled functions may go without annotations."""

import ast

import pytest

from annotations import unannotated


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(a: int) -> int: ...", []),
        ("def f(a) -> int: ...", ["f"]),
        ("def f(a: int): ...", ["f"]),
        ("def f(*a, **b) -> None: ...", ["f"]),
        ("async def f(a): ...", ["f"]),
        ("@kernel\ndef f(a): ...", []),
        ("@jit.hot\ndef f(a): ...", []),
        ("@kernel(inline='always')\ndef f(a):\n    def g(b): ...", []),
        ("@cached\ndef f(a): ...", ["f"]),
        ("class A:\n    def __init__(self, a: int): ...\n    def g(self): ...", ["g"]),
        ("def f() -> None:\n    def g(a): ...", ["g"]),
    ],
)
def test_unannotated_functions_are_found(source, found):
    assert [function.name for function in unannotated(ast.parse(source))] == found
