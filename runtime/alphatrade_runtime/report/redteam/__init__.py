"""A session traded through planted faults, each run judged: what `alphatrade redteam` prints."""

from alphatrade_runtime.report.redteam.market import market_of
from alphatrade_runtime.report.redteam.suite import Case, Suite, Verdict, cases, judge_all, to_mapping

__all__ = ["Case", "Suite", "Verdict", "cases", "judge_all", "market_of", "to_mapping"]
