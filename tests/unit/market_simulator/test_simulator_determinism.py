"""The same seed and configuration give the same bytes: in any process, any chunk size, with or without the compiler."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from alphatrade_runtime.market.manifest import ColumnDigest
from alphatrade_runtime.market.simulator import iterate
from alphatrade_runtime.market.simulator.examples import DAILY_BARS, FOUR_HOURS
from unit.market_simulator.readings import rows_of

PROGRAM = """
import warnings
from alphatrade_runtime.market.manifest import ColumnDigest
from alphatrade_runtime.market.simulator import iterate
from alphatrade_runtime.market.simulator.examples import DAILY_BARS, FOUR_HOURS

warnings.simplefilter("error")
events = [
    {"type": "storm", "at": "5s", "duration": "10s"},
    {"type": "halt", "at": "20s", "duration": "3s", "instrument": "SIM-B", "size": 0.02},
    {"type": "gap", "at": "25s", "duration": "3s", "instrument": "SIM-C"},
    {"type": "crash", "at": "30s", "duration": "5s", "size": -0.05, "refill": 0.5},
    {"type": "bad_print", "at": "41s", "size": 1.5},
    {"type": "crossed_quote", "at": "45s", "duration": "1s", "size": 2},
    {"type": "stale", "at": "50s", "duration": "3s"},
]
ticks = {**FOUR_HOURS, "duration": "1m", "events": events, "depth_levels": 3, "mark_interval": "1s",
         "funding": {"interval": "15s"}}
bars = {**DAILY_BARS, "bars": {**DAILY_BARS["bars"], "count": 300},
        "events": [{"type": "halt", "at": "40d", "duration": "5d", "size": -0.1}]}
for config in (ticks, {**ticks, "edge": {"type": "momentum", "strength": 0.3}}, bars):
    digest, rows = ColumnDigest(), 0
    for chunk in iterate(config):
        digest.update(chunk)
        rows += len(chunk.seq)
    print(rows, digest.hexdigest())
"""


def printed(**environment):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def reference():
    return printed()


def test_rows_are_the_same_without_the_compiler(reference):
    rows = [int(line.split()[0]) for line in reference.splitlines()]
    assert rows[0] > 1000
    assert printed(NUMBA_DISABLE_JIT="1") == reference


@pytest.mark.parametrize(
    "environment", [{"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LANG": "C"}, {"PYTHONHASHSEED": "2", "LC_ALL": "C"}]
)
def test_rows_are_the_same_in_any_surroundings(reference, environment):
    assert printed(**environment) == reference


def digest_of(config, chunk_rows):
    digest, sizes = ColumnDigest(), []
    for rows in iterate(config, chunk_rows):
        digest.update(rows)
        sizes.append(len(rows.seq))
    return digest.hexdigest(), sizes


@pytest.mark.parametrize("config", [{**FOUR_HOURS, "duration": "30m", "depth_levels": 5}, DAILY_BARS])
def test_rows_do_not_depend_on_the_chunk_size(config):
    (first, small), (second, large) = digest_of(config, 4_096), digest_of(config, 1_000_000)
    assert first == second
    assert len(small) > len(large) == 1


def test_rows_depend_on_the_seed():
    a, b = (rows_of(FOUR_HOURS, seed=seed, duration="1m") for seed in (1, 2))
    n = min(len(a.seq), len(b.seq))
    assert (a.ts_event_ns[10:n] != b.ts_event_ns[10:n]).any()


def test_a_market_begins_the_same_whatever_its_length():
    short, long = (rows_of(FOUR_HOURS, events=[], duration=span) for span in ("1m", "2m"))
    for name in ("ts_init_ns", "bid", "ask", "bid_size", "price", "size"):
        assert (getattr(short, name) == getattr(long, name)[: len(short.seq)]).all(), name


def test_rows_are_read_only_and_contiguous():
    rows = next(iter(iterate({"duration": "10s"})))
    assert not any(column.flags.writeable for column in rows)
    assert all(column.flags.c_contiguous for column in rows)


def test_golden_bytes():
    """The digest of a short market; it changes with the market's rules and with nothing else."""
    total = hashlib.sha256()
    for column in rows_of({"seed": 1, "duration": "1m"}):
        total.update(np.ascontiguousarray(column).tobytes())
    assert total.hexdigest() == "41457d5397f8a1620af9c455bf13fc4c3918c82ec58d0a77877707f06bebfd7c"
