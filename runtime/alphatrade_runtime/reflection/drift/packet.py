"""The theory packet: what drifted, since when, what may be behind it, what was done, how to look at it again.

A pure function of facts: the same facts give the same bytes (RFC 8785), and the packet's id is their digest.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.policy.canonical import CanonicalError, canonical, read_canonical
from alphatrade_runtime.reflection.drift.detectors import Detector
from alphatrade_runtime.reflection.drift.neurons import NeuronShift
from alphatrade_runtime.reflection.drift.psi import FeatureShift
from alphatrade_runtime.reflection.drift.sentry import Action, Stream

JSON_NAME = "packet.json"
MARKDOWN_NAME = "packet.md"
LEVELS = ("none", "warn", "alert")
SCHEMA = 1
_TOP = 5
_STRONG_KS = 0.4  # from here on a shift of that kind explains a drift fully
_STRONG_SLIPPAGE = 3.0
_EDGE_STREAMS = ("EDGE", "HIT_RATE", "CALIBRATION")


@dataclass(frozen=True, slots=True)
class Execution:
    """How orders fared before and after: slippage in bps with its standard deviation before, filled share."""

    slippage_before_bps: float | None = None
    slippage_after_bps: float | None = None
    slippage_sd_bps: float | None = None
    filled_before: float | None = None
    filled_after: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a packet is made of. event: a row of DRIFT_EVENT_DTYPE by field name.

    masked: observations that were NaN or infinite since the change.  rho_norms: of the fast weights, each
    with the decisions of the instrument until then, oldest first.
    """

    run_id: str
    symbol: str
    event: Mapping[str, float | int]
    sd_before: float
    sd_after: float
    regime_before: str = "unknown"
    regime_after: str = "unknown"
    regime_confidence: float = 0.0
    features: Sequence[FeatureShift] = ()
    neurons: Sequence[NeuronShift] = ()
    rho_norms: Sequence[tuple[int, float]] = ()
    execution: Execution = field(default_factory=Execution)
    policy_hashes: Sequence[str] = ()
    masked: int = 0
    diary_first_seq: int = 0
    diary_last_seq: int = 0
    diary_hash: str = ""
    release_n: int = 100


def theory_packet(facts: Facts) -> dict[str, Any]:
    """Return the packet, with its id. What is not known is null."""
    event = facts.event
    content = {
        "schema": SCHEMA,
        "run_id": facts.run_id,
        "symbol": facts.symbol,
        "stream": _stream(event),
        "detector": Detector(int(event["detector"])).name.lower(),
        "level": LEVELS[int(event["level"])],
        "fired": {"seq": int(event["seq"]), "ts_ns": str(event["event_ts_ns"]), "decision_id": event["decision_id"]},
        "change_point_seq": int(event["change_seq"]),
        "statistic": event["statistic"],
        "threshold": event["threshold"],
        "before": {"n": event["n_before"], "mean": event["mean_before"], "sd": facts.sd_before},
        "after": {"n": event["n_after"], "mean": event["mean_after"], "sd": facts.sd_after},
        "p_value": _p_value(facts),
        "p_value_of": "difference of means, two-sided normal; not adjusted for the search for the change point",
        "regime": {"before": facts.regime_before, "after": facts.regime_after, "confidence": facts.regime_confidence},
        "feature_shifts": [asdict(one) for one in facts.features[:_TOP]],
        "neuron_shifts": [asdict(one) for one in facts.neurons[:_TOP]],
        "rho_norm": _trend(facts.rho_norms),
        "execution": asdict(facts.execution),
        "policy_hashes": sorted(facts.policy_hashes),
        "hypotheses": _hypotheses(facts),
        "actions": _actions(event),
        "diary": {"first_seq": facts.diary_first_seq, "last_seq": facts.diary_last_seq, "hash": facts.diary_hash},
        "replay": f"alphatrade verify {facts.run_id}",
        "release": f"{facts.release_n} observations of the stream in a row without a warning, or by hand",
    }
    content = _finite(content)
    return {"packet_id": hashlib.sha256(canonical(content)).hexdigest(), **content}


def _stream(event: Mapping[str, float | int]) -> str:
    return Stream(int(event["stream"])).name.lower()


