"""How many of a run's orders are attributed: order -> belief -> three available probes -> explanation, by ids.

The denominator is every order that left, by the orders' own record, so that one which nobody thought about (a
flattening by the kill switch) counts as not attributed.
"""

from dataclasses import dataclass
from pathlib import Path

from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.orders import Command, OrderState
from alphatrade_runtime.reflection.diary import query
from alphatrade_runtime.reflection.diary.chain import MIND_STREAMS
from alphatrade_runtime.reflection.diary.dictionary import Dictionary, read_run
from alphatrade_runtime.reflection.diary.segments import streams_in
from alphatrade_runtime.reflection.records import DiaryKind

MIN_PROBES = 3
ATTRIBUTED = "attributed"
LACKS = ("no choice on record", "no belief", f"fewer than {MIN_PROBES} probes available", "no explanation")

# What an instrument that was not on has in place of its stream: the columns that are asked for, and no row.
_ABSENT = {
    "routes": "SELECT 0 AS decision_id, 0 AS belief_id, 0 AS instrument WHERE false",
    "belief_snapshots": "SELECT 0 AS belief_id, 0 AS instrument WHERE false",
    "probes": "SELECT 0 AS decision_id, 0 AS belief_id, 0 AS instrument, [0] AS available WHERE false",
}

_SQL = """
WITH {absent} mults(instrument, mult) AS (VALUES {mults}),
sent AS (
    SELECT o.order_id, o.decision_id, o.instrument, o.qty::HUGEINT * o.price * m.mult AS notional
    FROM orders o JOIN mults m ON m.instrument = o.instrument
    WHERE o.event = {new} AND o.state = {in_flight}
),
linked AS (
    SELECT s.notional,
        EXISTS (
            SELECT 1 FROM routes r WHERE r.decision_id = s.decision_id AND r.instrument = s.instrument
        ) AS routed,
        EXISTS (
            SELECT 1 FROM routes r JOIN belief_snapshots b ON b.belief_id = r.belief_id AND b.instrument = r.instrument
            WHERE r.decision_id = s.decision_id AND r.instrument = s.instrument
        ) AS believed,
        EXISTS (
            SELECT 1 FROM routes r JOIN belief_snapshots b ON b.belief_id = r.belief_id AND b.instrument = r.instrument
            JOIN probes p ON p.belief_id = b.belief_id AND p.decision_id = r.decision_id
                AND p.instrument = b.instrument
            WHERE r.decision_id = s.decision_id AND r.instrument = s.instrument
                AND list_sum(p.available) >= {min_probes}
        ) AS probed,
        EXISTS (
            SELECT 1 FROM decisions d WHERE d.order_id = s.order_id AND d.decision_id = s.decision_id
                AND d.kind = {action} AND d.action = {new} AND d.explanation IS NOT NULL
        ) AS explained
    FROM sent s
)
SELECT CASE WHEN NOT routed THEN '{lacks[0]}' WHEN NOT believed THEN '{lacks[1]}' WHEN NOT probed THEN '{lacks[2]}'
    WHEN NOT explained THEN '{lacks[3]}' ELSE '{attributed}' END AS fate,
    count(*) AS orders, sum(notional)::VARCHAR AS notional
FROM linked GROUP BY 1
"""


@dataclass(frozen=True)
class Attribution:
    """Orders that left and their notional in quanta of 1e-8, by what became of them: ATTRIBUTED, or one of LACKS."""

    orders: dict[str, int]
    notional: dict[str, int]

    @property
    def total(self) -> int:
        """All orders that left."""
        return sum(self.orders.values())

    @property
    def share(self) -> float | None:
        """Attributed orders among all; None when no order left."""
        return self.orders.get(ATTRIBUTED, 0) / self.total if self.total else None

    @property
    def notional_share(self) -> float | None:
        """The same by notional."""
        whole = sum(self.notional.values())
        return self.notional.get(ATTRIBUTED, 0) / whole if whole else None


def minded(folder: Path) -> bool:
    """Tell whether a run had an understanding loop."""
    return any(stream in MIND_STREAMS for stream in streams_in(folder))


def attribution(folder: Path) -> Attribution:
    """Follow every order of a run. Raises InputError when the folder is no run."""
    rows = query.sql(folder, _sql(folder, Dictionary.from_run(read_run(folder)).instruments)).to_pylist()
    return Attribution(
        {row["fate"]: int(row["orders"]) for row in rows}, {row["fate"]: int(row["notional"]) for row in rows}
    )


def _sql(folder: Path, instruments: tuple[Instrument, ...]) -> str:
    there = streams_in(folder)
    absent = "".join(f"{stream} AS ({body}), " for stream, body in _ABSENT.items() if stream not in there)
    return _SQL.format(
        absent=absent,
        mults=", ".join(f"({k}, {one.mult})" for k, one in enumerate(instruments)),
        new=int(Command.NEW),
        in_flight=int(OrderState.IN_FLIGHT_NEW),
        action=int(DiaryKind.ACTION),
        min_probes=MIN_PROBES,
        lacks=LACKS,
        attributed=ATTRIBUTED,
    )
