"""Render an ExplorationBudget into the budget of a session: pure.

On a cluster a session explores by permit, too; in one process there is nobody to ask.
"""

from typing import Any

from alphatrade_operator.exploration_budget.model import ExplorationBudgetSpec


def render_exploration(spec: ExplorationBudgetSpec, by_permit: bool = False) -> dict[str, Any]:
    """Return `envelope.exploration`; the field that one process has no use for is left out there."""
    return {
        "share_bps": spec.max_flow_share_bps,
        "cadence": spec.mutate_every_decisions,
        "window": spec.window_decisions,
        "freeze_on_warning": spec.freeze.drift_warning,
        "freeze_drawdown_bps": spec.freeze.drawdown_bps,
        "freeze_near_miss_bps": spec.freeze.near_miss_share_bps,
        "quiet_decisions": spec.release.quiet_decisions,
        **({"by_permit": True} if by_permit else {}),
    }
