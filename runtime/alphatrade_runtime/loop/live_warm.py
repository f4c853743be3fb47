"""Load every compiled function before a session's clock starts: loading takes a second, compiling more."""

import numpy as np

from alphatrade_runtime.execution.broker.account import open_seat
from alphatrade_runtime.execution.broker.venue import Venue
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.live_batch import command_buffer, live, make_batch, take_commands
from alphatrade_runtime.loop.live_rows import timer_row
from alphatrade_runtime.loop.mind_link import streams_of
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE
from alphatrade_runtime.numerics.direct import direct
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.reflection.telemetry import Histogram
from alphatrade_runtime.risk.auditor import Auditor


def warm_up(session: Session, core: Core) -> None:
    """Run every compiled function once on a state that nobody needs afterwards."""
    direct(live, core, make_batch([timer_row()], 0, 0, decide=False), 0)
    direct(take_commands, core, command_buffer())
    warm_up_exchange(session)
    recorder = Recorder.create(None, {}, False, Auditor.from_session(session), streams_of(core))
    replay.close(core)
    recorder.drain(core)
    recorder.abandon()
    histogram = Histogram()
    histogram.record(0)
    histogram.record_all(np.zeros(1, np.int64))


def warm_up_exchange(session: Session) -> None:
    """The same for the matching of the paper exchange alone."""
    seat = open_seat(1)
    Venue(session.exchange, 1, seat, depth=False)
    seat.restore(np.zeros(0, COMMAND_DTYPE), np.zeros(0, np.uint8), np.zeros(0, REPORT_DTYPE))
    seat.book(np.zeros(0, REPORT_DTYPE))
