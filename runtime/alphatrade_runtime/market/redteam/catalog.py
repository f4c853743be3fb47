"""All scenarios: what is planted, which gate must answer, and how a loss is counted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from alphatrade_runtime.market.redteam import delivery, moves, prints
from alphatrade_runtime.market.redteam.edit import finished
from alphatrade_runtime.market.redteam.plant import SECOND_NS, Place, Planted, Severity, Transform
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.numerics.rng import below

LEAD_NS = 90 * SECOND_NS  # trading before the fault
JITTER_NS = 5 * SECOND_NS  # a fault starts up to so much later, as the seed says
FEES_ADDED_E7 = {Severity.LOW: 10_000, Severity.MEDIUM: 30_000, Severity.HIGH: 100_000}  # 10, 30, 100 bps


class Gate(Enum):
    """Who must answer: the import refuses or tells of it, the law denies, or nobody since nothing is wrong."""

    IMPORT = "import"
    LAW = "law"
    NONE = "none"


class Loss(Enum):
    """DAY: what it cost by the end, against the day's limit.  PEAK: the worst since, against peak to trough."""

    DAY = "day"
    PEAK = "peak"


@dataclass(frozen=True)
class Scenario:
    """A fault and what must come of it.

    answer: the law's code that must stand within 1 s of event time.  told: the import's name of the fault.
    sustained: the code stands until the end of the fault; no order may leave meanwhile.
    holds_mark: the prices are no market; the mark must not follow them.  fees: the session's fees change.
    """

    name: str
    plant: Transform
    gate: Gate
    loss: Loss
    answer: str = ""
    told: str = ""
    sustained: bool = False
    holds_mark: bool = False
    fees: bool = False

    @property
    def doc(self) -> str:
        """What is planted, in a sentence."""
        return " ".join((self.plant.__doc__ or "").split())


def fee_shock(rows: Rows, place: Place) -> Planted:
    """Every fee is 10, 30 or 100 bps higher in all of the session; the tape is as it was."""
    return Planted(finished(rows, int(rows.seq[0])), place.start_ns, int(rows.ts_init_ns[-1]))


def _all() -> tuple[Scenario, ...]:
    none, law, imported = Gate.NONE, Gate.LAW, Gate.IMPORT
    return (
        Scenario("vol_jump", moves.vol_jump, none, Loss.PEAK),
        Scenario("flash_crash", moves.flash_crash, none, Loss.PEAK),
        Scenario("halt_reopen", delivery.halt_reopen, law, Loss.PEAK, "SESSION", sustained=True),
        Scenario("bad_print_high", prints.bad_print_high, law, Loss.DAY, "PRICE_BAND", "price_jump", holds_mark=True),
        Scenario("bad_print_low", prints.bad_print_low, law, Loss.DAY, "PRICE_BAND", "price_jump", holds_mark=True),
        Scenario("bad_print_zero", prints.bad_print_zero, imported, Loss.DAY, told="price_not_positive"),
        Scenario("bad_print_negative", prints.bad_print_negative, imported, Loss.DAY, told="price_not_positive"),
        Scenario("crossed_book", prints.crossed_book, law, Loss.DAY, "STALE", "crossed_book", sustained=True),
        Scenario("stuck_quote", delivery.stuck_quote, law, Loss.DAY, "STALE", sustained=True),
        Scenario("repeated_quote", prints.repeated_quote, none, Loss.DAY, told="stuck_quote"),
        Scenario("duplicate_rows", delivery.duplicate_rows, imported, Loss.DAY, told="duplicate"),
        Scenario("out_of_order", delivery.out_of_order, imported, Loss.DAY, told="out_of_order"),
        Scenario("late_ticks", delivery.late_ticks, law, Loss.DAY, "STALE", sustained=True),
        Scenario("volume_drought", moves.volume_drought, none, Loss.DAY),
        Scenario("spread_20", moves.spread_20, law, Loss.DAY, "PRICE_BAND"),
        Scenario("fee_shock", fee_shock, none, Loss.PEAK, fees=True),
        Scenario("one_way_fill", moves.one_way_fill, none, Loss.PEAK),
        Scenario("split_brain", moves.split_brain, law, Loss.DAY, "PRICE_BAND", holds_mark=True),
        Scenario("nan_features", prints.nan_features, law, Loss.DAY, "STALE", "locked_book", sustained=True),
    )


SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _all()}


def place_of(
    scenario: Scenario,
    severity: Severity,
    seed: int,
    rows: Rows,
    *,
    instruments: tuple[int, ...],
    quote_age_ns: int,
    stream_stale_ns: int,
    band_bps: int,
    mark_jump_bps: int,
) -> Place:
    """Return where a scenario goes on a tape: as its seed says, LEAD_NS or a little more behind the first row."""
    place = Place(seed, severity, 0, instruments, quote_age_ns, stream_stale_ns, band_bps, mark_jump_bps)
    jitter_ns = below(place.draws(f"start of {scenario.name}"), JITTER_NS // 1_000_000) * 1_000_000
    return replace(place, start_ns=int(rows.ts_init_ns[0]) + LEAD_NS + jitter_ns)
