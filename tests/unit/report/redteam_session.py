"""A session that trades at every decision, on a quiet market, and parts of the engine that can be damaged."""

from alphatrade_runtime.market.redteam import SCENARIOS, Severity
from alphatrade_runtime.plugin import signal
from alphatrade_runtime.report.redteam import Suite
from unit.market.redteam_tapes import quiet_market
from unit.risk.law_session import policy, session

SEED = 1
LIMITS = {
    "band_limit_bps": 50, "band_marketable_bps": 20, "mark_jump_bps": 500, "day_drawdown_bps": 500,
    "max_drawdown_bps": 1_500, "max_turnover_min_bps": 10_000_000, "max_turnover_hour_bps": 10_000_000,
}  # fmt: skip
TERMS = {"max_position_lots": 20, "max_order_lots": 40}


@signal(name="redteam_flip", api=1, features=("mid_ticks", "book_imbalance"), state=1)
def redteam_flip(x, s, p):
    """Wish the other side at every decision, whatever the market looks like."""
    s[0] = -1.0 if s[0] > 0.0 else 1.0
    return s[0]


@signal(name="redteam_faulty", api=1, features=("mid_ticks", "book_imbalance"), state=1)
def redteam_faulty(x, s, p):
    """Read outside its own state when the book says nothing."""
    if x[1] != x[1]:
        return s[7]
    return 1.0


def suite(ref="redteam_flip", seed=SEED, seconds=200, n=2, **limits):
    """A suite of one strategy on n instruments; limits: changes of the usual ones.  seconds: of its market."""
    clock = {"clock": "quote_change", "interval_ns": 100_000_000}
    document = session(policy(ref, {}), n=n, limits={**LIMITS, **limits}, terms=TERMS, **clock)
    return Suite(document, {}, quiet_market(instruments=n, seconds=seconds), seed)


def judged(name, severity=Severity.LOW, given=None, **changes):
    """The verdict on one scenario. changes: as `suite` takes them."""
    return (given or suite(**changes)).judge(SCENARIOS[name], severity)
