"""Connections of pods to the API server, cut again and again as a bad network does: both ends get a reset."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.backend import Backend
from cluster.settings import POD_CIDR

_CUT = ("ss", "-H", "-K", "-t", "state", "established", "sport", "=", ":6443", "and", "dst", POD_CIDR)


@contextmanager
def cut_every(backend: Backend, period_s: float) -> Iterator[list[int]]:
    """Cut them all at once, each period anew; yield how many each time, as it goes on."""
    counts: list[int] = []
    over = threading.Event()

    def cut() -> None:
        while not over.wait(period_s):
            counts.append(len(backend.on_node(*_CUT).splitlines()))

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()
