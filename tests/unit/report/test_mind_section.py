"""The page of a run with an understanding loop; one without has none of it, and loads none of it."""

import os
import re
import subprocess
import sys

import pytest

from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.reflection.routes import NOBODY
from alphatrade_runtime.report.page import page
from alphatrade_runtime.report.run_data import read_run_data
from unit.reflection.minded_run import SECOND, T0, action, belief, candidate, order, probe, route, session, write
from unit.report.run_folder import write_run
from unit.report.test_page import parsed, words

ENDS = [{"seq": k, "event_ts_ns": T0 + k * SECOND, "kind": int(DiaryKind.FOLD)} for k in (0, 100)]
SENT = order(1, 10, 10, 600_000)


def moved(second, before, after, instrument=0):
    return {"seq": second, "event_ts_ns": T0 + second * SECOND, "before": before, "after": after,
            "instrument": instrument}  # fmt: skip


def drifted(second, level, stream=4, instrument=0):
    return {
        "seq": second, "event_ts_ns": T0 + second * SECOND, "stream": stream, "detector": 3, "level": level,
        "statistic": 7.5, "threshold": 6.0, "size_before": 1.0, "size_after": 0.5, "instrument": instrument,
    }  # fmt: skip


ROWS = {
    "decisions": [ENDS[0], action(SENT), ENDS[1]],
    "orders": [SENT],
    "regimes": [moved(25, 10, 6), moved(75, 6, 2)],
    "routes": [route(0, candidate(0)), route(10, candidate(0)), route(40, candidate(1)), route(90, regime=3)],
    "belief_snapshots": [belief(10, rho_norm=1.5), belief(40, surprise=2.0, rho_norm=2.5)],
    "probes": [probe(10, 4, fired=1), probe(40, 2)],
    "drift": [drifted(50, 1), drifted(60, 2), drifted(80, 0), drifted(81, 0, stream=255)],
}


def made(tmp_path, rows=None, document=None):
    return page(read_run_data(write(tmp_path / "run", ROWS if rows is None else rows, document)))


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return made(tmp_path_factory.mktemp("mind"))


@pytest.fixture(scope="module")
def told(text):
    return words(text)


def test_the_page_stays_whole_and_fetches_nothing(text):
    parser = parsed(text)
    assert "<h2>Understanding</h2>" in text
    assert not {"src", "href"} & {name for name, _ in parser.attributes}
    assert "url(" not in text
    assert "http" not in text
    assert text.count(".band.r0") == 1


def test_regimes_are_bands_with_their_shares(text, told):
    assert "Regimes, % of event time BullCalm 50.0% BearStorm 25.0% Uncertain 25.0%" in told
    assert "2 confirmed transitions" in told
    bands = re.findall(r'x="([\d.]+)" width="([\d.]+)" y="0.0" height="100.0" class="band r(\d+)"', text)
    assert bands == [("0.0", "250.0", "10"), ("250.0", "500.0", "6"), ("750.0", "250.0", "2")]


def test_an_instrument_that_never_changed_has_the_regime_of_its_choices(tmp_path):
    rows = {**ROWS, "regimes": [], "routes": [route(0, candidate(0), regime=4)]}
    assert "Regimes, % of event time NeutralNormal 100.0%" in words(made(tmp_path, rows))


def test_policies_have_their_shares_over_time(text, told):
    assert "Who trades, chosen by attention revert 50.0% trend 40.0% nobody 10.0%" in told
    drawn = re.findall(r'height="([\d.]+)" class="band p(\d)"', text[text.index("Share of each policy over time") :])
    assert drawn.count(("100.0", "0")) == 24
    assert drawn.count(("100.0", "1")) == 30


def test_norms_of_fast_weights_stand_against_their_bound(told):
    assert "Fast weights: Frobenius norm of ρ AAA fault at 5.71" in told
    assert "Highest 2.500, 2 beliefs on record; hebb rule." in told


