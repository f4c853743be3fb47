"""Faults planted into a tape, each seeded and in three severities: what `alphatrade redteam` trades through."""

from alphatrade_runtime.market.redteam.catalog import SCENARIOS, Gate, Loss, Scenario, place_of
from alphatrade_runtime.market.redteam.edit import with_timers
from alphatrade_runtime.market.redteam.plant import Place, Planted, Severity

__all__ = ["SCENARIOS", "Gate", "Loss", "Place", "Planted", "Scenario", "Severity", "place_of", "with_timers"]
