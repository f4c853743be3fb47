"""Merge a tape with the simulated exchange by time and run the step: one compiled loop.

Five sources, the earliest first; at one time in the order: local data, local reports, exchange data,
exchange commands, then the step. (Bar tapes: commands before the next bar's data, so that an order made
at a close is there for the open that falls on the same time.) Source of the order: hftbacktest's event
loop, which the parity tests compare with.
"""

import numpy as np

from alphatrade_runtime.execution import exchange
from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.loop.emit import diary_row, equity_rows, fold_row
from alphatrade_runtime.loop.follow import finish_followed
from alphatrade_runtime.loop.reports import on_report
from alphatrade_runtime.loop.rows import take_quote_row, take_row
from alphatrade_runtime.loop.step import step, step_arrived
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Flag, Kind
from alphatrade_runtime.numerics.jit import entry, inlined, kernel
from alphatrade_runtime.numerics.prefetch import prefetch
from alphatrade_runtime.reflection.records import DiaryKind

NEED_ROWS, NEED_DRAIN, DONE = range(3)
NEVER = (1 << 62) + 1
AHEAD = 64  # rows
_MASK = RING - 1
_QUOTE = int(Kind.QUOTE)
_TRADE = int(Kind.TRADE)
_DEPTH = int(Kind.DEPTH)
_BAR = int(Kind.BAR)
_STATUS = int(Kind.STATUS)
_LAST = int(Flag.LAST)
_CLOSE = int(DiaryKind.CLOSE)


@kernel
def _venue_rare(c, depth, kind, ts):
    row = c.row[0]
    i = row.instrument
    if kind == _DEPTH:
        exchange.on_depth(
            c.venue[0], c.books, c.resting, depth, i, row.side, row.price, row.lots
        )  # fmt: skip
    elif kind == _BAR:
        exchange.on_bar(
            c.venue[0], c.books, c.resting, c.reports, i, row.bid_size, row.ask, row.bid, ts,
            row.ts_init_ns,
        )  # fmt: skip
    elif kind == _STATUS:
        exchange.on_status(c.books, i, row.price)


@kernel
def _venue_other(c, depth, ts):
    """Take the row in c.row, no QUOTE, into the simulated exchange at exchange time ts."""
    row = c.row[0]
    kind = row.kind
    i = row.instrument
    if i >= c.loop[0].instruments:
        return
    if kind == _TRADE:
        if c.books[i].resting > 0:
            exchange.on_trade(
                c.venue[0], c.books, c.resting, c.reports, i, row.price, row.lots, row.side, ts
            )  # fmt: skip
    else:
        _venue_rare(c, depth, kind, ts)


@inlined
def load_row(row, rows, r):
    """Copy tape row r into a record."""
    row.seq = rows.seq[r]
    row.ts_event_ns = rows.ts_event_ns[r]
    row.ts_init_ns = rows.ts_init_ns[r]
    row.instrument = rows.instrument[r]
    row.kind = rows.kind[r]
    row.side = rows.side[r]
    row.price = rows.price[r]
    row.lots = rows.size[r]
    row.bid = rows.bid[r]
    row.ask = rows.ask[r]
    row.bid_size = rows.bid_size[r]
    row.ask_size = rows.ask_size[r]
    row.venue_seq = rows.venue_seq[r]
    row.row_flags = rows.flags[r]


@kernel
def take_command(c, depth):
    loop = c.loop[0]
    command = c.commands[loop.commands_head & _MASK]
    loop.commands_head += 1
    exchange.on_command(c.venue[0], c.books, depth, c.resting, c.reports, command, command.ts_ns)


@kernel
def take_due_report(c):
    venue = c.venue[0]
    report = c.reports[venue.head & _MASK]
    venue.head += 1
    on_report(c, report, report.ts_ns)


@inlined
def _venue_quote(c, i, bid, ask, bid_size, ask_size, ts):
    if i < c.loop[0].instruments:
        exchange.on_quote(c.venue[0], c.books, c.resting, c.reports, i, bid, ask, bid_size, ask_size, ts)


@inlined
def venue_row(c, rows, r, ts, depth):
    if rows.kind[r] == _QUOTE:
        _venue_quote(c, rows.instrument[r], rows.bid[r], rows.ask[r], rows.bid_size[r], rows.ask_size[r], ts)
    else:
        load_row(c.row[0], rows, r)
        _venue_other(c, depth, ts)


@kernel
def late_step(c):
    """The step again, compiled once more outside the loop: what follows busy rows."""
    loop = c.loop[0]
    loop.step_pending = 0
    step(c, loop.step_ts, loop.step_seq)


@inlined
def _earliest(c, rows, n, depth):
    """Do the one thing that comes next in time; return False when there is none."""
    loop = c.loop[0]
    venue = c.venue[0]
    local = loop.local_row
    ahead = loop.venue_row
    t_data = rows.ts_init_ns[local] if local < n else NEVER
    t_venue = max(loop.venue_ts, rows.ts_event_ns[ahead]) + loop.bar_mode if ahead < n else NEVER
    t_step = loop.step_ts if loop.step_pending != 0 else NEVER
    t_report = c.reports[venue.head & _MASK].ts_ns if venue.head < venue.tail else NEVER
    t_command = c.commands[loop.commands_head & _MASK].ts_ns if loop.commands_head < loop.commands_tail else NEVER
    if t_data <= t_report and t_data <= t_venue and t_data <= t_command and t_data <= t_step:
        if t_data == NEVER:
            return False
        loop.local_row = local + 1
        load_row(c.row[0], rows, np.uint64(local))
        take_row(c)
    elif t_report <= t_venue and t_report <= t_command and t_report <= t_step:
        take_due_report(c)
    elif t_venue <= t_command and t_venue <= t_step:
        loop.venue_row = ahead + 1
        loop.venue_ts = t_venue - loop.bar_mode
        venue_row(c, rows, np.uint64(ahead), loop.venue_ts, depth)
    elif t_command <= t_step:
        take_command(c, depth)
    else:
        late_step(c)
    return True


