"""The built-in strategies, written against the same contract as a user's own file."""

from alphatrade_runtime.adaptation.signals import breakout, ema_cross, mean_reversion, order_flow, two_sided

__all__ = ["breakout", "ema_cross", "mean_reversion", "order_flow", "two_sided"]
