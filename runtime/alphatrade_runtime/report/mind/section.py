"""The page's section on the understanding loop: who traded and why, what it saw, whether it still fits."""

from importlib.resources import files

from alphatrade_runtime.report.markup import Html, el
from alphatrade_runtime.report.mind.attributed import attribution_table
from alphatrade_runtime.report.mind.drift import drift_figures
from alphatrade_runtime.report.mind.probes import probes_table
from alphatrade_runtime.report.mind.regimes import regimes_figure
from alphatrade_runtime.report.mind.router import router_figures
from alphatrade_runtime.report.mind.sigma import sigma_figure
from alphatrade_runtime.report.mind.streams import read_mind
from alphatrade_runtime.report.run_data import RunData


def mind_section(run: RunData) -> Html:
    """Return the section of a run that has an understanding loop; a part that was off is left out."""
    mind = read_mind(run)
    return el(
        "section",
        el("h2", "Understanding"),
        regimes_figure(mind),
        router_figures(mind),
        sigma_figure(mind),
        drift_figures(mind),
        probes_table(mind),
        attribution_table(mind),
    )


def mind_style() -> str:
    """Return what the section adds to the page's style."""
    return (files("alphatrade_runtime.report.mind") / "mind.css").read_text(encoding="utf-8")
