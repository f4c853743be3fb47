"""Study: 30 minutes by the wall clock on a capture looped at its own pace, and a process that was stopped for 5 s.

    python tests/studies/heartbeat.py --capture FILE.gz [--seconds 1800]

Killed, the same command goes on: the session recovers from its journal, and only the missing beats are run.
Writes docs/evidence/heartbeat.json. Exit code 1 when a bound does not hold.
"""

import argparse
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from alphatrade_runtime.loop.live import LiveOptions, run_live  # noqa: E402
from alphatrade_runtime.loop.recovery import verify  # noqa: E402
from alphatrade_runtime.market.faults import InputError  # noqa: E402
from alphatrade_runtime.market.importers.binance_capture import import_capture  # noqa: E402
from alphatrade_runtime.market.importers.options import ImportOptions  # noqa: E402
from alphatrade_runtime.reflection.telemetry import Telemetry, read_telemetry  # noqa: E402
from e2e.live_story import document  # noqa: E402

STOP_S = 5
STOPPED_RUN_S = 15
MOST_MISSING = 5


def capture_document(tape: Path) -> dict[str, Any]:
    """Return the session: a two-sided quote on BTCUSDT, at the capture's own pace."""
    session = document(tape, speed="Realtime")
    policy = session["policy"]
    terms = policy["envelope"]["instruments"][0]
    terms.update(symbol="BTCUSDT", tick_size="0.1", lot_size="0.001", max_position_lots=2_000, max_order_lots=4_000)
    policy["envelope"]["limits"]["symbols"] = ["BTCUSDT"]
    policy["genotype"]["policies"][0]["signal"]["params"] = {"lots": 100}
    return session


def child(tape: Path, folder: Path, seconds: float) -> None:
    """Run the session for so long in this process."""
    run_live(capture_document(tape), folder, LiveOptions(duration_s=seconds, loop=True))


def start(tape: Path, folder: Path, seconds: float) -> "subprocess.Popen[bytes]":
    """Run the session in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--child", str(tape), str(folder), str(seconds)]
    return subprocess.Popen(command)


def counts_equal(telemetry: Telemetry) -> bool:
    """True when every event, decision, order and acknowledgement is in its histogram, once."""
    stages = ("ingest_signal", "signal_order", "ingest_order", "order_ack")
    names = ("events", "decisions", "orders", "acks")
    return all(telemetry.stages[s].count == telemetry.counts[n] for s, n in zip(stages, names, strict=True))


def beats_of(folder: Path) -> int:
    """Return the heartbeats that a run has so far."""
    path = folder / "telemetry.jsonl"
    return read_telemetry(path).beats if path.exists() else 0


def run_steady(tape: Path, folder: Path, seconds: int) -> int:
    """Run until the session has been up for so long; return how many processes it took."""
    starts = folder.with_suffix(".starts")
    before = int(starts.read_text()) if starts.exists() else 0
    left = seconds - beats_of(folder)
    if left > 0:
        starts.write_text(str(before + 1))
        if start(tape, folder, left).wait() != 0:
            raise SystemExit("the session failed; see above")
    return int(starts.read_text())


def run_stopped(tape: Path, folder: Path) -> dict[str, Any]:
    """Stop a running session for 5 s; return the longest gap between its heartbeats."""
    if not (folder / "telemetry.jsonl").exists() or beats_of(folder) < STOPPED_RUN_S - STOP_S - 2:
        process = start(tape, folder, STOPPED_RUN_S)
        while beats_of(folder) < 3:
            time.sleep(0.1)
        process.send_signal(signal.SIGSTOP)
        time.sleep(STOP_S)
        process.send_signal(signal.SIGCONT)
        process.wait()
    gap = max(read_telemetry(folder / "telemetry.jsonl").gaps, key=lambda g: g.missing, default=None)
    return {
        "stopped_s": STOP_S,
        "gap_s": (gap.end_ns - gap.start_ns) / 1e9 if gap else 0,
        "missing": gap.missing if gap else 0,
    }


def verified(folder: Path) -> tuple[bool | None, dict[str, str], str]:
    """Replay the journal; return whether it agrees, its digests, or why that cannot be told."""
    try:
        found = verify(folder)
    except InputError as error:
        return None, {}, str(error).replace(str(folder), folder.name)
    return found.agrees, found.digests, ""


def study(capture: Path, seconds: int, work: Path, out: Path) -> bool:
    """Run what is missing, write the evidence, return whether it holds."""
    digest = hashlib.sha256(capture.read_bytes()).hexdigest()
    base = work / f"heartbeat-{digest[:12]}-{seconds}"
    base.mkdir(parents=True, exist_ok=True)
    commit = base / "commit"
    if not commit.exists():
        described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
        commit.write_text(described.stdout)
    tape = base / "tape"
    if not (tape / "manifest.json").exists():
        import_capture(capture, tape, ImportOptions(replace=True))
    starts = run_steady(tape, base / "steady", seconds)
    stopped = run_stopped(tape, base / "stopped")
    telemetry = read_telemetry(base / "steady" / "telemetry.jsonl")
    agrees, digests, refused = verified(base / "steady")
    facts = {
        "study": "heartbeat",
        "capture": {"name": capture.name, "sha256": digest},
        "seconds": seconds,
        "processes": starts,
        "heartbeats": telemetry.beats,
        "gaps": len(telemetry.gaps),
        "counts": telemetry.counts,
        "latency": {stage: histogram.summary() for stage, histogram in telemetry.stages.items()},
        "histogram_counts_equal": counts_equal(telemetry),
        "max_rss_kb": telemetry.max_rss_kb,
        "sigstop": stopped,
        "verify_agrees": agrees,
        "verify_refused": refused,
        "digests": digests,
        "command": "make study-heartbeat CAPTURE=...",
        "commit": commit.read_text().strip(),
        "host": {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
    }
    facts["holds"] = bool(
        telemetry.beats >= seconds - MOST_MISSING
        and stopped["missing"] >= STOP_S - 1
        and facts["histogram_counts_equal"]
        and agrees is True  # what could not be verified does not hold
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    print(json.dumps(facts, indent=1, sort_keys=True))
    return bool(facts["holds"])


def main() -> int:
    """Run the study, or (by itself) a session of it."""
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
        return 0
    parser = argparse.ArgumentParser(description="Heartbeats of a wall-clock session over a looped capture.")
    parser.add_argument("--capture", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=1_800)
    parser.add_argument("--work", type=Path, default=ROOT / "artifacts" / "studies")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "evidence" / "heartbeat.json")
    given = parser.parse_args()
    return 0 if study(given.capture, given.seconds, given.work, given.out) else 1


if __name__ == "__main__":
    sys.exit(main())
