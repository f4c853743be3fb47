"""MarketDataFeed: where market data comes from, and what one tick and one lot of it are."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.definition import AGE, MESSAGE, READY, WHY, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Resource, Rule
from alphatrade_operator.core.quantities import (
    SECOND,
    Age,
    Elapsed,
    FeeRate,
    FilePath,
    FlatFee,
    MarginBps,
    Seed,
    Settings,
    Size,
    Span,
    Switch,
    Symbol,
    plain,
)
from alphatrade_operator.core.settings import check_settings
from alphatrade_operator.core.status import BY_SYMBOL, Status, Tally

_NO_VENUE = "use tape or simulator"
_BESIDE_CONFIG = ("seed", "duration", "duration_ns")
_QUANTA = 10**8
_MAX_MULT = 2**60

Speed = Annotated[str, StringConstraints(pattern=r"^(Realtime|Max|[1-9][0-9]{0,4}x)$", max_length=8)]
Calendar = Annotated[str, StringConstraints(pattern=r"^(24/7|[A-Za-z0-9_]+)$", min_length=1, max_length=32)]
_SPEED = "Pace of the clock: Realtime, Max, or a multiple such as 200x; above Realtime not for LiveShadow and Live."


class TapeSource(Model):
    """A recorded or imported tape."""

    path: FilePath = Field(
        description="Folder of the tape; a relative one starts at the artifact store (one process: at this file)."
    )
    speed: Speed = Field("Max", description=_SPEED)


class SimulatorSource(Model):
    """The seeded market simulator. What it makes is simulated, and everything it writes says so."""

    seed: Seed = Field(description="Seed of every random choice; the same seed gives the same bytes.")
    duration_ns: Span = Field(description="Length of the simulated session in event time.")
    speed: Speed = Field("Max", description=_SPEED)
    config: Settings = Field(
        {}, description="Regimes, flow, halts and edges by the simulator's own names; the runtime checks them."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        findings = check_settings(self.config)
        beside = [(name, "set it beside config") for name in _BESIDE_CONFIG if name in self.config]
        if findings or beside:
            raise OutOfOrder([(f"config.{path}" if path else "config", text) for path, text in beside + findings])
        return self


class Instrument(Model):
    """Facts of one instrument as its venue states them."""

    symbol: Symbol = Field(description="Symbol by which everything else refers to the instrument.")
    tick_size: Size = Field(description='Smallest step of the price in account currency, a decimal such as "0.1".')
    lot_size: Size = Field(description='Smallest step of the quantity, a decimal such as "0.001".')
    multiplier: Size = Field(Decimal(1), description="Units of the underlying that a quantity of 1 stands for.")
    maker_fee_rate: FeeRate = Field(
        description='Fee of a resting fill as a share of its value, such as "0.0002"; negative is a rebate.'
    )
    taker_fee_rate: FeeRate = Field(description='Fee of a taking fill as a share of its value, such as "0.0005".')
    fee_per_fill: FlatFee = Field(
        Decimal(0), description='Fee of each fill in account currency, on top of the rate, a decimal such as "0.35".'
    )
    initial_margin_bps: MarginBps = Field(1_000, description="Margin a position binds, in bps of its value.")
    max_quote_age_ns: Age = Field(5 * SECOND, description="Age beyond which a quote is stale (STALE).")

    @model_validator(mode="after")
    def _exact_money(self) -> Self:
        quanta = self.tick_size * self.lot_size * self.multiplier * _QUANTA
        if quanta % 2 != 0 or quanta >= _MAX_MULT:
            text = (
                f"tickSize x lotSize x multiplier is {plain(quanta)} units of 1e-8; it must be a whole, even number "
                "below 2**60, so that half a tick of a lot is exact money; give a larger lotSize or multiplier"
            )
            raise OutOfOrder([("lotSize", text)])
        return self


class Quality(Model):
    """Thresholds of this source, tighter than the law's where it is known to be better."""

    max_silence_ns: Age | None = Field(
        None, description="Silence after which the feed is stale; the tighter of this and limits.streamStale holds."
    )


