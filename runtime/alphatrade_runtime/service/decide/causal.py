"""The replay loop for rows that come one by one: nothing is known of what has not arrived.

`loop/replay.py` has the whole tape: its exchange sees a row at the row's exchange time, also before it has arrived
here. Here the exchange is brought forward as late as possible: at a step it need only have come to the time whose
reports are due by now, which is the response latency ago. So both loops do the same things in the same order as long
as no row takes longer to arrive than a report does. A row that does, and that would have made a difference, is counted.
"""

from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.loop.core import OUT_DECISIONS
from alphatrade_runtime.loop.replay import NEVER, late_step, load_row, take_command, take_due_report, venue_row
from alphatrade_runtime.loop.rows import take_row
from alphatrade_runtime.numerics.jit import entry, inlined

REACHED_NS, COMMAND_NS, OVERTAKEN, FIELDS = range(4)  # the cells of `seen`, and how many
_MASK = RING - 1


@inlined
def _by(time, bound):
    """Return a time that is not past its bound, else NEVER."""
    return time if time <= bound else NEVER


@inlined
def _venue_takes(c, rows, r, ts, depth, seen):
    """Give row r to the exchange; count it when a later command or a report due by now was there before it."""
    loop = c.loop[0]
    venue = c.venue[0]
    reports = venue.tail
    loop.venue_row = r + 1
    loop.venue_ts = ts
    venue_row(c, rows, r, ts, depth)
    late = venue.tail != reports and ts + venue.response_latency_ns <= seen[REACHED_NS]
    if late or ts <= seen[COMMAND_NS]:
        seen[OVERTAKEN] += 1


@entry
def advance(core, rows, n, until, depth, seen):
    """Do all that falls on times up to `until` (ns), in replay's order; return how many diary rows that made.

    -1 - n when a buffer is full: take the n rows and call again. What the buffers held before is forgotten.
    rows: n rows that have arrived; loop.local_row and loop.venue_row index them.  depth: as in `replay.run`.
    seen: (FIELDS,) int64: `until` of the last call, time of the last command at the exchange, rows that were overtaken.
    """
    c = core[0]
    loop = c.loop[0]
    venue = c.venue[0]
    through = until - venue.response_latency_ns
    for stream in range(len(c.out_n)):
        c.out_n[stream] = 0
    while loop.drain == 0:
        local = loop.local_row
        ahead = loop.venue_row
        t_data = _by(rows.ts_init_ns[local], until) if local < n else NEVER
        t_report = _by(c.reports[venue.head & _MASK].ts_ns, until) if venue.head < venue.tail else NEVER
        t_step = _by(loop.step_ts, until) if loop.step_pending != 0 else NEVER
        t_venue = _by(max(loop.venue_ts, rows.ts_event_ns[ahead]), through) if ahead < n else NEVER
        t_command = NEVER
        if loop.commands_head < loop.commands_tail:
            t_command = _by(c.commands[loop.commands_head & _MASK].ts_ns, through)
        if min(t_data, t_report, t_step, t_venue, t_command) == NEVER:
            seen[REACHED_NS] = until
            return c.out_n[OUT_DECISIONS]
        if t_data <= t_report and t_data <= t_venue and t_data <= t_command and t_data <= t_step:
            loop.local_row = local + 1
            load_row(c.row[0], rows, local)
            take_row(c)
        elif t_report <= t_venue and t_report <= t_command and t_report <= t_step:
            take_due_report(c)
        elif t_venue <= t_command and t_venue <= t_step:
            _venue_takes(c, rows, ahead, t_venue, depth, seen)
        elif t_command <= t_step:
            seen[COMMAND_NS] = t_command
            take_command(c, depth)
        else:
            late_step(c)
    loop.drain = 0
    return -1 - c.out_n[OUT_DECISIONS]
