"""Limits that change while a session runs: from the moment on that the journal has them."""

import json
from collections.abc import Mapping
from typing import Any

from alphatrade_runtime.loop.build import set_limits
from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.emit import guard_row
from alphatrade_runtime.loop.step import enforce_kill
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.risk.codes import Guard
from alphatrade_runtime.risk.kill import ARMED
from alphatrade_runtime.risk.law import of_nav

INSTRUMENT_LIMITS = ("max_quote_age_ns", "max_position_lots", "max_order_lots", "min_order_lots")
_LIMITS = int(Guard.LIMITS)


def only_limits_differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True when two session documents are the same but for limits, which a running session can take."""
    return _without_limits(one) == _without_limits(other)


def take_limits(core: Core, session: Session) -> None:
    """Put the limits of a session document in force. Raises InputError when a limit is out of its bounds."""
    c = core[0]
    fresh = c.limits[0].copy()
    set_limits(fresh, session.policy.envelope.limits, bool(fresh.bar_mode))
    c.limits[0] = fresh
    for i, terms in enumerate(session.policy.envelope.instruments):
        row = c.instruments[i]
        row.max_quote_age_ns = terms.max_quote_age_ns
        row.max_position, row.max_order, row.min_order = (
            terms.max_position_lots, terms.max_order_lots, terms.min_order_lots,
        )  # fmt: skip
        row.allowed = terms.symbol in session.policy.envelope.limits.symbols
    _limits_changed(core)


@entry
def _limits_changed(core):
    """Move the drawdown levels, write the guard row, and cancel what may stand no longer."""
    c = core[0]
    account = c.account[0]
    limits = c.limits[0]
    account.kill_level = 0
    account.day_level = 0
    if limits.max_drawdown_bps > 0:
        account.kill_level = account.high_water - of_nav(account.high_water, limits.max_drawdown_bps)
    if limits.day_drawdown_bps > 0:
        account.day_level = account.day_start_nav - of_nav(account.day_start_nav, limits.day_drawdown_bps)
    if account.kill_state == ARMED:
        account.flatten_slippage_bps = limits.max_flatten_slippage_bps
    c.loop[0].config_epoch += 1
    guard_row(c, _LIMITS)
    if account.kill_state != ARMED or account.reduce_only != 0 or account.halt != 0:
        enforce_kill(c, account.now)


def _without_limits(document: Mapping[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(document))
    envelope = copy["policy"]["envelope"]
    del envelope["limits"]
    for terms in envelope["instruments"]:
        for name in INSTRUMENT_LIMITS:
            del terms[name]
    return copy
