"""The benchmarks: each returns its rows, our ratio to the peers, whether answers agree, and its target."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import engines, kill, scale, starts
from bench.growth import growth
from bench.make_reference import BARS, P1_FILE, QUANTA
from bench.make_tape import Market
from bench.measure import CENT, every_core, interleave, one_core, ratios, row
from bench.on_cluster import product
from bench.peers.process import Engine
from bench.pnl import fills_sha256
from bench.sessions import PARTS
from bench.tapes import CaptureTape, bars_file, capture_tape, generated_capture, quotes_file

Result = dict[str, Any]
P5C_ROWS = 1_000  # 10 ms apart
P5B_SECONDS = 60
P6_EVENTS = 5_000
P4_LIMITS_NS = {"belief": 4_500, "decision": 7_000}
P4_OVER_BARE = 5.0
P4_CAPTURE_EVENTS = 1_000_000


@dataclass(frozen=True)
class Options:
    """What a benchmark is told."""

    scratch: Path
    runs: int
    quotes: int
    capture: Path | None
    objects: int = 1_000


def p1(options: Options) -> Result:
    """Replay of seeded quotes against the event-driven peers."""
    result = _p1(options, "trends")
    met = result["answers_agree"] and result["ratio"]["fastest_peer"] >= 2.0
    return {**result, "target": ">= 2x the fastest event-driven peer, net to the cent", "met": met}


def p1_walk(options: Options) -> Result:
    """P1 on a plain random walk, which turns a quarter more often: what an order more costs."""
    result = _p1(options, "walk")
    return {**result, "target": "net to the cent", "met": result["answers_agree"]}


def _p1(options: Options, market: Market) -> Result:
    path = quotes_file(options.scratch, options.quotes, market)
    peers = [*engines.hftbacktest_quotes(path), engines.nautilus("nautilus_quotes", path)]
    result = _compare([engines.ours("quotes", str(options.quotes), market), *peers], peers, options.runs)
    known = json.loads(P1_FILE.read_text())["quotes"][market].get(str(options.quotes))
    nets = [r["net"] for r in result["rows"]] + ([known["net_quanta"] / QUANTA] if known else [])
    agree = max(nets) - min(nets) < CENT and len({(r["orders"], r["position"]) for r in result["rows"]}) == 1
    return {**result, "answers_agree": agree and result["rows"][0]["denials"] == 0}


def p1_bars(options: Options) -> Result:
    """The bar variant of P1 against the engines that read bars only."""
    path = bars_file(options.scratch, BARS)
    peers = engines.bar_peers(path)
    result = _compare([engines.ours("bars", str(BARS)), *peers], peers, options.runs)
    nets = [r["net"] for r in result["rows"]]
    agree = max(nets) - min(nets) < CENT
    return {**result, "answers_agree": agree, "target": "net to the cent", "met": agree}


def p2(options: Options) -> Result:
    """The rows of a capture, pass after pass, against hftbacktest, passive and aggressive, fill by fill."""
    tape = _capture(options)
    parts = {name: _p2(tape, name, every, options) for name, every in engines.STRATEGIES.items()}
    agree = all(part["answers_agree"] for part in parts.values())
    slowest = min(part["ratio"]["fastest_peer"] for part in parts.values())
    return {
        "tape": tape.name,
        "parts": parts,
        "answers_agree": agree,
        "target": ">= 2x hftbacktest, every fill equal",
        "met": agree and slowest >= 2.0,
    }


def _capture(options: Options) -> CaptureTape:
    if options.capture is None:
        return generated_capture(options.scratch, options.quotes)
    return capture_tape(options.scratch, options.capture, "capture", options.quotes)


def _p2(tape: CaptureTape, strategy: str, every: int, options: Options) -> Result:
    peers = engines.hftbacktest_capture(tape.columns, strategy, every)
    ours = engines.ours("capture", str(tape.folder), f"{strategy}/{every}")
    result = _compare([ours, *peers], peers, options.runs)
    hashes = {fills_sha256(engine.runs[-1]["fills"]) for engine in (ours, *peers)}
    fills = ours.runs[-1]["fills"]
    return {**result, "answers_agree": len(hashes) == 1, "fills": len(fills), "maker_fills": sum(f[5] for f in fills)}


def p4(options: Options) -> Result:
    """What the understanding loop costs a decision, part by part, beside a bare product of the belief's shape."""
    product = engines.ours("product", "0", name="a bare product, 512 x 32 times 32")
    step = engines.ours("belief", "0", name="a belief step with fast weights")
    names = ["nothing on", *(f"and {part}" if k else part for k, part in enumerate(PARTS))]
    parts = [engines.ours("mind", str(options.quotes // 5), str(k), f"{name}") for k, name in enumerate(names)]
    capture = engines.ours("mind_capture", str(_capture(options).folder), name="a capture, everything on")
    interleave([product, step, *parts, capture], options.runs)
    bare, belief, *each, whole = [row(engine) for engine in (product, step, *parts, capture)]
    over = round(each[-1]["each_ns"] / bare["each_ns"], 2)
    met = (
        belief["each_ns"] <= P4_LIMITS_NS["belief"]
        and each[-1]["each_ns"] <= P4_LIMITS_NS["decision"]
        and over <= P4_OVER_BARE
        and whole["events_per_s"] >= P4_CAPTURE_EVENTS
    )
    return {
        "rows": [bare, belief, *each, whole],
        "added_ns": {part: round(b["each_ns"] - a["each_ns"]) for part, a, b in zip(PARTS, each, each[1:])},
        "decision_over_bare": over,
        "target": "belief step <= 4.5 us; decision <= 7 us and <= 5x the bare product; capture >= 1M events/s",
        "met": met,
    }


def p5a(options: Options) -> Result:
    """Latency from a quote to the broker client, queues empty; both engines have threads, so every core."""
    return _latency(options, "")


def p5a_mind(options: Options) -> Result:
    """The same with every part of the understanding loop on."""
    return _latency(options, "mind")


def p5a_flip(options: Options) -> Result:
    """From the quote that confirms another regime to the order of its topology; every core, as in P5a."""
    every_core()
    engine = engines.ours("latency", "200000", "flip")
    interleave([engine], options.runs)
    one_core()
    mine = row(engine)
    agree = mine["at_once"] == mine["switches"] > 0
    return {
        "rows": [mine], "answers_agree": agree, "target": "p99 <= 50 ms, each at the decision that confirmed it",
        "met": agree and mine["p99_us"] <= 50_000,
    }  # fmt: skip


def _latency(options: Options, setting: str) -> Result:
    every_core()
    path = quotes_file(options.scratch, 200_000, "walk")
    peers = [engines.nautilus("nautilus_latency", path)]
    result = _compare([engines.ours("latency", "200000", setting), *peers], peers, options.runs)
    one_core()
    mine = result["rows"][0]
    met = mine["p50_us"] <= 20 and mine["p99_us"] <= 60 and mine["p999_us"] <= 250
    return {**result, "target": "p50 <= 20, p99 <= 60, p99.9 <= 250 us", "met": met}


def p5b(options: Options) -> Result:
    """A capture at its own arrival times, everything on: from a row's arrival until what it led to has left."""
    every_core()
    if options.capture is None:
        tape = generated_capture(options.scratch)
    else:
        tape = capture_tape(options.scratch, options.capture, "bursts")
    engine = engines.ours("bursts", str(tape.folder), str(P5B_SECONDS))
    interleave([engine], options.runs)
    one_core()
    mine = row(engine)
    agree = all(run["right"] for run in engine.runs)
    return {
        "rows": [mine], "tape": tape.name, "paced": True, "answers_agree": agree,
        "target": "p99 <= 1 ms, the journal replays to the same bytes", "met": agree and mine["p99_us"] <= 1_000,
    }  # fmt: skip


def p5c(options: Options) -> Result:
    """From a row due at the feed gateway to its order at the broker gateway; every process where it may run."""
    every_core()
    mine, bare = engines.pods_and_hops(str(P5C_ROWS))
    interleave([mine, *bare], options.runs)
    one_core()
    rows = [row(engine) for engine in (mine, *bare)]
    over = {engine.name: round(rows[0]["p50_us"] / each["p50_us"], 2) for engine, each in zip(bare, rows[1:])}
    agree = all(run["right"] for engine in (mine, *bare) for run in engine.runs)
    met = agree and rows[0]["p50_us"] <= 1_500
    return {
        "rows": rows, "paced": True, "p50_over": over, "answers_agree": agree, "target": "p50 <= 1.5 ms", "met": met,
    }  # fmt: skip


def p6(options: Options) -> Result:
    """A decision over gRPC loopback against a bare stream that echoes; four processes take turns, so every core."""
    every_core()
    mine, echo = engines.decide_and_echo(str(P6_EVENTS))
    result = _compare([mine, echo], [echo], options.runs)
    one_core()
    ours, bare = result["rows"]
    ratio = round(ours["p99_us"] / bare["p99_us"], 3)
    agree = bool(ours["right"] and bare["right"])
    target = "p99 <= 1.3x the bare echo, the replay's diary row by row"
    return {**result, "answers_agree": agree, "p99_ratio": ratio, "target": target, "met": agree and ratio <= 1.3}


def p7(options: Options) -> Result:
    """The law's checks on one order, in the kernel and called from Python."""
    engine = engines.ours("law", "0")
    interleave([engine], options.runs)
    mine = row(engine)
    met = mine["kernel_ns"] <= 150 and mine["python_p99_us"] <= 5
    return {"rows": [mine], "target": "<= 150 ns in the kernel, p99 <= 5 us from Python", "met": met}


def p8(options: Options) -> Result:
    """Kill switches on a cluster, beside bare watch clients."""
    every_core()
    with product() as installed:
        result = kill.kill(installed)
    one_core()
    return {**result, "paced": True, "target": "p99 <= bare watch + 20 ms"}


def p11(options: Options) -> Result:
    """Pods on a cluster from their node to their first decision."""
    every_core()
    with product() as installed:
        result = starts.starts(installed, options.runs)
    one_core()
    return {**result, "paced": True, "target": "first decision <= 3 s after the pod was given to its node"}


def p9(options: Options) -> Result:
    """Suspended Strategies by the thousand, beside a controller that makes as many children."""
    every_core()
    with product(*scale.VALUES) as installed:
        result = scale.scale(installed, options.objects, options.runs, options.scratch)
    one_core()
    target = "<= 2x controller-runtime, <= 400 MiB, idle <= 2% of a core, nothing written after a restart"
    return {**result, "target": target}


def p9_silent(options: Options) -> Result:
    """Strategies whose pods run and never answer, on fake nodes."""
    every_core()
    with product(*scale.VALUES) as installed:
        result = scale.silent(installed, options.objects // 5, options.scratch)
    one_core()
    return {**result, "target": "<= 400 MiB"}


def p10_objects(options: Options) -> Result:
    """How time grows with the number of Strategies."""
    every_core()
    with product(*scale.VALUES) as installed:
        result = scale.growth(installed, (options.objects // 10, options.objects, 3 * options.objects))
    one_core()
    return {**result, "target": "log-log slope <= 1.05"}


def p10(options: Options) -> Result:
    """How time and memory grow with the number of quotes."""
    return growth(options.scratch, options.runs)


def _compare(everyone: list[Engine], peers: list[Engine], runs: int) -> Result:
    interleave(everyone, runs)
    rows = [row(engine) for engine in everyone]
    return {"rows": rows, "ratio": ratios(rows, engines.OURS, [peer.name for peer in peers])}


BENCHMARKS: dict[str, Callable[[Options], Result]] = {
    "P1": p1, "P1-walk": p1_walk, "P1-bars": p1_bars, "P2": p2, "P4": p4, "P5a": p5a, "P5a-mind": p5a_mind,
    "P5a-flip": p5a_flip, "P5b": p5b, "P5c": p5c, "P6": p6, "P7": p7, "P8": p8,
    "P9": p9, "P9-silent": p9_silent, "P10": p10, "P10-objects": p10_objects, "P11": p11,
}  # fmt: skip
