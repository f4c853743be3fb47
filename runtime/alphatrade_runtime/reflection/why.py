"""Why this policy and not another: a decision's route as facts and as one sentence, pure functions of a stored row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from alphatrade_runtime.perception.regime.labels import title
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.reflection.routes import NOBODY, Barred, Masked

MOST = 240  # characters of a sentence
FAULTS = {"missing": "faults", "exploding": "exploding", "constant": "constant"}  # columns of what features lacked
_LEVELS = ("none", "warn", "alert")
_FULL_BPS = 10_000
_NEARNESS = {"exploration": 0, "switching cost": 1, "score": 1, "weight": 1, "regime": 2, "instrument": 3}


@dataclass(frozen=True)
class Roster:
    """Who could have been chosen: names and regimes by policy (none: all), and whether attention chose or weight.

    features: names of the belief's, in order.
    """

    names: tuple[str, ...]
    regimes: tuple[tuple[str, ...], ...]
    attention: bool
    features: tuple[str, ...] = ()

    @classmethod
    def of(cls, session: Session) -> "Roster":
        """Take it from a session."""
        genes = session.policy.genotype.policies
        attention = session.policy.envelope.flags.linear_attention
        belief = session.policy.genotype.belief
        features = () if belief is None else belief.features
        return cls(tuple(gene.name for gene in genes), tuple(gene.regimes for gene in genes), attention, features)


class Candidate(NamedTuple):
    """One policy at one decision, as ROUTE_DTYPE stores it."""

    policy: int
    barred: int
    base: float
    attention: float
    bias: float
    multiplier: float
    score: float
    position: float
    cost_bps: float
    value_bps: float


class Flip(NamedTuple):
    """The least change that would have let a candidate in.

    constraint: the first that kept it out.  need: bps that it must promise more (weight: the weight in bps that it
    needs), None where no number helps.  when: the change in words.
    """

    constraint: str
    need: float | None
    when: str


def candidates(row: Mapping[str, Any]) -> list[Candidate]:
    """Return who was weighed, the chosen one first when somebody was."""
    columns = [row["candidates"], row["barred"]]
    columns += [row[f"candidate_{name}"] for name in Candidate._fields[2:]]
    return [Candidate(*values) for values in zip(*columns, strict=True) if values[0] != NOBODY]


def why(row: Mapping[str, Any], roster: Roster, later: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what decided a route.

    row: of the stream `routes`, by column.  later: the instrument's row by which regret is measured, if there is one.
    """
    weighed = candidates(row)
    chosen = next((one for one in weighed if one.policy == row["chosen"]), None)
    found: dict[str, Any] = {
        "decision_id": row["decision_id"],
        "seq": row["seq"],
        "chosen": _name(row["chosen"], roster),
        "before": _name(row["before"], roster),
        "exploring": bool(row["exploring"]),
        "chosen_by": "attention" if roster.attention else "weight",
        "regime": None if row["regime"] == NOBODY else title(int(row["regime"])),
        "regime_confidence": None if row["regime"] == NOBODY else row["regime_confidence"],
        "size_factor": row["size_factor"],
        "drift": _LEVELS[int(row["drift_level"])],
        "surprise": row["surprise"],
        "rho_norm": row["rho_norm"],
        "score": None if chosen is None else _parts(chosen, row),
        "shadow": None if chosen is None else _shadow(chosen),
        "blocked": [name for j, name in enumerate(roster.names) if int(row["blocked"]) >> j & 1],
        "masked": _masked(row, roster.features),
        "alternatives": [_alternative(one, row, roster, later) for one in weighed if one is not chosen],
    }
    return {**found, "sentence": sentence(found)}


def _more_or_less(bps: float) -> str:
    return f"{abs(bps):.2f} bps {'less' if bps < 0.0 else 'more'}"


def _masked(row: Mapping[str, Any], features: tuple[str, ...]) -> dict[str, list[str]]:
    """Return what could not be used since the row before: features by what they lacked, and parts of the loop."""
    found = {
        fault: [name for k, name in enumerate(features) if int(row[column]) >> k & 1]
        for fault, column in FAULTS.items()
    }
    parts = [part.name.lower() for part in Masked if int(row["masked"]) & part and part.name is not None]
    return {fault: names for fault, names in {**found, "left_out": parts}.items() if names}


def _name(policy: int, roster: Roster) -> str | None:
    return None if policy == NOBODY else roster.names[policy]


def _parts(one: Candidate, row: Mapping[str, Any]) -> dict[str, float]:
    """Take a score apart: base, attention, regime and fast_weight add up to total; the cost is that of a switch."""
    plain = one.base + one.attention + one.bias
    pays = row["before"] not in (NOBODY, one.policy)
    return {
        "base": one.base,
        "attention": one.attention,
        "regime": one.bias,
        "fast_weight": one.score - plain,
        "total": one.score,
        "multiplier": one.multiplier,
        "switch_cost_bps": row["switch_cost_bps"] if pays else 0.0,
    }


