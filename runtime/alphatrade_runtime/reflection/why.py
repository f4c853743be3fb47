"""Why this policy and not another: a decision's route as facts and as one sentence, pure functions of a stored row."""

from collections.abc import Mapping, Sequence
from typing import Any

from alphatrade_runtime.perception.regime.labels import title
from alphatrade_runtime.reflection.routes import Masked

MOST = 240  # characters of a sentence
NOBODY = 255
PARTS = ("base", "attention", "bias")
FAULTS = {"missing": "faults", "exploding": "exploding", "constant": "constant"}  # columns of what features lacked
_LEVELS = ("none", "warn", "alert")


def why(
    row: Mapping[str, Any], policies: Sequence[str], regimes: Sequence[Sequence[str]], features: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what decided a route.

    row: of the stream `routes`, by column.  policies: their names by id.  regimes: by policy the labels at which it may
    trade, empty for all.  features: names of the belief's, in order.
    """
    found: dict[str, Any] = {
        "decision_id": row["decision_id"],
        "seq": row["seq"],
        "chosen": _name(row["chosen"], policies),
        "before": _name(row["before"], policies),
        "regime": title(int(row["regime"])),
        "regime_confidence": row["regime_confidence"],
        "size_factor": row["size_factor"],
        "drift": _LEVELS[int(row["drift_level"])],
        "surprise": row["surprise"],
        "rho_norm": row["rho_norm"],
        "score": _score(row, ""),
        "blocked": [name for j, name in enumerate(policies) if int(row["blocked"]) >> j & 1],
        "masked": _masked(row, features),
        "alternative": _alternative(row, policies, regimes),
    }
    return {**found, "sentence": sentence(found)}


def _masked(row: Mapping[str, Any], features: Sequence[str]) -> dict[str, list[str]]:
    """Return what could not be used since the row before: features by what they lacked, and parts of the loop."""
    found = {
        fault: [name for k, name in enumerate(features) if int(row[column]) >> k & 1]
        for fault, column in FAULTS.items()
    }
    parts = [part.name.lower() for part in Masked if int(row["masked"]) & part and part.name is not None]
    return {fault: names for fault, names in {**found, "left_out": parts}.items() if names}


def _name(policy: int, policies: Sequence[str]) -> str | None:
    return None if policy == NOBODY else policies[policy]


def _score(row: Mapping[str, Any], prefix: str) -> dict[str, float]:
    parts = {part: row[f"{prefix}score_{part}" if not prefix else f"{prefix}{part}"] for part in PARTS}
    total = row[f"{prefix}score"]
    return {**parts, "multiplier": row[f"{prefix}multiplier"], "total": total}


def _alternative(
    row: Mapping[str, Any], policies: Sequence[str], regimes: Sequence[Sequence[str]]
) -> dict[str, Any] | None:
    """Say of the best policy not chosen what kept it out, and the least that would have let it in."""
    other = int(row["other"])
    if other == NOBODY:
        return None
    blocked = int(row["blocked"]) >> other & 1
    found: dict[str, Any] = {
        "policy": policies[other],
        "score": _score(row, "other_"),
        "regret_bps": row["regret_bps"],
    }
    if blocked:
        return {**found, "kept_out_by": "regime", "flips_when": f"the regime is one of {', '.join(regimes[other])}"}
    if row["gap_bps"] > 0.0 and row["other_score"] > row["score"]:
        return {**found, "kept_out_by": "switching cost", "flips_when": f"it promises {row['gap_bps']:.2f} bps more"}
    return {**found, "kept_out_by": "score", "flips_when": f"it promises {row['gap_bps']:.2f} bps more"}


def sentence(found: Mapping[str, Any]) -> str:
    """Return at most 240 characters for people."""
    chosen = found["chosen"] or "nobody"
    text = f"{chosen} trades in {found['regime']} ({100 * found['regime_confidence']:.0f}% sure)"
    if found["size_factor"] != 1.0:
        text += f" at {found['size_factor']:.2f} of its size"
    if found["drift"] != "none":
        text += f", drift {found['drift']}"
    for fault, names in found["masked"].items():
        text += f", {fault.replace('_', ' ')}: {' '.join(names)}"
    other = found["alternative"]
    if other is not None:
        text += f"; not {other['policy']}: {other['kept_out_by']}, unless {other['flips_when']}"
    elif found["blocked"]:
        text += f"; kept out by regime: {', '.join(found['blocked'])}"
    return text if len(text) <= MOST else text[: MOST - 1] + "…"