def _finite(value: Any) -> Any:
    """Replace every number that is not finite by null, which JSON can say; numpy's numbers become plain ones."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value


def _p_value(facts: Facts) -> float | None:
    """Two-sided p-value of the difference of means (Welch, normal); None where a side has no spread or no values."""
    event = facts.event
    n_before, n_after = int(event["n_before"]), int(event["n_after"])
    variance = facts.sd_before**2 / n_before if n_before > 1 else 0.0
    variance += (facts.sd_after if n_after > 1 else facts.sd_before) ** 2 / max(n_after, 1)
    if not (n_after > 0 and variance > 0.0 and isfinite(variance)):
        return None
    return 2.0 * normal_tail(abs(float(event["mean_after"]) - float(event["mean_before"])) / sqrt(variance))


def normal_tail(x: float) -> float:
    """Return P(Z > x) for x >= 0, the same bits on every host: a series, from 2 on a continued fraction."""
    density = 0.3989422804014327 * exp_det(-0.5 * x * x)
    if x < 2.0:
        term = total = x
        for k in range(1, 60):
            term *= x * x / (2 * k + 1)
            total += term
        return 0.5 - density * total
    fraction = x
    for k in range(60, 0, -1):
        fraction = x + k / fraction
    return density / fraction


def _trend(norms: Sequence[tuple[int, float]]) -> dict[str, float | int | None]:
    """Return first, last and least-squares slope of the norms of the fast weights."""
    n = len(norms)
    found: dict[str, float | int | None] = {"n": n, "first": None, "last": None, "slope_per_1000_decisions": None}
    if n:
        found |= {"first": norms[0][1], "last": norms[-1][1]}
    if n > 1:
        away = [n * at - sum(at for at, _ in norms) for at, _ in norms]  # n times the distance from the mean
        spread = sum(a * a for a in away)
        moved = sum(a * norm for a, (_, norm) in zip(away, norms, strict=True))
        found["slope_per_1000_decisions"] = 1_000 * n * moved / spread
    return found


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if isfinite(value) else 0.0


def _hypotheses(facts: Facts) -> list[dict[str, Any]]:
    """Rank what may be behind it by evidence in [0, 1]. Alpha decay is what is left when nothing else explains it."""
    event = facts.event
    seen = int(event["n_after"]) + facts.masked
    fault = _share(10.0 * facts.masked / seen) if seen else 0.0
    regime = 0.1
    if facts.regime_before != facts.regime_after:
        regime = _share(0.5 + 0.5 * facts.regime_confidence)
    feature = _share(max((one.ks for one in facts.features), default=0.0) / _STRONG_KS)
    execution = _execution_evidence(facts.execution)
    if Stream(int(event["stream"])) == Stream.SLIPPAGE:
        execution = max(execution, 0.8)
    if Stream(int(event["stream"])) == Stream.PSI:
        feature = max(feature, 0.8)
    left = 1.0 - max(fault, regime, feature, execution)
    decay = left if Stream(int(event["stream"])).name in _EDGE_STREAMS else 0.5 * left
    found = {
        "regime change": regime,
        "feature drift": feature,
        "alpha decay": decay,
        "execution degradation": execution,
        "data fault": fault,
    }
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [{"hypothesis": name, "evidence": round(score, 6)} for name, score in ranked]


def _execution_evidence(execution: Execution) -> float:
    before, after, sd = execution.slippage_before_bps, execution.slippage_after_bps, execution.slippage_sd_bps
    slipped = 0.0
    if before is not None and after is not None and sd:
        slipped = _share((after - before) / sd / _STRONG_SLIPPAGE)
    if execution.filled_before and execution.filled_after is not None:
        slipped = max(slipped, _share(1.0 - execution.filled_after / execution.filled_before))
    return slipped


def _actions(event: Mapping[str, float | int]) -> dict[str, Any]:
    """Return what is done about it."""
    taken = Action(int(event["action"]))
    return {
        "taken": [str(action.name).lower() for action in Action if action in taken],
        "size_before": event["size_before"],
        "size_after": event["size_after"],
    }


def markdown(packet: Mapping[str, Any]) -> str:
    """Return the packet as a page for people."""
    lines = [
        f"# Drift: {packet['stream']} of {packet['symbol']}",
        "",
        f"Packet `{packet['packet_id']}` of run `{packet['run_id']}`.",
        "",
        *(f"- {name}: {text}" for name, text in _facts_told(packet)),
        "",
        "## What may be behind it",
        "",
        *(f"{k}. {one['hypothesis']}: {_n(one['evidence'])}" for k, one in enumerate(packet["hypotheses"], 1)),
        "",
        "## What moved",
        "",
        *(f"- {f['name']}: KS {_n(f['ks'])}, mean by {_n(f['delta_sigma'])} sd" for f in packet["feature_shifts"]),
        *(
            f"- neuron {one['neuron']}: active {_n(one['active_before'])} to {_n(one['active_after'])}"
            for one in packet["neuron_shifts"]
        ),
        "",
        "## Look again",
        "",
        "Diary rows {first_seq} to {last_seq}, hash `{hash}`.".format(**packet["diary"]),
        f"Replay: `{packet['replay']}`. Release: {packet['release']}.",
    ]
    return "\n".join(lines) + "\n"


def _facts_told(packet: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and text of each fact."""
    before, after, fired, rho = packet["before"], packet["after"], packet["fired"], packet["rho_norm"]
    execution, actions = packet["execution"], packet["actions"]
    rule = f"{packet['detector']}, {_n(packet['statistic'])} against {_n(packet['threshold'])}"
    slope = _n(rho["slope_per_1000_decisions"])
    slipped = f"{_n(execution['slippage_before_bps'])} to {_n(execution['slippage_after_bps'])} bps"
    size = f"size {_n(actions['size_before'])} to {_n(actions['size_after'])}"
    return [
        (packet["level"], f"by {rule}, at row {fired['seq']}, decision {fired['decision_id']}"),
        ("change", f"after row {packet['change_point_seq']}, an estimate"),
        ("before", f"n {before['n']}, mean {_n(before['mean'])}, sd {_n(before['sd'])}"),
        ("after", f"n {after['n']}, mean {_n(after['mean'])}, sd {_n(after['sd'])}"),
        ("p", f"{_n(packet['p_value'])}, of the {packet['p_value_of']}"),
        ("regime", f"{packet['regime']['before']} before, {packet['regime']['after']} after"),
        ("fast weights", f"norm {_n(rho['first'])} to {_n(rho['last'])}, {slope} a 1,000 decisions"),
        ("slippage", slipped),
        ("actions", f"{', '.join(actions['taken']) or 'none'}; {size}"),
        ("policies", ", ".join(packet["policy_hashes"]) or "none"),
    ]