class MarketDataFeedSpec(Model):
    """One source of market data: exactly one of tape, simulator."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("[has(self.tape), has(self.simulator)].exists_one(x, x)", "give exactly one of tape, simulator"),
    )

    unavailable: ClassVar[dict[str, str]] = {
        "binanceUsdm": _NO_VENUE,
        "fix": _NO_VENUE,
        "credentialsSecretRef": "tape and simulator need no credentials",
        "failover": "remove it",
    }

    tape: TapeSource | None = Field(None, description="Read a recorded tape.")
    simulator: SimulatorSource | None = Field(None, description="Simulate a market.")
    instruments: Annotated[tuple[Instrument, ...], Field(min_length=1, max_length=256, json_schema_extra=BY_SYMBOL)] = (
        Field(description="Instruments of the feed.")
    )
    calendar: Calendar = Field("24/7", description='Trading sessions: "24/7" or an exchange code such as XNYS.')
    funding_model: Literal["None", "Tape"] = Field(
        "None", description="Tape: funding payments come with the data. None: there are none, and reports say so."
    )
    quality: Quality = Field(Quality(), description="Thresholds of this source.")
    record: Switch = Field(False, description="True records what was received as a tape of its own.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        findings = _one_source(self) + _twice([instrument.symbol for instrument in self.instruments])
        if findings:
            raise OutOfOrder(findings)
        return self

    @property
    def speed(self) -> str:
        """Pace of the clock, as the source states it."""
        source = self.tape or self.simulator
        return source.speed if source else "Max"


def _one_source(spec: MarketDataFeedSpec) -> list[tuple[str, str]]:
    if spec.tape and spec.simulator:
        return [("simulator", "given besides tape; keep exactly one of tape, simulator")]
    return [] if spec.tape or spec.simulator else [("tape", "missing; give exactly one of tape, simulator")]


def _twice(symbols: list[str]) -> list[tuple[str, str]]:
    return [
        (f"instruments.{index}.symbol", f"{symbol!r} is listed twice; keep one entry")
        for index, symbol in enumerate(symbols)
        if symbol in symbols[:index]
    ]


class MarketDataFeedStatus(Status):
    """Whether the feed delivers, and what."""

    phase: Literal["Pending", "Preparing", "Serving", "Ended", "Failed"] | None = Field(
        None, description="Pending: there is no gateway yet. Preparing: the tape is being made or read."
    )
    connected: Switch | None = Field(None, description="Whether the source delivers.")
    staleness_ns: Elapsed | None = Field(None, description="Silence of the source when it was last looked at.")
    gaps: Tally | None = Field(None, description="Gaps in the data so far.")
    active_source: Annotated[str, Strict(), StringConstraints(max_length=128)] | None = Field(
        None, description='Where the data comes from, such as "simulator (simulated)".'
    )
    pace: Annotated[str, Strict(), StringConstraints(max_length=32)] | None = Field(
        None, description='What drives the clock: "Realtime" or, for one, "Simulated 200x".'
    )
    digest: Annotated[str, Strict(), StringConstraints(max_length=128)] | None = Field(
        None, description="Digest of the tape."
    )
    rows: Tally | None = Field(None, description="Rows of the tape.")
    subscribers: Tally | None = Field(None, description="Pods that read it now.")


class MarketDataFeed(Resource[MarketDataFeedSpec]):
    """A source of market data that strategies refer to."""

    definition: ClassVar[Definition] = Definition(
        plural="marketdatafeeds",
        short="mdf",
        status=MarketDataFeedStatus,
        columns=(
            Column("Source", ".status.activeSource", "Where the data comes from."),
            Column("Pace", ".status.pace", "What drives the clock."),
            Column("Phase", ".status.phase", "What the gateway does."),
            Column("Readers", ".status.subscribers", "Pods that read it.", type="integer"),
            READY,
            WHY,
            Column("Gaps", ".status.gaps", "Gaps in the data.", type="integer", priority=1),
            Column("Staleness", ".status.staleness", "Silence when last looked at.", priority=1),
            MESSAGE,
            AGE,
        ),
    )

    kind: Literal["MarketDataFeed"] = Field(description="Kind of the resource.")
