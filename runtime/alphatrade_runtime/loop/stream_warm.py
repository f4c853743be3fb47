"""Load every compiled function of a session on a stream's clock before its first row."""

import numpy as np

from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.limits import take_limits
from alphatrade_runtime.loop.mind_link import streams_of
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.loop.stream_session import StreamSession, new_stream_core
from alphatrade_runtime.market.orders import REPORT_DTYPE
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.risk.auditor import Auditor

_DAY_NS = 86_400 * 10**9


def warm_up_stream(session: Session) -> None:
    """Run every compiled function once on a state that nobody needs afterwards."""
    core = new_stream_core(session, _DAY_NS, 2 * _DAY_NS)
    recorder = Recorder.create(None, {}, False, Auditor.from_session(session), streams_of(core))
    live = StreamSession(core, recorder, None)
    live.give_reports(np.zeros(1, REPORT_DTYPE))
    live.next_ns()
    live.obey(Control.RECONCILED)
    take_limits(live.core, session)
    live.run(-1)
    replay.close(live.core)
    live.drain()
    recorder.abandon()
