"""What a run came to, for people: one self-contained page, exports, and the comparison of two runs."""

from alphatrade_runtime.report.compare import Comparison, compare
from alphatrade_runtime.report.write import write_report

__all__ = ["Comparison", "compare", "write_report"]
