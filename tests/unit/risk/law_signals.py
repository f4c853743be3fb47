"""Strategies of the law's scenarios, as a user writes them: they wish what their parameters say, phase by phase.

A phase begins at a decision of its instrument, counted from 1; phases that are not used begin never.
"""

from alphatrade_runtime.plugin import Float, Int, quote, signal

PHASES = 4
NEVER = 1_000_000
_PRICE = Int(0, 0, 100_000_000)
_LOTS = Int(0, 0, 100_000_000)


def _phases(*fields):
    return {f"{name}_{k}": param for k in range(PHASES) for name, param in (("from", Int(NEVER, 1, NEVER)), *fields)}


@quote(
    name="law_quotes",
    api=1,
    features=("mid_ticks",),
    state=1,
    params=_phases(("bid", _PRICE), ("bid_lots", _LOTS), ("ask", _PRICE), ("ask_lots", _LOTS)),
)
def law_quotes(x, s, p, out):
    """Wish the bid and ask of the phase."""
    s[0] += 1.0
    for phase in range(4):
        if s[0] >= p[5 * phase]:
            for k in range(4):
                out[k] = int(p[5 * phase + 1 + k])
    return s[0]


@signal(
    name="law_target",
    api=1,
    features=("mid_ticks",),
    state=1,
    params=_phases(("target", Float(0.0, -1.0, 1.0))),
)
def law_target(x, s, p):
    """Wish the phase's share of the maximum position."""
    s[0] += 1.0
    target = 0.0
    for phase in range(4):
        if s[0] >= p[2 * phase]:
            target = p[2 * phase + 1]
    return target


@signal(name="law_faulty", api=1, features=("mid_ticks",), state=1)
def law_faulty(x, s, p):
    """Read outside its own state at the third decision."""
    s[0] += 1.0
    if s[0] == 3.0:
        return s[7]
    return 1.0
