"""What is suggested for a name that is not known."""

import pytest

from alphatrade_operator.core.explain import nearest

MANY = [f"law-{number:04d}" for number in range(600)]


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("lwa", ["law", "tight"], "did you mean law?"),
        ("LAW", ["law", "tight"], "did you mean law?"),
        ("x", ["tight", "law"], "there are law, tight"),
        ("x", [], "there is none"),
        ("law-0300", MANY, f"there are {', '.join(MANY[:20])} and 580 more"),
        ("x", MANY[:21], f"there are {', '.join(MANY[:20])} and 1 more"),
    ],
)
def test_the_closest_or_what_there_is(name, known, said):
    assert nearest(name, known) == said
