"""Resolve an order back to what was believed, probed and chosen, by ids in storage."""

from pathlib import Path
from typing import Any

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary import query
from alphatrade_runtime.reflection.diary.dictionary import read_run
from alphatrade_runtime.reflection.diary.segments import streams_in
from alphatrade_runtime.reflection.probes.state import Probe
from alphatrade_runtime.reflection.why import why

# An order is attributed when the decision that sent it has a belief, a route, and at least three probes available.
ATTRIBUTED = """
WITH sent AS (
    SELECT order_id, decision_id, instrument, qty * "limit" AS notional FROM decisions WHERE kind = 1 AND action = 1
), linked AS (
    SELECT sent.*, r.decision_id IS NOT NULL AND b.belief_id IS NOT NULL AND p.decision_id IS NOT NULL
        AND list_sum(p.available) >= 3 AS attributed
    FROM sent
    LEFT JOIN routes r ON r.decision_id = sent.decision_id AND r.instrument = sent.instrument
    LEFT JOIN belief_snapshots b ON b.belief_id = r.belief_id AND b.instrument = sent.instrument
    LEFT JOIN probes p ON p.decision_id = sent.decision_id AND p.instrument = sent.instrument
)
SELECT count(*) AS orders, count(*) FILTER (attributed) AS attributed,
    sum(notional)::DOUBLE AS notional, coalesce(sum(notional) FILTER (attributed), 0)::DOUBLE AS attributed_notional
FROM linked
"""


def attribution(folder: Path) -> dict[str, float]:
    """Return orders and notional of a run, and how much of both is attributed. Raises InputError without probes."""
    _need(folder, "probes")
    (row,) = query.sql(folder, ATTRIBUTED).to_pylist()
    return {name: float(value or 0) for name, value in row.items()}


def explain_row(folder: Path, seq: int) -> dict[str, Any]:
    """Return why, the orders and the probes of the last choice at or before a tape row. Raises InputError."""
    _need(folder, "routes")
    found = query.sql(folder, f"SELECT * FROM routes WHERE seq <= {int(seq)} ORDER BY seq DESC LIMIT 1").to_pylist()
    if not found:
        raise InputError(f"{folder}: nothing was chosen up to row {seq}; give a later one")
    (route,) = found
    genotype = read_run(folder)["session"]["policy"]["genotype"]
    genes, features = genotype["policies"], (genotype["belief"] or {}).get("features", ())
    where = f"WHERE decision_id = {route['decision_id']} AND instrument = {route['instrument']}"
    probes = query.sql(folder, f"SELECT * FROM probes {where} LIMIT 1").to_pylist() if _has(folder, "probes") else []
    return {
        "why": why(route, [gene["name"] for gene in genes], [gene["regimes"] for gene in genes], features),
        "orders": _plain(query.sql(folder, f"SELECT * FROM orders {where}").to_pylist()),
        "probes": _named(probes[0]) if probes else [],
    }


def _named(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": probe.name.lower(),
            "score": row["score"][probe],
            "available": bool(row["available"][probe]),
            "fired": bool(row["fired"][probe]),
            "synapse": row["synapse"][probe],
        }
        for probe in Probe
    ]


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value if isinstance(value, int) else str(value) for name, value in row.items()} for row in rows]


def _has(folder: Path, stream: str) -> bool:
    return stream in streams_in(folder)


def _need(folder: Path, stream: str) -> None:
    if not _has(folder, stream):
        raise InputError(f"{folder}: the run has no {stream}; its strategy has that part of the genotype off")
