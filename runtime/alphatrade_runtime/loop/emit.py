"""Write the rows of a run into its output buffers. No decision is made here."""

from alphatrade_runtime.loop.core import (
    MAX_PENDING,
    OUT_DECISIONS,
    OUT_EQUITY,
    OUT_EXPOST,
    OUT_FILLS,
    OUT_MARKS,
    OUT_ORDERS,
    OUT_ROWS,
    ROWS_PER_DRAIN,
)
from alphatrade_runtime.market.orders import Command
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS
from alphatrade_runtime.market.view import reference2
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.risk.codes import CODE_COUNT
from alphatrade_runtime.risk.law import worst_position

_FOLD = int(DiaryKind.FOLD)
_AMEND = int(Command.AMEND)
_GUARD = int(DiaryKind.GUARD)


@inlined
def _count_row(c, stream):
    """Count a row about to be written; a full buffer asks the loop to stop after this step."""
    c.out_n[stream] += 1
    if c.out_n[stream] >= ROWS_PER_DRAIN:
        c.loop[0].drain = 1


@kernel
def diary_row(c, kind, i, command, side, qty, price, order_id, code, tif, purpose, guard):
    """Append a diary row; what folded since the last one goes into it."""
    loop = c.loop[0]
    account = c.account[0]
    row = c.out_decisions[c.out_n[OUT_DECISIONS]]
    _count_row(c, OUT_DECISIONS)
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
    row.features_digest = loop.features_digest
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
    _count_row(c, OUT_ORDERS)
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
    _count_row(c, OUT_FILLS)
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
        _count_row(c, OUT_MARKS)
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
    _count_row(c, OUT_EQUITY)
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


@kernel
def _expost_row(c, i, pending, mid2, complete):
    row = c.out_expost[c.out_n[OUT_EXPOST]]
    _count_row(c, OUT_EXPOST)
    row.seq = pending.seq
    row.decision_id = pending.decision_id
    row.event_ts_ns = c.account[0].now
    row.order_id = pending.order_id
    row.fills = pending.fills
    row.filled_lots = pending.filled_lots
    row.filled_value = pending.filled_value
    row.fees = pending.fees
    row.ref2 = pending.ref2
    row.mid2_1 = pending.mid2_1
    row.mid2_10 = pending.mid2_10
    row.mid2_100 = mid2 if complete else 0
    row.worst2 = pending.worst2
    row.best2 = pending.best2
    row.instrument = i
    row.side = pending.side
    row.complete = 1 if complete else 0


@kernel
def _drop_first(c, i):
    n = c.pending_n[i]
    for k in range(n - 1):
        c.pending[i, k] = c.pending[i, k + 1]
    c.pending_n[i] = n - 1


@kernel
def follow(c, i, order):
    """Start following an action; the oldest one gives way, incomplete, when 256 are followed."""
    if c.pending_n[i] == MAX_PENDING:
        _expost_row(c, i, c.pending[i, 0], 0, False)
        _drop_first(c, i)
    pending = c.pending[i, c.pending_n[i]]
    c.pending_n[i] += 1
    pending.seq = c.account[0].seq
    pending.decision_id = order.decision_id
    pending.order_id = order.order_id
    pending.age = 0
    pending.ref2 = order.ref2
    pending.side = order.side
    pending.fills = 0
    pending.filled_lots = 0
    pending.filled_value = 0
    pending.fees = 0
    pending.mid2_1 = 0
    pending.mid2_10 = 0
    pending.worst2 = order.ref2
    pending.best2 = order.ref2


@kernel
def follow_fill(c, i, order_id, qty, value, fee):
    """Add a fill to the followed action of its order, if it is still followed."""
    for k in range(c.pending_n[i]):
        pending = c.pending[i, k]
        if pending.order_id == order_id:
            pending.fills += 1
            pending.filled_lots += qty
            pending.filled_value += value
            pending.fees += fee
            return


@kernel
def follow_decision(c, i, mid2):
    """Age the followed actions of an instrument by one decision; emit those that are 100 old."""
    k = 0
    while k < c.pending_n[i]:
        pending = c.pending[i, k]
        pending.age += 1
        if (mid2 - pending.worst2) * pending.side < 0:
            pending.worst2 = mid2
        if (mid2 - pending.best2) * pending.side > 0:
            pending.best2 = mid2
        if pending.age == 1:
            pending.mid2_1 = mid2
        elif pending.age == 10:
            pending.mid2_10 = mid2
        k += 1
    while c.pending_n[i] > 0 and c.pending[i, 0].age >= 100:
        _expost_row(c, i, c.pending[i, 0], mid2, True)
        _drop_first(c, i)


@kernel
def finish_followed(c):
    """Emit what is still followed at the end of a session, as incomplete."""
    for i in range(c.loop[0].instruments):
        while c.pending_n[i] > 0 and c.out_n[OUT_EXPOST] < OUT_ROWS:
            _expost_row(c, i, c.pending[i, 0], 0, False)
            _drop_first(c, i)