def test_drift_is_levels_and_events(told):
    assert "Drift, level of each stream none 70.0% alert 20.0% warn 10.0%" in told
    assert "AAA surprise" in told
    assert "1 warnings, 1 alerts." in told
    assert re.search(r"AAA surprise cusum up alert 7.500 6.000 0.000 0.000 1.00 0.50 60", told)
    assert "Red stretches: a stream was in alert." in told


def test_probes_are_shares_of_decisions_on_record(told):
    assert re.search(r"opening auction 24/7 market.{0,70}100.0% 50.0% 50.0% 0.500", told)
    assert re.search(r"liquidity gap no quotes.{0,60}50.0% 0.0% 0.0% 0.500", told)
    assert re.search(r"toxicity fewer than.{0,60}0.0% 0.0% – –", told)
    assert "n = 2 decisions on record" in told


def test_attribution_is_by_count_and_notional_and_tape(told):
    assert (
        "100.0% of orders and 100.0% of notional resolve to belief, probes and explanation "
        "(simulated tape, by hand, n = 1)" in told
    )
    assert "attributed 1 100.0% 600.00 100.0%" in told


def test_what_an_order_lacks_has_a_line(tmp_path):
    rows = {**ROWS, "probes": [probe(10, 2)]}
    assert "fewer than 3 probes available 1 100.0% 600.00 100.0%" in words(made(tmp_path, rows))


@pytest.mark.parametrize(
    ("stream", "gone"),
    [
        ("regimes", "Regimes, %"),
        ("drift", "Drift"),
        ("probes", "mean score when available"),
        ("belief_snapshots", "Fast weights: Frobenius"),
    ],
)
def test_a_part_that_was_off_is_left_out(tmp_path, stream, gone, told):
    rows = {name: each for name, each in ROWS.items() if name != stream}
    assert gone in told
    assert gone not in words(made(tmp_path, rows))


def test_one_policy_leaves_nothing_to_choose(tmp_path):
    document = session(attention=False)
    del document["policy"]["genotype"]["policies"][1]
    assert "Who trades" not in words(made(tmp_path, {"routes": [route(5, candidate(0))], "decisions": ENDS}, document))


def test_streams_without_a_row_have_a_page_too(tmp_path):
    told = words(made(tmp_path, {name: [] for name in ROWS}))
    assert "no stream left its level" in told
    assert "no decision is on record" in told
    assert "no order left (simulated tape, by hand, n" not in told
    assert "no order left (simulated tape, by hand)" in told


def test_nobody_is_drawn_as_nobody(text):
    assert NOBODY == 255
    assert 'class="band none"' in text


def test_a_long_run_has_a_small_page(tmp_path):
    rows = {
        "decisions": ENDS,
        "regimes": [{**moved(0, k % 2, 1 - k % 2), "event_ts_ns": T0 + k * SECOND // 300} for k in range(20_000)],
        "routes": [route(k, candidate(k % 2), event_ts_ns=T0 + k * SECOND // 300) for k in range(20_000)],
        "belief_snapshots": [belief(k, event_ts_ns=T0 + k * SECOND // 300, rho_norm=1.0) for k in range(20_000)],
    }
    assert len(made(tmp_path, rows).encode()) < 400_000


PLAIN = """
import sys
for name in ("alphatrade_runtime.report.mind", "alphatrade_runtime.reflection.drift",
             "alphatrade_runtime.reflection.probes", "alphatrade_runtime.perception.regime"):
    sys.modules[name] = None
from pathlib import Path
from alphatrade_runtime.report.page import page
from alphatrade_runtime.report.run_data import read_run_data
sys.stdout.write(page(read_run_data(Path(sys.argv[1]))))
"""


def test_a_run_without_an_understanding_loop_has_the_page_it_had_and_loads_none_of_it(tmp_path):
    folder = write_run(tmp_path / "run")
    ours = page(read_run_data(folder))
    assert "Understanding" not in ours
    assert ".band" not in ours
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", PLAIN, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ours
