"""Write the rows of a run into its output buffers. No decision is made here."""

import numpy as np

from alphatrade_runtime.loop.core import (
    OUT_DECISIONS,
    OUT_EQUITY,
    OUT_FILLS,
    OUT_MARKS,
    OUT_ORDERS,
    ROWS_PER_DRAIN,
)
from alphatrade_runtime.market.orders import Command
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS
from alphatrade_runtime.market.view import reference2
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import NAN_BITS, float_bits
from alphatrade_runtime.numerics.mix import mix
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.risk.codes import CODE_COUNT
from alphatrade_runtime.risk.law import worst_position

_FOLD = int(DiaryKind.FOLD)
_AMEND = int(Command.AMEND)
_GUARD = int(DiaryKind.GUARD)


@inlined
def count_row(c, stream):
    """Count a row about to be written; a full buffer asks the loop to stop after this step."""
    c.out_n[stream] += 1
    if c.out_n[stream] >= ROWS_PER_DRAIN:
        c.loop[0].drain = 1


@kernel
def _digest_features(c):
    """Return the digest of the features that the latest decision saw; computed here, since few decisions get a row."""
    digest = np.uint64(0)
    for k in range(c.loop[0].x_n):
        value = c.x[k]
        digest = mix(digest, float_bits(value) if value == value else NAN_BITS, k)
    return digest


@kernel
def diary_row(c, kind, i, command, side, qty, price, order_id, code, tif, purpose, guard):
    """Append a diary row; what folded since the last one goes into it."""
    loop = c.loop[0]
    account = c.account[0]
    row = c.out_decisions[c.out_n[OUT_DECISIONS]]
    count_row(c, OUT_DECISIONS)
    row.seq = account.seq
    row.decision_id = loop.decision_id
    row.event_ts_ns = account.now
    row.order_id = order_id
    row.qty = qty
    row.limit = price
    row.nav = account.nav
    row.first_seq = loop.first_seq
    row.last_seq = loop.last_seq
    row.n = loop.n
    row.fold64 = loop.fold64
    row.features_digest = _digest_features(c)
    row.score = loop.score
    row.config_epoch = loop.config_epoch
    row.instrument = i
    row.kind = kind
    row.action = command
    row.side = side
    row.code = code
    row.tif = tif
    row.purpose = purpose
    row.kill_state = account.kill_state
    row.guard = guard
    asked = code != 0 or command == 1 or command == 2
    for k in range(CODE_COUNT):
        row.util[k] = c.util[k] if asked else 0
    if i == ALL_INSTRUMENTS:
        row.target_lots = 0
        row.position_lots = 0
        row.ref2 = 0
        row.policy = 255
        row.topology = 0
    else:
        row.target_lots = c.plans[i].target
        row.position_lots = c.exposures[i].position
        row.ref2 = reference2(c.views[i])
        row.policy = c.instruments[i].policy if c.instruments[i].policy >= 0 else 255
        row.topology = c.plans[i].topology
    loop.n = 0
    loop.row_ts = account.now


@inlined
def fold_row(c):
    """Append a row for decisions that sent nothing."""
    diary_row(c, _FOLD, ALL_INSTRUMENTS, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@kernel
def guard_row(c, guard):
    """Append a row for a moved guard: kill state, reduce-only, halt, day."""
    account = c.account[0]
    slippage = account.flatten_slippage_bps
    diary_row(c, _GUARD, ALL_INSTRUMENTS, 0, 0, account.kill_mode, slippage, 0, 0, 0, 0, guard)


@kernel
def order_row(c, order, event, code):
    """Append what became of an order. order: SLOT_DTYPE record (a denied one never got a slot but has the fields)."""
    account = c.account[0]
    row = c.out_orders[c.out_n[OUT_ORDERS]]
    count_row(c, OUT_ORDERS)
    row.ts_ns = account.now
    row.seq = account.seq
    row.order_id = order.order_id
    row.decision_id = order.decision_id
    row.price = order.price
    row.qty = order.qty
    row.leaves = order.leaves
    row.ref2 = order.ref2
    row.instrument = order.instrument
    row.event = event
    row.state = order.state
    row.side = order.side
    row.tif = order.tif
    row.order_flags = order.order_flags
    row.purpose = order.purpose
    row.topology = order.topology
    row.code = code


@kernel
def amend_row(c, order, price, qty, ref2):
    """Append an amend that left: the order as it is, but price, quantity and reference as asked for."""
    order_row(c, order, _AMEND, 0)
    row = c.out_orders[c.out_n[OUT_ORDERS] - 1]
    row.price = price
    row.qty = qty
    row.ref2 = ref2


@kernel
def fill_row(c, report, decision_id, fee, topology, purpose):
    """Append a fill as booked."""
    account = c.account[0]
    i = report.instrument
    row = c.out_fills[c.out_n[OUT_FILLS]]
    count_row(c, OUT_FILLS)
    row.ts_ns = account.now
    row.exch_ts_ns = report.exch_ts_ns
    row.seq = account.seq
    row.order_id = report.order_id
    row.decision_id = decision_id
    row.exec_id = report.exec_id
    row.price = report.price
    row.qty = report.qty
    row.fee = fee
    row.position_after = c.exposures[i].position
    row.cash_after = account.cash
    row.ref2 = reference2(c.views[i])
    row.instrument = i
    row.side = report.side
    row.maker = report.maker
    row.topology = topology
    row.purpose = purpose


@kernel
def equity_rows(c):
    """Append NAV now, and the position and mark of every instrument that it is made of."""
    account = c.account[0]
    gross = 0
    net = 0
    for i in range(c.loop[0].instruments):
        row = c.out_marks[c.out_n[OUT_MARKS]]
        count_row(c, OUT_MARKS)
        row.ts_ns = account.now
        row.seq = account.seq
        row.position = c.exposures[i].position
        row.mark2 = c.views[i].mark2
        row.instrument = i
        worst, sign = worst_position(c.exposures[i], 0, 0)
        value = worst * reference2(c.views[i]) * c.instruments[i].half_mult
        gross += value
        net += sign * value
    equity = c.out_equity[c.out_n[OUT_EQUITY]]
    count_row(c, OUT_EQUITY)
    equity.ts_ns = account.now
    equity.seq = account.seq
    equity.nav = account.nav
    equity.cash = account.cash
    equity.funding = account.funding
    equity.fees = account.fees
    equity.gross = gross
    equity.net = net
    equity.high_water = account.high_water
    equity.day_start_nav = account.day_start_nav
    equity.turnover = account.turnover
    equity.kill_state = account.kill_state
    equity.reduce_only = account.reduce_only
