"""The understanding loop as a session document has it when all of it is off."""

from typing import Any

MIND_OFF: dict[str, Any] = {
    "belief": None,
    "regime": None,
    "probes": None,
    "drift": None,
    "fast_weights": {"rule": "hebb", "half_life": 700},
    "router": {"switching_cost_bps": "1", "horizon": 10, "half_life": 2_000},
}