@inlined
def _is_quiet(c):
    """True when neither commands nor reports are under way and no step is due."""
    loop = c.loop[0]
    venue = c.venue[0]
    return venue.head == venue.tail and loop.commands_head == loop.commands_tail and loop.step_pending == 0


@inlined
def _leave_step(c, now, seq):
    loop = c.loop[0]
    loop.step_pending = 1
    loop.step_ts = now
    loop.step_seq = seq


@inlined
def _look_ahead(rows, r):
    """Once a cache line, ask for the columns that a quote reads: they are more streams than a processor foresees."""
    if r & 7 == 0:
        at = r + AHEAD
        prefetch(rows.ts_init_ns, at)
        prefetch(rows.ts_event_ns, at)
        prefetch(rows.seq, at)
        prefetch(rows.bid, at)
        prefetch(rows.ask, at)
        prefetch(rows.bid_size, at)
        prefetch(rows.ask_size, at)


@inlined
def _quiet_rows(c, rows, n, depth, local, ahead, venue_ts, one):
    """Take rows as long as nothing of ours is under way: a quote, the venue's rows up to its time, the step.

    one: a constant; True compiles a loop for a single instrument, whose state then lies at fixed places: a quarter
    fewer instructions a row (measured). Returns the cursors; they stay in registers (in memory they cost a third).
    """
    loop = c.loop[0]
    bar_mode = loop.bar_mode
    while ahead <= local and local + 2 < n and loop.drain == 0 and _is_quiet(c):
        r = np.uint64(local)  # unsigned: numba need not ask whether an index counts from the end
        now = rows.ts_init_ns[r]
        ts = max(venue_ts, rows.ts_event_ns[np.uint64(ahead)])
        if rows.kind[r] != _QUOTE or ts + bar_mode < now or rows.ts_init_ns[np.uint64(local + 1)] <= now:
            break
        if one and rows.instrument[r] != 0:
            break
        _look_ahead(rows, local)
        i = 0 if one else np.int64(rows.instrument[r])
        bid, ask, bid_size, ask_size = rows.bid[r], rows.ask[r], rows.bid_size[r], rows.ask_size[r]
        take_quote_row(c, rows.seq[r], now, i, bid, ask, bid_size, ask_size)
        if ahead == local and ts + bar_mode <= now:  # no latency: the venue's next row is this very one
            _venue_quote(c, i, bid, ask, bid_size, ask_size, ts)
            venue_ts = ts
            ahead += 1
            ts = max(venue_ts, rows.ts_event_ns[np.uint64(ahead)])
        local += 1
        while ts + bar_mode <= now and ahead <= local:
            venue_ts = ts
            venue_row(c, rows, np.uint64(ahead), ts, depth)
            ahead += 1
            ts = max(venue_ts, rows.ts_event_ns[np.uint64(ahead)])
        if rows.flags[r] & _LAST:
            if ahead <= local and c.venue[0].head == c.venue[0].tail:
                step_arrived(c, now, 1 if one else loop.instruments)
            else:
                _leave_step(c, now, rows.seq[r])
    return local, ahead, venue_ts


@entry
def run(core, rows, n, final, depth):
    """Run until the rows are used up, an output buffer is full, or (final) everything under way has arrived.

    rows: a span of the tape; loop.local_row and loop.venue_row index it.  n: rows in it.  final: no more will come.
    depth: (instruments, 2, ticks) int64 levels of the venue's book; no ticks without depth rows.
    Returns NEED_ROWS, NEED_DRAIN or DONE.

    Most of the time nothing of ours is under way, and `_quiet_rows` need not ask what comes first.
    """
    c = core[0]
    loop = c.loop[0]
    local = loop.local_row
    ahead = loop.venue_row
    venue_ts = loop.venue_ts
    state = NEED_ROWS
    while final or (local < n and ahead < n):
        if loop.instruments == 1:
            local, ahead, venue_ts = _quiet_rows(c, rows, n, depth, local, ahead, venue_ts, True)
        else:
            local, ahead, venue_ts = _quiet_rows(c, rows, n, depth, local, ahead, venue_ts, False)
        if loop.drain != 0:
            loop.drain = 0
            state = NEED_DRAIN
            break
        if not (final or (local < n and ahead < n)):
            break
        loop.local_row = local
        loop.venue_row = ahead
        loop.venue_ts = venue_ts
        more = _earliest(c, rows, n, depth)
        local = loop.local_row
        ahead = loop.venue_row
        venue_ts = loop.venue_ts
        if not more:
            state = DONE
            break
    loop.local_row = local
    loop.venue_row = ahead
    loop.venue_ts = venue_ts
    return state


@entry
def close(core):
    """Write the last rows of a session: the open fold, what is still followed, equity, the closing row."""
    c = core[0]
    if c.loop[0].n > 0:
        fold_row(c)
    finish_followed(c)
    equity_rows(c)
    diary_row(c, _CLOSE, ALL_INSTRUMENTS, 0, 0, 0, 0, 0, 0, 0, 0, 0)
