"""What run.json says of a run: what ran on what, what it came to, and what a reader must know about it."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from alphatrade_runtime.loop.engine import Engine, RunResult
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import Session

RUN_SCHEMA = 1
_QUANTUM = Decimal(1).scaleb(-8)


def run_facts(
    engine: Engine,
    result: RunResult,
    document: Mapping[str, Any],
    tape: Tape,
    *,
    kind: str,
    speed: str,
    telemetry: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return run.json as plain JSON values; money is decimal text in account currency."""
    policy = engine.session.policy
    return {
        "schema_version": RUN_SCHEMA,
        "run_id": result.run_id,
        "kind": kind,
        "mode": policy.mode,
        "speed": speed,
        "strategy_id": policy.strategy_id,
        "session": dict(document),
        **asdict(result.identity),
        "instruments": document["policy"]["envelope"]["instruments"],
        "tape": tape_facts(tape),
        "digests": result.digests,
        "counts": result.counts,
        "violations": [asdict(violation) for violation in result.violations],
        "kill": result.kill,
        "money": money_facts(result.money, policy.currency),
        "notes": notes(engine.session, tape),
        "telemetry": dict(telemetry or {}),
    }


def tape_facts(tape: Tape) -> dict[str, Any]:
    """Return which data a run read."""
    source = tape.manifest["source"]
    return {
        "path": str(tape.folder),
        "digest": tape.digest,
        "rows": len(tape),
        "first_ts_ns": tape.manifest["first_ts_ns"],
        "last_ts_ns": tape.manifest["last_ts_ns"],
        "source": source["name"],
        "simulated": bool(source["simulated"]),
    }


def money_facts(quanta: Mapping[str, int], currency: str) -> dict[str, str]:
    """Return the account as decimal text, net result added."""
    amounts = {**quanta, "net_pnl": quanta["nav"] - quanta["initial_cash"]}
    texts = {name: format(Decimal(value) * _QUANTUM, "f") for name, value in amounts.items()}
    texts["final_nav"] = texts.pop("nav")
    return {**texts, "currency": currency}


def notes(session: Session, tape: Tape) -> list[str]:
    """Say what a reader must know before believing a figure of this run."""
    limits = session.policy.envelope.limits
    off = limits.day_drawdown_bps is None and limits.max_drawdown_bps is None
    said = ["orders met a simulated exchange; no order left this machine"]
    if tape.manifest["source"]["simulated"]:
        said.append("the market data is simulated")
    if off:
        said.append("drawdown limits are off")
    if session.funding_model == "none":
        said.append("no funding payments are booked")
    if tape.manifest["counts_by_kind"].get("BAR"):
        said.append("bars: an order made at a close fills at the next open")
    return said
