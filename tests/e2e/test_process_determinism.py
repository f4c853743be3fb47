"""The same run in processes that differ in all that must not matter: the same bytes."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alphatrade_runtime.reflection.diary.chain import MIND_STREAMS

PROGRAM = Path(__file__).with_name("digest_of_a_run.py")
PROCESSES = {
    "plain": {},
    "hash_seed_1": {"PYTHONHASHSEED": "1"},
    "hash_seed_77": {"PYTHONHASHSEED": "77"},
    "tokyo_turkish": {"TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"},
    "avx512_left_on": {"NPY_DISABLE_CPU_FEATURES": ""},
    "avx512_and_avx2_off": {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 X86_V3"},
    "other_libm": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable,-AVX512F"},
    "one_thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
}  # fmt: skip


def _run(changes, folder):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONHASHSEED", "NPY_DISABLE_CPU_FEATURES", "TZ")}
    command = [sys.executable, "-W", "ignore", str(PROGRAM)]
    done = subprocess.run(command, env={**env, **changes}, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folders = [tmp_path_factory.mktemp(name) for name in PROCESSES]
    first = _run(PROCESSES["plain"], folders[0])  # alone: it may have to compile, for all
    with ThreadPoolExecutor(2) as pool:
        others = pool.map(_run, list(PROCESSES.values())[1:], folders[1:])
        return dict(zip(PROCESSES, [first, *others], strict=True))


@pytest.mark.parametrize("process", list(PROCESSES)[1:])
def test_every_process_gives_the_same_bytes(process, runs):
    assert runs[process] == runs["plain"]


def test_the_run_does_something(runs):
    plain = runs["plain"]
    assert plain["rows"] > 5_000
    assert plain["counts"]["orders"] > 500
    assert plain["counts"]["fills"] > 100
    assert len({plain["tape"], plain["diary"], plain["fills"], plain["pnl"]}) == 4


def test_all_of_the_understanding_loop_takes_part(runs):
    understood = runs["plain"]["understood"]
    assert understood["counts"]["events"] == 100_000
    assert understood["counts"]["fills"] > 1_000
    assert understood["violations"] == []
    for stream in MIND_STREAMS:
        assert understood["recorded"][stream] > 20, stream
    assert understood["counts"]["denials"]["BUDGET"] > 20
    assert len({understood[name] for name in ("diary", "fills", "pnl", "mind")}) == 4
