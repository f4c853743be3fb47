"""Norms of the fast weights over time, against their bound."""

from alphatrade_runtime.adaptation.fast_weights.state import fast_params
from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Html
from alphatrade_runtime.report.mind.streams import MindData
from alphatrade_runtime.report.plot import Level, Series, time_chart

_ROLES = ("main", "second", "gain", "loss")


def sigma_figure(mind: MindData) -> Html | None:
    """Return a curve an instrument; None when fast weights or the belief that carries them were off."""
    policy = mind.run.session.policy
    if not policy.envelope.flags.fast_weights or "belief_snapshots" not in mind.streams:
        return None
    block = policy.genotype.fast_weights
    bound = float(fast_params(block.rule, block.half_life, kappa=0.0)["bound"][0])
    shown = mind.instruments("belief_snapshots")[: len(_ROLES)]
    curves = []
    for role, i in zip(_ROLES, shown, strict=False):
        rows = mind.of("belief_snapshots", i)
        curves.append(Series(mind.run.symbols[i], rows["event_ts_ns"], rows["rho_norm"], role))
    more = len(mind.instruments("belief_snapshots")) - len(shown)
    norms = mind.streams["belief_snapshots"]["rho_norm"]
    highest = f"Highest {float(norms.max()):.3f}, " if len(norms) else ""
    return time_chart(
        "Fast weights: Frobenius norm of ρ",
        curves,
        levels=[Level(f"fault at {bound:.2f}", bound)],
        note=f"{highest}{figures.count(len(norms))} beliefs on record; {block.rule} rule."
        + (f" {more} more instruments are not drawn." if more > 0 else ""),
    )
