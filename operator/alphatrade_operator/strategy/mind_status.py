"""What a Strategy's status tells of its understanding loop, by instrument."""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from alphatrade_operator.core.quantities import Name, ShareOrNoneBps, Symbol, Time
from alphatrade_operator.core.status import AS_SET, BY_NAME, StatusPart, Tally

Drift = Literal["Quiet", "Learning", "Warn", "Alert"]  # the worse, the later
Word = Annotated[str, Strict(), StringConstraints(max_length=32)]


class PolicyShare(StatusPart):
    """How often one policy of the strategy traded."""

    name: Name = Field(description="Name of the policy.")
    bps: ShareOrNoneBps = Field(description="Share of the session's decisions at which it did, in bps.")


class InstrumentMind(StatusPart):
    """What the understanding loop makes of one instrument; a part that is off is absent."""

    symbol: Symbol = Field(description="Symbol as the feed names it.")
    regime: Word | None = Field(None, description="Its market regime.")
    regime_since: Time | None = Field(None, description="Session time since when; absent: since the beginning.")
    confidence_bps: ShareOrNoneBps | None = Field(None, description="Confidence of the regime, in bps.")
    drift: Drift | None = Field(
        None, description="Learning: no reference is complete. Else the highest level there is."
    )
    drift_stream: Word | None = Field(None, description="Stream of that level, such as HitRate.")
    drift_detector: Word | None = Field(None, description="What found it, such as CusumDown.")
    drift_alerts: Tally | None = Field(None, description="Alerts in this session.")
    size_bps: ShareOrNoneBps | None = Field(None, description="What drift multiplies sizes by, in bps.")
    sigma_norm_bps: ShareOrNoneBps | None = Field(None, description="Norm of the fast weights, in bps of its bound.")
    sigma_faults: Tally | None = Field(None, description="Times they were restored from their last good copy.")
    policy: Name | None = Field(None, description="Policy that trades it; absent when none may.")
    shares: Annotated[tuple[PolicyShare, ...], Field(max_length=16, json_schema_extra=BY_NAME)] = Field(
        (), description="How often each policy traded it."
    )
    probes_available: Tally | None = Field(None, description="Probes that had what they need.")
    probes_fired: Annotated[tuple[Word, ...], Field(max_length=6, json_schema_extra=AS_SET)] = Field(
        (), description="Probes that fired, such as SweepRisk."
    )
