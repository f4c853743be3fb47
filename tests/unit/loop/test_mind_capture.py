"""Everything on over a capture: fast weights within their bound, a restart, and orders that can be explained.

The recorded one is taken where it lies beside the repository, besides the generated one.
"""

import itertools
import math
import time
from pathlib import Path

import numpy as np
import pytest

from alphatrade_runtime.loop import engine as engines
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.importers.binance_capture import import_capture
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.simulator import simulate
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.perception.belief.shape import WIDTH
from alphatrade_runtime.reflection.diary.attribution import attribution
from alphatrade_runtime.risk.codes import Guard
from bench import sessions, strategies  # noqa: F401 (declares the signals)
from bench.make_capture import write_capture
from unit.loop.mind_sessions import everything
from unit.loop.stored_runs import stored

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "binance-usdm-btcusdt-20240808.gz"
MOMENTS = 8_000
DOCUMENT = sessions.mind_capture_session()


@pytest.fixture(
    scope="module",
    params=[
        "generated",
        pytest.param(
            "recorded", marks=pytest.mark.skipif(not RECORDED.exists(), reason="the real capture is not here")
        ),
    ],
)
def tape(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("capture")
    capture = folder / "made.gz"
    if request.param == "generated":
        write_capture(capture, MOMENTS)
    import_capture(capture if request.param == "generated" else RECORDED, folder / "tape", ImportOptions())
    with Tape.open(folder / "tape") as opened:
        yield opened


@pytest.fixture(scope="module")
def ran(tape):
    """The run's mind and its tables, with the norm of each instrument's memory summed anew."""
    engine = Engine(DOCUMENT)
    run = engines._Run(engine, engines._source(tape, engine.session), None, True)
    run.loop(None, None)
    mind = mind_of(run.core)
    assert isinstance(mind, Mind)
    fast = mind.symbols[0].fast[0]
    return fast, float(np.sqrt((np.asarray(fast.rho) ** 2).sum())) * float(fast.scale), run.finish()


def test_fast_weights_stay_within_their_bound_without_a_fault(ran):
    fast, exact, result = ran
    norms = result.tables["routes"]["rho_norm"].to_pylist()
    assert len(norms) > 100
    assert 0.1 < max(norms) <= math.sqrt(WIDTH) * (1 + 1e-9)
    assert exact == pytest.approx(float(fast.norm), rel=1e-9)
    assert (int(fast.faults), int(fast.frozen), int(fast.clamps)) == (0, 0, 0)
    assert int(fast.writes) > 300
    assert Guard.FAST_WEIGHTS not in result.tables["decisions"]["guard"].to_pylist()
    assert result.violations == []


def check_attributed(folder):
    found = attribution(folder)
    assert found.total > 10
    assert (found.share or 0.0) >= 0.95
    assert (found.notional_share or 0.0) >= 0.95


@pytest.mark.parametrize("clock", ["quote_change", "every_quote"])
def test_of_all_orders_on_a_capture_nearly_all_are_attributed(clock, tape, tmp_path):
    document = sessions.mind_capture_session()
    document["policy"]["genotype"]["decision_clock"]["type"] = clock
    check_attributed(stored(tmp_path / "run", document, tape))


def test_of_all_orders_on_a_simulated_tape_nearly_all_are_attributed(tmp_path):
    simulate({"seed": 1, "duration": "20m", "instruments": [{"symbol": "SIM-0"}, {"symbol": "SIM-1"}]}, tmp_path / "s")
    document = everything()
    envelope = document["policy"]["envelope"]
    document["policy"]["initial_cash"] = "100000000"
    document["policy"]["genotype"]["decision_clock"] = {"type": "quote_change", "interval_ns": 100_000_000}
    with Tape.open(tmp_path / "s") as simulated:
        for terms, instrument in zip(envelope["instruments"], simulated.instruments, strict=True):
            terms.update(tick_size=str(instrument.tick_size), lot_size=str(instrument.lot_size))
        check_attributed(stored(tmp_path / "run", document, simulated))


def test_a_restart_from_a_checkpoint_has_the_same_digests(tape, ran, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "monotonic", itertools.count(0.0, 1.0).__next__)
    save = engines._Run.checkpoint

    def once(run):
        save(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(engines._Run, "checkpoint", once)
    with pytest.raises(KeyboardInterrupt):
        Engine(DOCUMENT).replay(tape, tmp_path / "run", checkpoint_every_s=0.5)
    monkeypatch.setattr(engines._Run, "checkpoint", save)
    assert Engine(DOCUMENT).replay(tape, tmp_path / "run").digests == ran[2].digests
