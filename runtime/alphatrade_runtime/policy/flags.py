"""Feature flags: the registry that code and CONTRIBUTING read.

Every flag is off by default and a constant of the compiled step, so what is off costs nothing
and changes no byte of a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from alphatrade_runtime.market.faults import InputError


@dataclass(frozen=True)
class FeatureFlag:
    """One switch. `built` is False while setting it can only be refused; `arrives` is the issue that builds it."""

    name: str
    switches: str
    takes_effect: str
    built: bool
    arrives: str
    default: bool = False


FLAGS = (
    FeatureFlag(
        name="fast_weights",
        switches="weights that learn within a session, in belief and in the multipliers of policies",
        takes_effect="when a session starts (compiled into the step)",
        built=True,
        arrives="4/9",
    ),
    FeatureFlag(
        name="linear_attention",
        switches="the router that chooses among policies by attention; off, weight chooses",
        takes_effect="when a session starts (compiled into the step)",
        built=True,
        arrives="4/9",
    ),
    FeatureFlag(
        name="exploration",
        switches="a bounded share of orders that try the second-best policy; never in live modes",
        takes_effect="when a session starts; on a cluster only while the operator permits it",
        built=True,
        arrives="4/9",
    ),
    FeatureFlag(
        name="auto_governed_feedback",
        switches="nightly proposals that apply themselves within the gates; simulated and paper modes only",
        takes_effect="when a proposal is decided; running sessions take it at their next epoch",
        built=False,
        arrives="after 4/9",
    ),
)


def resolve_flags(asked: Mapping[str, bool], where: str = "flags") -> dict[str, bool]:
    """Fill in defaults, in registry order. Raises InputError naming the field for a flag unknown or not built."""
    by_name = {flag.name: flag for flag in FLAGS}
    for name, value in asked.items():
        flag = by_name.get(name)
        if flag is None:
            raise InputError(f"{where}.{name}: no such flag; there are {', '.join(by_name)}")
        if not isinstance(value, bool):
            raise InputError(f"{where}.{name}: {value!r} is neither true nor false; write one of them")
        if value and not flag.built:
            raise InputError(f"{where}.{name}: not built yet (arrives {flag.arrives}); set it to false or leave it out")
    return {flag.name: bool(asked.get(flag.name, flag.default)) for flag in FLAGS}
