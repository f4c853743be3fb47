"""A seeded market: quotes, trades, storms, halts and planted edges; everything it writes says it is simulated."""

from alphatrade_runtime.market.simulator.config import SimulatorConfig, parse_config
from alphatrade_runtime.market.simulator.stream import Simulation, iterate, prepare, simulate

__all__ = ["Simulation", "SimulatorConfig", "iterate", "parse_config", "prepare", "simulate"]