def _shadow(one: Candidate) -> dict[str, float]:
    """Say what its shadow holds after this decision, and what the fill of it cost; 0 when it did not trade."""
    return {"position_share": one.position, "fill_cost_bps": one.cost_bps}


def _alternative(
    one: Candidate, row: Mapping[str, Any], roster: Roster, later: Mapping[str, Any] | None
) -> dict[str, Any]:
    flip = flip_of(one, row, roster)
    return {
        "policy": roster.names[one.policy],
        "score": _parts(one, row),
        "shadow": _shadow(one),
        "kept_out_by": flip.constraint,
        "flips_when": flip.when,
        "need": flip.need,
        "regret": _regret(one, row, later),
    }


def flip_of(one: Candidate, row: Mapping[str, Any], roster: Roster) -> Flip:
    """Return the first thing that kept a candidate out, in the order in which it is asked, and the least change."""
    if one.barred == Barred.INSTRUMENT:
        return Flip("instrument", None, "it lists the instrument")
    if one.barred == Barred.REGIME:
        return Flip("regime", None, f"the regime is one of {', '.join(roster.regimes[one.policy])}")
    if row["exploring"] and one.policy == row["incumbent"]:
        return Flip("exploration", None, "the trial ends")
    rivals = [other for other in candidates(row) if other.barred == Barred.NO and other.policy != one.policy]
    return _by_score(one, rivals, row) if roster.attention else _by_weight(one, rivals)


def _by_weight(one: Candidate, rivals: list[Candidate]) -> Flip:
    """Of equal weights the first policy is chosen, so a later one needs one basis point more."""
    need = max((round(rival.base * _FULL_BPS) + (one.policy > rival.policy) for rival in rivals), default=0)
    heavy = need > _FULL_BPS  # no weight is that high
    return Flip("weight", float(need), "the chosen one's weight is lower" if heavy else f"its weight is {need:,} bps")


def _by_score(one: Candidate, rivals: list[Candidate], row: Mapping[str, Any]) -> Flip:
    """It must promise as much as the best, and beyond whoever trades what a switch costs.

    Who trades already needs to come back within that cost only.
    """
    sigma, cost, before = row["sigma_bps"], row["switch_cost_bps"], row["before"]
    behind = (max((rival.score for rival in rivals), default=one.score) - one.score) * sigma
    if one.policy == before:
        need, constraint = behind - cost, "score"
    else:
        trading = [rival.score for rival in rivals if rival.policy == before]
        short = cost - (one.score - trading[0]) * sigma if trading else behind
        need, constraint = max(behind, short), "score" if behind > 0.0 else "switching cost"
    return Flip(constraint, need, f"it promises {need:.2f} bps more")


def _regret(one: Candidate, row: Mapping[str, Any], later: Mapping[str, Any] | None) -> dict[str, float] | None:
    """Return what its shadow came to since less what the chosen one's did; None where that is not known.

    A positive one says that it would have been the better choice. Nobody chosen came to nothing.
    """
    if later is None or row["sigma_bps"] == 0.0:
        return None
    now = {each.policy: each.value_bps for each in candidates(row)}
    then = {each.policy: each.value_bps for each in candidates(later)}
    chosen = row["chosen"]
    if one.policy not in then or (chosen != NOBODY and chosen not in then):
        return None
    ours = 0.0 if chosen == NOBODY else then[chosen] - now[chosen]
    return {"bps": then[one.policy] - now[one.policy] - ours, "decisions": later["since"] - row["since"]}


def nearest(alternatives: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the one in whose place another is tried, else the one that needed least, else the first that is barred."""

    def far(one: dict[str, Any]) -> tuple[int, float]:
        return _NEARNESS[one["kept_out_by"]], one["need"] or 0.0

    return min(alternatives, key=far, default=None)


def sentence(found: Mapping[str, Any]) -> str:
    """Return at most 240 characters for people."""
    text = f"{found['chosen'] or 'nobody'} trades"
    if found["regime"] is not None:
        text += f" in {found['regime']} ({100 * found['regime_confidence']:.0f}% sure)"
    if found["exploring"]:
        text += " on trial, within the exploration budget"
    if found["size_factor"] != 1.0:
        text += f" at {found['size_factor']:.2f} of its size"
    if found["drift"] != "none":
        text += f", drift {found['drift']}"
    for fault, names in found["masked"].items():
        text += f", {fault.replace('_', ' ')}: {' '.join(names)}"
    other = nearest(found["alternatives"])
    if other is not None:
        text += f"; not {other['policy']}: {other['kept_out_by']}, unless {other['flips_when']}"
        if other["regret"] is not None:
            text += f"; it made {_more_or_less(other['regret']['bps'])} in {other['regret']['decisions']} decisions"
    return text if len(text) <= MOST else text[: MOST - 1] + "…"
