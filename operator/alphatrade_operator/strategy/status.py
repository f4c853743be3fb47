"""What a Strategy's status tells: a snapshot at most once a minute; the rest is metrics."""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from alphatrade_operator.core.quantities import Amount, Digest, Elapsed, Hash, Name, Time
from alphatrade_operator.core.status import (
    BY_NAME,
    BY_SYMBOL,
    KillAcknowledgement,
    Latch,
    Position,
    Status,
    StatusPart,
    Tally,
)
from alphatrade_operator.strategy.mind_status import Drift, InstrumentMind


class Latency(StatusPart):
    """How long decisions take, from a row to the order."""

    p50_ns: Elapsed = Field(description="Half of the decisions are at least as fast.")
    p99_ns: Elapsed = Field(description="99 of 100 are.")
    p999_ns: Elapsed = Field(description="999 of 1000 are.")


class Contribution(StatusPart):
    """What one policy of the strategy has earned."""

    name: Name = Field(description="Name of the policy.")
    pnl: Amount = Field(description="Profit in account currency, fees deducted.")


class Digests(StatusPart):
    """What an ended session came to, as `sha256:` and 64 hexadecimal digits; the same as of a run in one process."""

    diary: Digest = Field(description="Of the decision diary.")
    fills: Digest = Field(description="Of the fills.")
    pnl: Digest = Field(description="Of the profit, step by step.")


Phase = Literal[
    "Pending",
    "Starting",
    "Trading",
    "Halted",
    "Reducing",
    "Flattening",
    "Latched",
    "Draining",
    "Drained",
    "Ended",
    "Failed",
    "Suspended",
]
Stage = Literal["Experiment", "Paper", "Pilot", "LimitedLive"]


class StrategyStatus(Status):
    """What the strategy does."""

    phase: Phase | None = Field(None, description="What the runtime does; Pending: there is none yet.")
    desired_policy_hash: Hash | None = Field(None, description="Hash of the policy that the spec asks for.")
    active_policy_hash: Hash | None = Field(None, description="Hash of the policy that trades.")
    stage: Stage | None = Field(None, description="Stage of the policy that trades.")
    pace: Annotated[str, Strict(), StringConstraints(max_length=32)] | None = Field(
        None, description='What drives the clock: "Realtime" or, for one, "Simulated 200x".'
    )
    session_time: Time | None = Field(None, description="Where the session's clock stood.")
    regime: Annotated[str, Strict(), StringConstraints(max_length=32)] | None = Field(
        None,
        description="Market regime as classified, Mixed where instruments differ; absent where nothing classifies.",
    )
    drift: Drift | None = Field(
        None,
        description="The worst that the drift sentry says of an instrument: Quiet, Learning (no reference is "
        "complete), Warn, Alert; absent where nothing watches.",
    )
    mind: Annotated[tuple[InstrumentMind, ...], Field(max_length=64, json_schema_extra=BY_SYMBOL)] = Field(
        (), description="What its understanding loop makes of each instrument."
    )
    positions: Annotated[tuple[Position, ...], Field(max_length=256, json_schema_extra=BY_SYMBOL)] = Field(
        (), description="What is held, instruments without a position left out."
    )
    working_orders: Tally | None = Field(None, description="Orders at the venue.")
    nav: Amount | None = Field(None, description="Net asset value in account currency.")
    pnl: Amount | None = Field(None, description="Profit since the session began, in account currency.")
    drawdown_bps: Tally | None = Field(None, description="Loss since the highest NAV, in bps of it.")
    exploration_share_bps: Annotated[int, Strict(), Field(ge=0, le=10_000)] | None = Field(
        None, description="Share of flow that explores, in bps; absent where nothing explores."
    )
    decisions: Tally | None = Field(None, description="Decisions made.")
    orders: Tally | None = Field(None, description="Orders sent.")
    fills: Tally | None = Field(None, description="Fills received.")
    denied: Tally | None = Field(None, description="Orders that the law denied.")
    near_misses: Tally | None = Field(None, description="Accepted orders that came close to a limit.")
    violations: Tally | None = Field(None, description="Breaches that the auditor found; above 0 is an incident.")
    breaks: Tally | None = Field(None, description="Reconciliations in which the books did not agree.")
    attribution: Annotated[tuple[Contribution, ...], Field(max_length=64, json_schema_extra=BY_NAME)] = Field(
        (), description="Profit by policy."
    )
    latency: Latency | None = Field(None, description="How long decisions take; absent on a simulated clock.")
    kill_switches: Annotated[tuple[KillAcknowledgement, ...], Field(max_length=64)] = Field(
        (), description="Kill switches that have had their effect here."
    )
    kill_list_age_ns: Elapsed | None = Field(None, description="Age of the last complete reading of kill switches.")
    latched: Latch | None = Field(None, description="What holds the strategy; absent when nothing does.")
    applied_proposals: Annotated[tuple[Name, ...], Field(max_length=64)] = Field(
        (), description="Proposals that are part of the policy that trades."
    )
    digests: Digests | None = Field(None, description="What the session came to; there once it has ended.")
