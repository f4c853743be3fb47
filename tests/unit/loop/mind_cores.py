"""States of sessions with a mind, run row by row, for tests that look inside."""

import numpy as np

from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.calendar import Calendar
from alphatrade_runtime.policy.document import parse_session


def core_of(document):
    """The state of a session at its start."""
    return build(parse_session(document), Calendar.load("24/7", 0, 1), bar_mode=False)


def fed(document, rows):
    """The mind of a session that has taken these rows, few enough to need no drain of the records."""
    core = core_of(document)
    depth = np.zeros((len(document["policy"]["envelope"]["instruments"]), 2, 0), np.int64)
    while replay.run(core, rows, len(rows.seq), True, depth) == replay.NEED_DRAIN:
        pass
    return mind_of(core)
