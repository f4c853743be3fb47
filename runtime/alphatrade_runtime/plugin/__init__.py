"""What a user's own strategy imports: `signal`, `quote`, `Int`, `Float` and the deterministic `math`."""

from alphatrade_runtime.numerics import math
from alphatrade_runtime.plugin.contract import Float, Int, PluginError, quote, signal

__all__ = ["Float", "Int", "PluginError", "math", "quote", "signal"]
