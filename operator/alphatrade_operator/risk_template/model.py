"""RiskTemplate: the limits that no order may pass. Lower is tighter unless a field says otherwise."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.definition import AGE, MESSAGE, READY, WHY, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Resource, Rule
from alphatrade_operator.core.quantities import (
    SECOND,
    Age,
    Count,
    Hash,
    Lots,
    MultipleBps,
    ShareBps,
    Staleness,
    Switch,
    SymbolOrAny,
)
from alphatrade_operator.core.status import BY_SYMBOL, Status, StatusPart, Tally

EVERY_INSTRUMENT = "*"
_MAX_RATE = 8_192  # the runtime remembers that many orders for its rate windows


def _ordered(low: str, high: str) -> Rule:
    return Rule(f"self.{low} <= self.{high}", f"{low} is above {high}; lower {low} or raise {high}")


class Limits(Model):
    """Limits on orders and on the account; shares are basis points of net asset value unless said."""

    stream_stale_ns: Age = Field(
        2 * SECOND, description="Silence of the whole feed after which orders are denied with STALE."
    )
    max_notional_bps: ShareBps = Field(500, description="Largest value of one order (NOTIONAL).")
    band_limit_bps: ShareBps = Field(
        50, description="Furthest a resting order's price may lie from the reference price, in bps of it (PRICE_BAND)."
    )
    band_marketable_bps: ShareBps = Field(
        20, description="The same for an order that would trade at once; not above bandLimitBps."
    )
    max_net_exposure_bps: MultipleBps = Field(
        5_000, description="Largest net value of positions and working orders, longs minus shorts (EXPOSURE)."
    )
    max_leverage_bps: MultipleBps = Field(
        10_000, description="Largest gross value of positions and working orders; 10000 is once the NAV (LEVERAGE)."
    )
    max_orders_per_second: Annotated[Count, Field(le=_MAX_RATE)] = Field(
        50, description="New orders and amendments a second (RATE); cancels are never denied."
    )
    max_orders_per_minute: Annotated[Count, Field(le=_MAX_RATE)] = Field(
        1_200, description="New orders and amendments a minute (RATE); not below maxOrdersPerSecond."
    )
    max_open_orders: Annotated[Count, Field(le=1_024)] = Field(
        64, description="Working orders an instrument (OPEN_ORDERS)."
    )
    max_turnover_minute_bps: MultipleBps = Field(20_000, description="Value traded a minute (TURNOVER).")
    max_turnover_hour_bps: MultipleBps = Field(
        100_000, description="Value traded an hour (TURNOVER); not below maxTurnoverMinuteBps."
    )
    risk_per_trade_bps: ShareBps = Field(
        200, description="Largest loss of one order if its price moves by stopBps against it (RISK_PER_TRADE)."
    )
    stop_bps: ShareBps = Field(
        100, description="The adverse move that riskPerTradeBps assumes, in bps of price; higher is tighter."
    )
    near_miss_bps: ShareBps = Field(
        8_000, description="Share of a limit from which an accepted order counts as a near-miss."
    )
    mark_jump_bps: ShareBps = Field(
        500, description="Jump of the mid above which a new mark needs 3 quotes or 500 ms to be believed, in bps."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        _ordered("bandMarketableBps", "bandLimitBps"),
        _ordered("maxOrdersPerSecond", "maxOrdersPerMinute"),
        _ordered("maxTurnoverMinuteBps", "maxTurnoverHourBps"),
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        pairs = (
            ("bandMarketableBps", self.band_marketable_bps, "bandLimitBps", self.band_limit_bps),
            ("maxOrdersPerSecond", self.max_orders_per_second, "maxOrdersPerMinute", self.max_orders_per_minute),
            ("maxTurnoverMinuteBps", self.max_turnover_minute_bps, "maxTurnoverHourBps", self.max_turnover_hour_bps),
        )
        findings = [
            (low_name, f"{low} is above {high_name} ({high}); lower {low_name} or raise {high_name}")
            for low_name, low, high_name, high in pairs
            if low > high
        ]
        if findings:
            raise OutOfOrder(findings)
        return self


class Drawdown(Model):
    """When losses stop trading. Off must be said: enabled false, and every report repeats it."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("self.enabled || !has(self.dayBps)", "dayBps: given although enabled is false; remove one of them"),
        Rule("self.enabled || !has(self.maxBps)", "maxBps: given although enabled is false; remove one of them"),
        Rule(
            "!self.enabled || self.?dayBps.orValue(500) < self.?maxBps.orValue(1500)",
            "dayBps (default 500) is not below maxBps (default 1500); lower dayBps or raise maxBps",
        ),
    )

    enabled: Switch = Field(True, description="False turns both limits off; for research only, reports say so.")
    day_bps: ShareBps | None = Field(
        None, description="Loss since the start of the day after which only reductions pass, in bps; default 500."
    )
    max_bps: ShareBps | None = Field(
        None, description="Loss since the highest NAV that kills the strategy, in bps of that NAV; default 1500."
    )

    @property
    def effective_day_bps(self) -> int | None:
        """The day limit in force; None when it is off."""
        return (self.day_bps or 500) if self.enabled else None

    @property
    def effective_max_bps(self) -> int | None:
        """The peak-to-trough limit in force; None when it is off."""
        return (self.max_bps or 1_500) if self.enabled else None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.enabled:
            given = [name for name, value in (("dayBps", self.day_bps), ("maxBps", self.max_bps)) if value is not None]
            if given:
                raise OutOfOrder([(name, "given although enabled is false; remove one of them") for name in given])
            return self
        day, peak = self.effective_day_bps, self.effective_max_bps
        if day is not None and peak is not None and day >= peak:
            raise OutOfOrder([("dayBps", f"{day} is not below maxBps ({peak}); lower dayBps or raise maxBps")])
        return self


