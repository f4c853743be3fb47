"""The replay loop cut in two: the strategy's side here, the venue's side wherever it is.

On a stream's clock time is that of the rows. Whoever runs both sides promises: all rows, and all reports, up to
`until` are in hand. Then the strategy's side does what the whole loop of `loop/replay.py` would have done, in the same
order: at one time local data, reports, then the step. Conservative simulation: the entry and the response latency are
how far the two sides may be apart (Chandy and Misra, 1979).
"""

from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.loop.replay import late_step, load_row, take_command, take_due_report, venue_row
from alphatrade_runtime.loop.rows import take_control, take_row
from alphatrade_runtime.loop.step import enforce_kill
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.risk.kill import ARMED

REACHED, SENT, DRAIN = range(3)
NEVER = (1 << 62) + 1
_MASK = RING - 1


@entry
def run_local(core, rows, n, until):
    """Take rows, reports and steps up to and including time `until` (ns), in the order of time.

    rows: a span of the tape, n rows; loop.local_row indexes it.  Returns REACHED when the next thing is later, SENT
    behind a step that made commands (take them before anything else), DRAIN when an output buffer is full.
    """
    c = core[0]
    loop = c.loop[0]
    venue = c.venue[0]
    while loop.drain == 0:
        local = loop.local_row
        t_data = rows.ts_init_ns[local] if local < n else NEVER
        t_step = loop.step_ts if loop.step_pending != 0 else NEVER
        t_report = c.reports[venue.head & _MASK].ts_ns if venue.head < venue.tail else NEVER
        if min(t_data, t_report, t_step) > until:
            return REACHED
        if t_data <= t_report and t_data <= t_step:
            loop.local_row = local + 1
            load_row(c.row[0], rows, local)
            take_row(c)
        elif t_report <= t_step:
            take_due_report(c)
        else:
            before = loop.commands_tail
            late_step(c)
            if loop.commands_tail != before:
                return SENT
    loop.drain = 0
    return DRAIN


@entry
def run_venue(core, rows, n, until, depth):
    """Bring the venue of this state up to exchange time `until`: market rows first, then commands of the same time.

    rows: a span of the tape, n rows; loop.venue_row indexes it.  depth: as in `replay.run`.
    """
    c = core[0]
    loop = c.loop[0]
    while True:
        ahead = loop.venue_row
        t_data = max(loop.venue_ts, rows.ts_event_ns[ahead]) if ahead < n else NEVER
        t_command = c.commands[loop.commands_head & _MASK].ts_ns if loop.commands_head < loop.commands_tail else NEVER
        if min(t_data, t_command) > until:
            return
        if t_data <= t_command:
            loop.venue_row = ahead + 1
            loop.venue_ts = t_data
            venue_row(c, rows, ahead, t_data, depth)
        else:
            take_command(c, depth)


@entry
def give_reports(core, reports):
    """Put reports on their way to the strategy's side; return how many found room. reports: (n,) of REPORT_DTYPE."""
    c = core[0]
    venue = c.venue[0]
    for k in range(len(reports)):
        if venue.tail - venue.head >= RING - 1:
            return k
        c.reports[venue.tail & _MASK] = reports[k]
        venue.tail += 1
    return len(reports)


@entry
def next_event_ns(core, rows, n):
    """Return when the strategy's side has something to do next, of what is in hand; NEVER when there is nothing."""
    c = core[0]
    loop = c.loop[0]
    venue = c.venue[0]
    earliest = rows.ts_init_ns[loop.local_row] if loop.local_row < n else NEVER
    if loop.step_pending != 0:
        earliest = min(earliest, loop.step_ts)
    if venue.head < venue.tail:
        earliest = min(earliest, c.reports[venue.head & _MASK].ts_ns)
    return earliest


@entry
def move_clock(core, now):
    """Let time go on to `now` (ns), up to which nothing happens."""
    account = core[0].account[0]
    account.now = max(account.now, now)


@entry
def obey(core, what, argument):
    """Take a control at the time reached, outside the tape: kill modes, halts, their release."""
    c = core[0]
    take_control(c, what, argument)
    account = c.account[0]
    if account.kill_state != ARMED or account.reduce_only != 0 or account.halt != 0:
        enforce_kill(c, account.now)
