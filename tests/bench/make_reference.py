"""Ask every peer for P1's net and P2's fills, check them against the plain answers, write the checked-in JSON.

    PYTHONPATH=tests python -m bench.make_reference [CAPTURE]

Without a capture only the generated one's fills are made anew; the recorded one's stay as they are.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench import engines, make_tape, reference, reference_p2
from bench.measure import CENT
from bench.peers.process import Engine
from bench.pnl import fills_sha256, pnl_quanta
from bench.tapes import CaptureTape, bars_file, capture_tape, columns_sha256, generated_capture, quotes_file

HERE = Path(__file__).parent
P1_FILE, P2_FILE = HERE / "reference.json", HERE / "reference_p2.json"
QUOTES = (100_000, 1_000_000)
MARKETS: tuple[make_tape.Market, ...] = ("trends", "walk")
BARS = 100_000
QUANTA = 100_000_000


class Disagreement(RuntimeError):
    """Two engines gave different answers."""


def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        _write(P1_FILE, _p1(scratch))
        known = json.loads(P2_FILE.read_text())["tapes"] if P2_FILE.exists() else {}
        tapes = [generated_capture(scratch)]
        tapes += [capture_tape(scratch, Path(path), "capture") for path in sys.argv[1:2]]
        _write(P2_FILE, {"every": engines.EVERY, "tapes": {**known, **{tape.name: _p2(tape) for tape in tapes}}})


def _p1(scratch: Path) -> dict[str, Any]:
    quotes = {market: {str(n): _quotes(scratch, n, market) for n in QUOTES} for market in MARKETS}
    path = bars_file(scratch, BARS)
    bars = make_tape.bar_columns(BARS)
    answer = reference.bars_answer(
        bars["open"].tolist(), bars["close"].tolist(), make_tape.MULT_QUANTA, make_tape.FEE_PER_ORDER_QUANTA
    )
    facts = _agreed(answer, engines.bar_peers(path), columns_sha256(bars))
    return {"seed": make_tape.SEED, "quotes": quotes, "bars": {str(BARS): facts}}


def _quotes(scratch: Path, n: int, market: make_tape.Market) -> dict[str, Any]:
    path = quotes_file(scratch, n, market)
    q = make_tape.quote_columns(n, market)
    answer = reference.quotes_answer(
        q["bid"].tolist(), q["ask"].tolist(), make_tape.MULT_QUANTA, make_tape.FEE_PER_ORDER_QUANTA
    )
    peers = [*engines.hftbacktest_quotes(path), engines.nautilus("nautilus_quotes", path)]
    return _agreed(answer, peers, columns_sha256(q))


def _agreed(answer: reference.Answer, peers: list[Engine], digest: str) -> dict[str, Any]:
    """Return the answer and the peers' nets. Raises Disagreement when one is a cent away."""
    nets = {}
    for peer in peers:
        run = _first_run(peer)
        same = abs(run["net"] - answer.net_quanta / QUANTA) < CENT
        if not same or (run["orders"], run["position"]) != (answer.orders, answer.position):
            raise Disagreement(f"{peer.name}: {run}, expected {answer}")
        nets[f"{peer.name} {peer.hello['version']}"] = run["net"]
        print(peer.name, run["net"], run["orders"])
    return {**answer._asdict(), "columns_sha256": digest, "peer_nets": nets}


def _p2(tape: CaptureTape) -> dict[str, Any]:
    columns = dict(np.load(tape.columns))
    strategies = {name: _fills(tape, columns, name, every) for name, every in engines.STRATEGIES.items()}
    return {
        "source_sha256": tape.source_sha256,
        "columns_sha256": columns_sha256(columns),
        "rows": len(columns["kind"]),
        "strategies": strategies,
    }


def _fills(tape: CaptureTape, columns: dict[str, Any], strategy: str, every: int) -> dict[str, Any]:
    expected = reference_p2.fills_of({name: column.tolist() for name, column in columns.items()}, every)
    for peer in engines.hftbacktest_capture(tape.columns, strategy, every):
        run = _first_run(peer)
        if run["fills"] != expected:
            raise Disagreement(f"{tape.name} {strategy}: {peer.name} has other fills")
        print(tape.name, strategy, peer.name, len(expected))
    quotes = columns["kind"] == 1
    pnl = pnl_quanta(expected, int(columns["bid"][quotes][-1]), int(columns["ask"][quotes][-1]))
    if run["late"] == 0 and abs(run["net"] - pnl / QUANTA) >= CENT:
        raise Disagreement(f"{tape.name} {strategy}: {peer.name} made {run['net']}, expected {pnl / QUANTA}")
    return {
        "orders": run["orders"],
        "fills": len(expected),
        "maker_fills": sum(fill[5] for fill in expected),
        "pnl_quanta": pnl,
        "fills_sha256": fills_sha256(expected),
        "peer": f"hftbacktest {peer.hello['version']}",
        "peer_pnl": run["net"],
    }


def _first_run(peer: Engine) -> dict[str, Any]:
    with peer:
        first: dict[str, Any] = peer.hello["first"]
        return first


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
