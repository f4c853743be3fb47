"""Wall-clock sessions for the stories: a simulated tape, a session that trades all the time, processes to kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.exchange_log import positions_of, read_commands, read_reports
from alphatrade_runtime.loop.journal import RecordKind, read_records
from alphatrade_runtime.market.orders import Command
from alphatrade_runtime.market.simulator import simulate
from mind_off import MIND_OFF

HERE = Path(__file__).parent
SECOND_NS = 1_000_000_000
NEW = int(Command.NEW)


def make_tape(folder: Path, seconds: int = 1_200, seed: int = 11) -> Path:
    """Write a simulated tape of one busy instrument."""
    simulate(
        {
            "seed": seed,
            "duration": f"{seconds}s",
            "instruments": [
                {"symbol": "SIM-A", "price": "100", "tick_size": "0.01", "lot_size": "1", "quotes_per_s": 8.0}
            ],
        },
        folder,
    )
    return folder


def document(
    tape: Path,
    speed: str = "40x",
    signal_ref: str = "two_sided_quote",
    topology: str = "passive_quote",
    **exchange: Any,
) -> dict[str, Any]:
    """Return a session over a tape. Staleness is wide: a busy host may stop any process for a while.

    speed: of the wall-clock loop itself, which these stories call: at a multiple it is the same code in less time. The
    command line gives it Realtime only, and a multiple to the stream's clock.
    """
    limits = {
        "stream_stale_ns": 3_600 * SECOND_NS, "max_notional_bps": 1_000, "band_limit_bps": 500,
        "band_marketable_bps": 500, "max_net_exposure_bps": 50_000, "max_leverage_bps": 50_000,
        "day_drawdown_bps": None, "max_drawdown_bps": 5_000, "max_orders_per_s": 2_000, "max_orders_per_min": 8_000,
        "max_open_orders": 64, "max_turnover_min_bps": 1_000_000, "max_turnover_hour_bps": 10_000_000,
        "risk_per_trade_bps": 1_000, "stop_bps": 100, "max_flatten_slippage_bps": 200, "flatten_blind": False,
        "near_miss_bps": 8_000, "mark_jump_bps": 500, "kill_max_staleness_ns": 3_600 * SECOND_NS, "symbols": ["SIM-A"],
    }  # fmt: skip
    instrument = {
        "symbol": "SIM-A", "tick_size": "0.01", "lot_size": "1", "multiplier": "1", "maker_fee_e7": 200,
        "taker_fee_e7": 500, "fee_per_fill": "0", "initial_margin_bps": 1_000, "max_quote_age_ns": 3_600 * SECOND_NS,
        "max_position_lots": 200, "max_order_lots": 400, "min_order_lots": 1,
    }  # fmt: skip
    params = {"two_sided_quote": {"lots": 20}, "ema_cross": {"fast": 5, "slow": 12}}[signal_ref]
    policy = {
        "name": "story", "signal": {"ref": signal_ref, "api": 1, "digest": None, "params": params},
        "execution_topology": {"type": topology, "params": {}}, "instruments": [], "regimes": [],
        "weight_bps": 10_000,
    }  # fmt: skip
    flags = dict.fromkeys(("fast_weights", "linear_attention", "exploration", "auto_governed_feedback"), False)
    envelope = {"limits": limits, "flags": flags, "instruments": [instrument], "calendar": "24/7", "seed": 1}
    envelope["exploration"] = None
    clock = {"type": "quote_change", "interval_ns": 100_000_000}
    genotype = {"policies": [policy], "decision_clock": clock, **MIND_OFF}
    return {
        "policy": {
            "policySchema": 1, "strategy_id": "story", "mode": "Paper", "stage": "Paper", "risk_template": "story",
            "genotype": genotype, "envelope": envelope, "plugins": [], "initial_cash": "1000000", "currency": "USD",
        },
        "exchange": {
            "queue_model": "risk_averse", "partial_fills": True, "entry_latency_ns": 50_000_000,
            "response_latency_ns": 50_000_000, "cancel_on_disconnect": True, **exchange,
        },
        "feed": {"type": "tape", "path": str(tape), "speed": speed, "record": False},
        "funding_model": "none",
        "durability": "group",
    }  # fmt: skip


def environment() -> dict[str, str]:
    """Return the environment of a child process."""
    path = [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


class Exchange:
    """A paper exchange in a process of its own."""

    def __init__(self, session: Path, socket: Path, log: Path) -> None:
        command = [sys.executable, "-m", "alphatrade_runtime.service.paper_exchange"]
        options = ["--session", str(session), "--socket", str(socket), "--log", str(log)]
        self.log, self.socket = log, socket
        self.process = subprocess.Popen(command + options, env=environment())
        wait_until(lambda: socket.exists() or self.process.poll() is not None, 120)
        assert self.process.poll() is None, "the exchange did not start"

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End it; return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(30)


class Runtimes:
    """A process that has everything loaded and forks a runtime for each start, so that a start costs no time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "e2e.live_forks"], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def start(self, session: Path, folder: Path, **options: Any) -> int:
        """Start a runtime; return its process id."""
        return int(self._ask({"do": "start", "session": str(session), "folder": str(folder), **options}))

    def wait(self, pid: int) -> int:
        """Wait for a runtime's end; return its exit code, negative for a signal."""
        return int(self._ask({"do": "wait", "pid": pid}))

    def close(self) -> None:
        """End the process."""
        self.process.communicate(timeout=30)

    def _ask(self, question: dict[str, Any]) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


def wait_until(holds: Any, timeout_s: float) -> None:
    """Return once `holds()` does; fail when it does not in time."""
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)


def journaled_orders(folder: Path) -> np.ndarray:
    """Return the order ids of all NEW commands in a run's journal, in order."""
    spans = [r.payload for r in read_records(folder / "journal") if r.kind is RecordKind.COMMANDS]
    commands = np.concatenate([np.asarray(span) for span in spans]) if spans else np.zeros(0, [("command", "u1")])
    return commands["order_id"][commands["command"] == NEW] if spans else np.zeros(0, np.int64)


def arrived_orders(log: Path) -> np.ndarray:
    """Return the order ids of all NEW commands in an exchange's log, in order."""
    commands = read_commands(log)
    return commands["order_id"][commands["command"] == NEW]


def assert_accounted_for(folder: Path, log: Path) -> int:
    """Every order that arrived has a journaled decision, none arrived twice; return how many arrived."""
    journaled, arrived = journaled_orders(folder), arrived_orders(log)
    assert len(set(journaled.tolist())) == len(journaled)
    assert len(set(arrived.tolist())) == len(arrived)
    assert set(arrived.tolist()) <= set(journaled.tolist())
    return len(arrived)


def venue_positions(log: Path) -> list[int]:
    """Return the exchange's positions by its log."""
    return positions_of(read_reports(log), 1)
