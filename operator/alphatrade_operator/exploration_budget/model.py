"""ExplorationBudget: how much of a strategy's flow may explore, and what takes that away."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Strict, StringConstraints

from alphatrade_operator.core.definition import AGE, MESSAGE, READY, WHY, Column, Definition
from alphatrade_operator.core.model import Model, Resource
from alphatrade_operator.core.quantities import SECOND, Count, PermitTtl, ShareBps, ShareOrNoneBps, Switch, Time
from alphatrade_operator.core.status import Message, Reason, Status, StatusPart, Tally

MOST_BPS = {"Sim": 1_000, "Paper": 500}  # what a mode lets explore at most; others explore nothing (semantics, 11)


class FreezeRules(Model):
    """What takes exploration away at once. Frozen means that permits are not renewed."""

    drift_warning: Switch = Field(True, description="A drift detector warns.")
    drawdown_bps: ShareBps | None = Field(
        None, description="Loss since the highest NAV, in bps of it; never if absent."
    )
    near_miss_share_bps: ShareBps | None = Field(
        None, description="Share of accepted orders that are near-misses, in bps; never if absent."
    )


class ReleaseRules(Model):
    """What gives exploration back where it was taken."""

    quiet_decisions: Count = Field(1_000, description="Decisions in a row without any cause to freeze.")


class ExplorationBudgetSpec(Model):
    """The budget of each strategy that refers to it."""

    cluster_only: ClassVar[tuple[str, ...]] = ("permit_ttl_ns",)

    max_flow_share_bps: ShareOrNoneBps = Field(
        500, description="Largest share of sent notional, and of actions, that explores, in bps; 0 is none."
    )
    mutate_every_decisions: Count = Field(50, description="At most one new mutant in so many decisions.")
    window_decisions: Count = Field(1_000, description="Decisions over which the share is counted.")
    permit_ttl_ns: PermitTtl = Field(
        30 * SECOND,
        alias="permitTTL",
        description="How long a permit holds from when it was asked for; exploration ends where none is renewed.",
    )
    freeze: FreezeRules = Field(FreezeRules(), description="What takes exploration away.")
    release: ReleaseRules = Field(ReleaseRules(), description="What gives it back.")


class Freeze(StatusPart):
    """A cause for which permits are not renewed, to the strategies that its message names."""

    reason: Reason = Field(description="The cause, such as DriftWarning.")
    message: Message = Field(description="The cause in words.")
    since: Time = Field(description="Since when.")


class ExplorationBudgetStatus(Status):
    """How much explores now."""

    share_bps: ShareOrNoneBps | None = Field(
        None, description="Share of sent notional that explored, of the last orders of all users together, in bps."
    )
    frozen: Annotated[tuple[Freeze, ...], Field(max_length=16)] = Field((), description="Why permits are not renewed.")
    user_count: Tally | None = Field(None, description="Strategies that refer to it.")
    users: Annotated[tuple[Annotated[str, Strict(), StringConstraints(max_length=63)], ...], Field(max_length=64)] = (
        Field((), description="The first 64 of them, by name.")
    )


class ExplorationBudget(Resource[ExplorationBudgetSpec]):
    """A bound on exploration that strategies refer to."""

    definition: ClassVar[Definition] = Definition(
        plural="explorationbudgets",
        short="eb",
        status=ExplorationBudgetStatus,
        columns=(
            Column("Max", ".spec.maxFlowShareBps", "Largest share of flow that explores, bps.", type="integer"),
            Column("Share", ".status.shareBps", "Share of flow that explores now, bps.", type="integer"),
            Column("Frozen", ".status.frozen[0].reason", "Why permits are not renewed."),
            Column("Users", ".status.userCount", "Strategies that refer to it.", type="integer"),
            READY,
            WHY,
            MESSAGE,
            AGE,
        ),
    )

    kind: Literal["ExplorationBudget"] = Field(description="Kind of the resource.")
