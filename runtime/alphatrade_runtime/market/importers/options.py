"""What an import can be told; one set for every format, each format says which of them it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from alphatrade_runtime.market.calendar import ALWAYS
from alphatrade_runtime.market.clock import BASE_LATENCY_NS
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument


@dataclass(frozen=True)
class ImportOptions:
    """How to read a source; None or empty means: from the data, or the format's default."""

    instruments: tuple[Instrument, ...] = ()
    symbol: str | None = None
    tick_size: str | None = None
    lot_size: str | None = None
    tolerate: frozenset[str] = frozenset()
    calendar: str = ALWAYS
    base_latency_ns: int = BASE_LATENCY_NS
    replace: bool = False
    rows: str | None = None  # quotes, trades, bars or funding
    columns: Mapping[str, str] = field(default_factory=dict)  # our name -> the file's
    ts_unit: str | None = None  # ns, us, ms, s, iso or date
    bar_duration: str | None = None  # 1d, 1h, 5min, 1s
    bar_label: str | None = None  # open, close or date: what a bar's time says
    round_to_units: bool = False  # round prices to ticks and sizes to lots, and count it
    progress: Callable[[int], None] | None = None  # called with the messages read so far


_COMMON = frozenset(
    {"instruments", "symbol", "tick_size", "lot_size", "tolerate", "calendar", "base_latency_ns", "replace", "progress"}
)


def check_options(options: ImportOptions, format_name: str, reads: frozenset[str] = frozenset()) -> None:
    """Raise InputError when an option is set that the format does not read."""
    default = ImportOptions()
    for option in fields(options):
        known = option.name in _COMMON or option.name in reads
        if not known and getattr(options, option.name) != getattr(default, option.name):
            name = option.name.replace("_", "-")
            raise InputError(f"--{name}: {format_name} has no use for it; leave it out")
