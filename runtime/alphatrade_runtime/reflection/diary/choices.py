"""Say of a row of the tape who was chosen to trade, why not another, what left, and what the probes said."""

from pathlib import Path
from typing import Any

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Command, OrderState
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.reflection.diary import query
from alphatrade_runtime.reflection.diary.dictionary import session_of
from alphatrade_runtime.reflection.diary.segments import streams_in
from alphatrade_runtime.reflection.probes.state import Probe
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.reflection.why import Roster, why

_ACTED = f"kind IN ({int(DiaryKind.ACTION)}, {int(DiaryKind.DENIAL)})"


def explain_row(folder: Path, seq: int) -> list[dict[str, Any]]:
    """Return the choices that a tape row led to, one an instrument, each with its orders, words and probes.

    Raises InputError when the run has no understanding loop, or nothing is on record at that row.
    """
    session = session_of(folder)
    if "routes" not in streams_in(folder):
        raise InputError(
            f"{folder}: the run made no choice to explain: belief, regime, probes, drift and router of its strategy "
            f"are all off; `alphatrade diary show RUN --seq {seq}` says what was done"
        )
    found = query.sql(folder, f"SELECT * FROM routes WHERE seq = {int(seq)} ORDER BY decision_id, instrument")
    if found.num_rows == 0:
        raise InputError(f"{folder}: no choice is on record at row {seq}; {_nearest(folder, seq)}")
    return [_explained(folder, route, session) for route in found.to_pylist()]


def _nearest(folder: Path, seq: int) -> str:
    """Name the rows next to a wrong one at which an order left."""
    (row,) = query.sql(
        folder,
        f"SELECT max(seq) FILTER (seq < {int(seq)}) AS before, min(seq) FILTER (seq > {int(seq)}) AS after "
        f"FROM actions WHERE action = {int(Command.NEW)}",
    ).to_pylist()
    near = [str(row[name]) for name in ("before", "after") if row[name] is not None]
    return f"the nearest at which an order left: {' and '.join(near)}" if near else "no order left in this run"


def _explained(folder: Path, route: dict[str, Any], session: Session) -> dict[str, Any]:
    where = f"decision_id = {route['decision_id']} AND instrument = {route['instrument']}"
    return {
        "symbol": route["symbol"],
        "why": why(route, Roster.of(session), _later(folder, route, session.policy.genotype.router.horizon)),
        "actions": _actions(folder, where),
        "orders": _orders(folder, where),
        "probes": _probes(folder, where, session.policy.envelope.flags.fast_weights),
    }


def _later(folder: Path, route: dict[str, Any], horizon: int) -> dict[str, Any] | None:
    """Return the first row on record at least a horizon of decisions later, by which regret is measured."""
    found = query.sql(
        folder,
        f"SELECT * FROM routes WHERE instrument = {route['instrument']} AND since >= {route['since'] + horizon} "
        "ORDER BY since LIMIT 1",
    ).to_pylist()
    return found[0] if found else None


def _actions(folder: Path, where: str) -> list[dict[str, Any]]:
    """Return what was done or denied at a decision, in words."""
    asked = f"SELECT kind_name, action_name, order_id, explanation FROM decisions WHERE {where} AND {_ACTED}"
    return query.sql(folder, asked).to_pylist()


def _orders(folder: Path, where: str) -> list[dict[str, Any]]:
    """Return the orders of a decision that left, each with the state that it came to."""
    asked = (
        "WITH told AS (SELECT *, row_number() OVER () AS n FROM orders) "
        "SELECT order_id, arg_min(side_name, n) AS side, arg_min(qty_size, n)::VARCHAR AS size, "
        "arg_min(limit_price, n)::VARCHAR AS limit_price, arg_min(tif_name, n) AS time_in_force, "
        "arg_max(state_name, n) AS state "
        f"FROM told WHERE {where} GROUP BY order_id "
        f"HAVING arg_min(state, n) <> {int(OrderState.DENIED)} ORDER BY order_id"
    )
    return query.sql(folder, asked).to_pylist()


def _probes(folder: Path, where: str, learns: bool) -> list[dict[str, Any]]:
    """Return what each probe said; none where they were off. learns: fast weights make synapses."""
    if "probes" not in streams_in(folder):
        return []
    rows = query.sql(folder, f"SELECT score, available, fired, synapse FROM probes WHERE {where} LIMIT 1").to_pylist()
    return [_probe(rows[0], probe, learns) for probe in Probe] if rows else []


def _probe(row: dict[str, Any], probe: Probe, learns: bool) -> dict[str, Any]:
    known = bool(row["available"][probe])
    return {
        "name": probe.name.lower(),
        "score": row["score"][probe] if known else None,
        "available": known,
        "fired": bool(row["fired"][probe]),
        "synapse": row["synapse"][probe] if learns else None,
    }