def _n(value: Any) -> str:
    return "unknown" if value is None else f"{value:.6g}"


def write_packet(folder: Path, packet: Mapping[str, Any]) -> Path:
    """Write both forms into folder/ID; when this returns the disk has them, and they appear together or not at all.

    Writing the same packet again, as after a crash, changes nothing. Raises InputError when it cannot be written.
    """
    final = folder / str(packet["packet_id"])
    partial = folder / f".{packet['packet_id']}.partial"
    with disk_errors(final):
        if final.exists():
            read_packet(final)
            _sync(folder)  # it may have been killed before that
            return final
        partial.mkdir(parents=True, exist_ok=True)
        _sync(folder.parent)
        _write(partial / JSON_NAME, canonical(dict(packet)))
        _write(partial / MARKDOWN_NAME, markdown(packet).encode())
        _sync(partial)
        os.rename(partial, final)
        _sync(folder)
    return final


def read_packet(folder: Path) -> dict[str, Any]:
    """Return a packet as written. Raises InputError when its bytes are not those that its id names."""
    path = folder / JSON_NAME
    try:
        packet = read_canonical(path.read_bytes())
        content = {key: value for key, value in packet.items() if key != "packet_id"}
        intact = hashlib.sha256(canonical(content)).hexdigest() == packet["packet_id"] == folder.name
    except (OSError, CanonicalError, AttributeError, KeyError) as error:
        raise InputError(f"{path}: no theory packet: {error}; take it from a copy or remove the folder") from None
    if not intact:
        raise InputError(f"{path}: packet_id is not the digest of its content; take it from a copy")
    return packet


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
