import copy
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from alphatrade_runtime.market.orders import Purpose
from alphatrade_runtime.reflection.telemetry import Heartbeat, append_to
from alphatrade_runtime.report.page import page
from alphatrade_runtime.report.run_data import read_run_data
from alphatrade_runtime.risk.codes import Guard, KillState
from unit.report.run_folder import session, write_run
from unit.risk.record_streams import INITIAL_CASH, Streams, clean_run

VOID = {"meta", "br"}
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Balance(HTMLParser):
    """Checks that every element is closed in order; collects element names and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    parser = Balance()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def words(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S)))


def made(tmp_path, streams=None, **facts):
    return page(read_run_data(write_run(tmp_path / "run", streams, **facts)))


def test_the_page_is_whole_and_fetches_nothing(tmp_path):
    text = made(tmp_path)
    parser = parsed(text)
    assert not {"link", "img", "iframe", "object", "base"} & set(parser.seen)
    assert not {"src", "href", "action"} & {name for name, _ in parser.attributes}
    assert "@import" not in text
    assert "url(" not in text
    assert "http" not in text
    assert all(f"<h2>{name}</h2>" in text for name in ("Money", "Exposure", "The law", "Orders by topology", "Costs",
               "Instruments", "Closed trades", "Latency", "Provenance"))  # fmt: skip


def test_it_says_simulated_and_audited(tmp_path):
    told = words(made(tmp_path))
    assert "Simulated" in told
    assert "0 violations." in told
    assert "sha256:" + "dd" * 32 in told


def test_violations_come_first_and_in_full(tmp_path):
    told = words(made(tmp_path, violations=[f"NAV: row {n}" for n in range(25)]))
    assert "0 violations." not in told
    assert told.index("25 violations") < told.index("NAV: row 0") < told.index("NAV: row 19") < told.index("Net P")
    assert "and 5 more in run.json" in told


def test_faults_and_breaks_are_no_clean_run(tmp_path):
    told = words(made(tmp_path, counts={"plugin_faults": 3, "breaks": 0}))
    assert "3 plugin faults" in told
    assert "0 violations." not in told


def test_a_run_without_auditor_does_not_claim_zero_violations(tmp_path):
    told = words(made(tmp_path, violations=None))
    assert "Not audited" in told
    assert "0 violations" not in told


def test_limits_that_are_off_are_said(tmp_path):
    told = words(made(tmp_path, notes=["the tape is simulated"]))
    assert "the tape is simulated" in told
    assert "drawdown limits are off" in told
    assert "funding is not modelled" in told


def test_hostile_names_stay_text(tmp_path):
    document = session(strategy_id=HOSTILE, risk_template=HOSTILE)
    text = made(tmp_path, session=document, notes=[HOSTILE], violations=[HOSTILE], run_id=HOSTILE)
    parser = parsed(text)
    assert parser.seen.count("script") == 1
    assert "img" not in parser.seen
    assert not any(name.startswith("on") for name, _ in parser.attributes)
    assert text.count("&lt;script&gt;alert(1)") >= 5


def test_a_tripped_kill_switch_is_shown(tmp_path):
    streams = clean_run(30)
    streams.step().guard(KillState.FLATTENING, Guard.KILL_SWITCH)
    for i, lots in enumerate(list(streams.position)):
        if lots:
            streams.step().trade(i, -1 if lots > 0 else 1, abs(lots), purpose=Purpose.FLATTEN)
    streams.step(40).guard(KillState.HALTED, Guard.FLATTENED)
    streams.step().show()
    text = made(tmp_path, streams, kill={"state": "HALTED"})
    assert 'class="span"' in text
    assert "kill switch HALTED" in words(text)
    assert words(text).index("FLATTENING") < words(text).index("HALTED", words(text).index("FLATTENING"))


def test_an_empty_run_has_a_page_too(tmp_path):
    told = words(made(tmp_path, Streams()))
    assert "no position was opened and closed" in told
    assert "nothing was traded" in told
    assert "no rows to draw" in told


def test_small_samples_are_called_too_small(tmp_path):
    streams = Streams()
    streams.trade(0, 1, 5)
    streams.step().trade(0, -1, 5)
    streams.step().show()
    told = words(made(tmp_path, streams))
    assert "n = 1 is too small to say more" in told
    assert re.search(r"Sharpe ratio – n = \d", told)


def run_with_telemetry(folder, speed):
    document = session()
    document["feed"]["speed"] = speed
    write_run(folder, session=document)
    clock = [0]
    heart = Heartbeat(append_to(folder / "telemetry.jsonl"), lambda: clock[0], lambda: clock[0], lambda: 2_048)
    heart.stages["order_ack"].record_all(np.full(1_000, 20_000_000))
    counts = dict.fromkeys(("events", "decisions", "orders", "acks"), 1)
    for _ in range(3):
        heart.beat(counts)
        clock[0] += 10**9
    heart.close(counts)
    return words(page(read_run_data(folder)))


def test_latency_is_shown_when_it_was_measured(tmp_path):
    told = run_with_telemetry(tmp_path / "run", "Realtime")
    assert "order sent → acknowledged" in told
    assert "1,000 20" in told
    assert "3 heartbeats, no gap; resident memory at most 2 MiB" in told


@pytest.mark.parametrize("speed", ["Max", "20x"])
def test_time_of_the_rows_has_no_latency_to_show(tmp_path, speed):
    told = run_with_telemetry(tmp_path / "run", speed)
    assert "there is no latency to measure" in told
    assert "order sent → acknowledged" not in told
    assert "3 heartbeats, no gap; resident memory at most 2 MiB" in told


def test_the_page_stays_small(tmp_path):
    """200,000 diary rows and 20,000 money rows: the curves are thinned."""
    streams = Streams()
    rng = np.random.default_rng(1)
    nav = INITIAL_CASH + np.cumsum(rng.integers(-(10**9), 10**9, 20_000))
    base = {**dict.fromkeys(("cash", "high_water", "day_start_nav"), INITIAL_CASH), "kill_state": 0}
    streams.rows["equity"] = [
        {
            **base,
            "ts_ns": streams.ts + k * 60 * 10**9,
            "seq": k,
            "nav": int(v),
            "gross": int(v) // 2,
            "net": -int(v) // 9,
        }
        for k, v in enumerate(nav)
    ]
    text = made(tmp_path, streams)
    assert len(text.encode()) < 1_000_000
    (found, *_) = re.findall(r'data-curves="([^"]+)"', text)
    curve = json.loads(found.replace("&quot;", '"'))
    assert len(curve["curves"][0]["x"]) <= 2_000


@pytest.mark.parametrize("limit", [None, 1_500])
def test_the_kill_level_is_drawn_when_there_is_one(tmp_path, limit):
    document = copy.deepcopy(session())
    document["policy"]["envelope"]["limits"].update(max_drawdown_bps=limit, day_drawdown_bps=limit and 500)
    told = words(made(tmp_path, session=document))
    assert ("kill at −1,500 bps" in told) == (limit is not None)
    assert ("drawdown limits are off" in told) == (limit is None)