class InstrumentLimits(Model):
    """Limits of one instrument. An instrument without an entry may not be traded."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _ordered("minOrderLots", "maxOrderLots"),
        Rule(
            "self.maxOrderLots <= 2 * self.maxPositionLots",
            "maxOrderLots is above twice maxPositionLots; lower maxOrderLots or raise maxPositionLots",
        ),
    )

    symbol: SymbolOrAny = Field(
        description='Symbol as the feed names it, or "*" for every instrument without an entry of its own.'
    )
    max_position_lots: Lots = Field(
        description="Largest position, long or short, working orders included, in lots (INVENTORY)."
    )
    max_order_lots: Lots = Field(description="Largest order in lots (SIZE); at most twice maxPositionLots, a flip.")
    min_order_lots: Lots = Field(1, description="Smallest order in lots (SIZE); not above maxOrderLots.")
    max_quote_age_ns: Age | None = Field(
        None, description="Age of a quote beyond which orders are denied with STALE; the feed's own limit when absent."
    )
    allowed: Switch = Field(
        True, description="False keeps the instrument in view and denies every order for it with SYMBOL."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        pairs = (
            ("minOrderLots", self.min_order_lots, "maxOrderLots", self.max_order_lots),
            ("maxOrderLots", self.max_order_lots, "twice maxPositionLots", 2 * self.max_position_lots),
        )
        findings = [
            (low_name, f"{low} is above {high_name} ({high}); lower {low_name} or raise {high_name}")
            for low_name, low, high_name, high in pairs
            if low > high
        ]
        if findings:
            raise OutOfOrder(findings)
        return self


class KillSwitchRules(Model):
    """How long a runtime may go on without having read the kill switches."""

    max_staleness_ns: Staleness = Field(
        10 * SECOND, description="Age of the last complete reading of kill switches after which trading halts."
    )


class RiskTemplateSpec(Model):
    """The law that one or many strategies obey."""

    limits: Limits = Field(Limits(), description="Limits on orders and on the account.")
    drawdown: Drawdown = Field(Drawdown(), description="When losses stop trading.")
    instruments: Annotated[
        tuple[InstrumentLimits, ...], Field(min_length=1, max_length=256, json_schema_extra=BY_SYMBOL)
    ] = Field(description="Limits by instrument; those not listed may not be traded.")
    max_flatten_slippage_bps: ShareBps = Field(
        50, description="Furthest from the last valid mid that a flattening order may trade, in bps."
    )
    flatten_blind: Switch = Field(
        False, description="True lets flattening trade on the last known price when no fresh quote comes."
    )
    kill_switch: KillSwitchRules = Field(KillSwitchRules(), description="How kill switches are read.")

    @model_validator(mode="after")
    def _symbols_once(self) -> Self:
        symbols = [entry.symbol for entry in self.instruments]
        findings = [
            (f"instruments.{index}.symbol", f"{symbol!r} is listed twice; keep one entry")
            for index, symbol in enumerate(symbols)
            if symbol in symbols[:index]
        ]
        if findings:
            raise OutOfOrder(findings)
        return self

    def entry(self, symbol: str) -> InstrumentLimits | None:
        """Return the limits of an instrument: its own entry, else that of "*", else None."""
        entries = {entry.symbol: entry for entry in self.instruments}
        return entries.get(symbol) or entries.get(EVERY_INSTRUMENT)


class Loosening(StatusPart):
    """A limit that was made looser and is not in force yet."""

    field: Annotated[str, Strict(), StringConstraints(max_length=256)] = Field(
        description="Path of the limit, such as limits.maxNotionalBps."
    )
    effective: Annotated[str, Strict(), StringConstraints(max_length=64)] = Field(description="The limit in force.")
    wanted: Annotated[str, Strict(), StringConstraints(max_length=64)] = Field(description="The limit in the spec.")


class RiskTemplateStatus(Status):
    """Who obeys it, and which of its limits wait."""

    user_count: Tally | None = Field(None, description="Strategies and accounts that refer to it.")
    users: Annotated[tuple[Annotated[str, Strict(), StringConstraints(max_length=128)], ...], Field(max_length=64)] = (
        Field((), description="The first 64 of them, as Kind/name.")
    )
    pending: Annotated[tuple[Loosening, ...], Field(max_length=64)] = Field(
        (), description="Limits made looser, which wait for a proposal; the old ones go on."
    )
    effective: RiskTemplateSpec | None = Field(None, description="The law in force, limits that wait left at the old.")
    effective_hash: Hash | None = Field(None, description="SHA-256 of the law in force, as RFC 8785 JSON.")


class RiskTemplate(Resource[RiskTemplateSpec]):
    """Limits that strategies and accounts refer to."""

    definition: ClassVar[Definition] = Definition(
        plural="risktemplates",
        short="rt",
        status=RiskTemplateStatus,
        columns=(
            Column("Users", ".status.userCount", "Strategies and accounts that refer to it.", type="integer"),
            READY,
            WHY,
            Column(
                "Waits",
                '.status.conditions[?(@.type=="AwaitsProposal")].status',
                "Whether a loosened limit waits for a proposal.",
            ),
            MESSAGE,
            AGE,
        ),
    )

    kind: Literal["RiskTemplate"] = Field(description="Kind of the resource.")
