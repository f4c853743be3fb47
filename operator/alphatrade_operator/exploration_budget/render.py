"""Render an ExplorationBudget into the budget of a session: pure."""

from typing import Any

from alphatrade_operator.exploration_budget.model import ExplorationBudgetSpec


def render_exploration(spec: ExplorationBudgetSpec) -> dict[str, Any]:
    """Return `envelope.exploration`."""
    return {
        "share_bps": spec.max_flow_share_bps,
        "cadence": spec.mutate_every_decisions,
        "window": spec.window_decisions,
        "freeze_on_warning": spec.freeze.drift_warning,
        "freeze_drawdown_bps": spec.freeze.drawdown_bps,
        "freeze_near_miss_bps": spec.freeze.near_miss_share_bps,
        "quiet_decisions": spec.release.quiet_decisions,
    }
