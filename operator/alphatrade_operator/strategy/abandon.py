"""Letting a Strategy go that cannot get flat: a person says so, and shows that they have seen what is left behind."""

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785

from alphatrade_operator.core.live import Meta
from alphatrade_operator.strategy.status import StrategyStatus

ABANDON = "alphatrade.io/abandon"


def positions_hash(status: StrategyStatus) -> str:
    """Name the positions that a status shows, 12 hexadecimal digits."""
    return held_hash({position.symbol: position.lots for position in status.positions})


def held_hash(held: Mapping[str, Any]) -> str:
    """Name what is held, 12 hexadecimal digits. held: lots by symbol; of an account, such maps by Strategy."""
    return hashlib.sha256(rfc8785.dumps(dict(held))).hexdigest()[:12]


def abandoned(meta: Meta, status: StrategyStatus) -> bool:
    """Whether somebody lets it go with the positions that its status shows."""
    return meta.annotations.get(ABANDON) == positions_hash(status)


def how_to_abandon(status: StrategyStatus) -> str:
    """Say how to let it go as it is."""
    held = ", ".join(f"{position.lots} {position.symbol}" for position in status.positions) or "no known position"
    return f"to let it go as it is ({held}), annotate it with {ABANDON}={positions_hash(status)}"
