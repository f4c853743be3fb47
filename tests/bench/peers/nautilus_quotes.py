"""P1 in nautilus_trader: the backtest engine, quote ticks, market orders, a fixed fee an order, no latency model."""

from typing import Any

import nautilus_trader
import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FixedFeeModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity

from bench.peers.nautilus_strategy import EmaAlwaysIn
from bench.peers.serve import Run, serve, timed

VENUE = Venue("SIM")
INSTRUMENT_ID = InstrumentId(Symbol("TAPE"), VENUE)
TICK = Price.from_str("0.01")
START_CASH = 10_000_000


def instrument() -> Equity:
    """Describe the tape's instrument: tick 0.01, lot 1."""
    return Equity(
        instrument_id=INSTRUMENT_ID, raw_symbol=Symbol("TAPE"), currency=USD, price_precision=2,
        price_increment=TICK, lot_size=Quantity.from_int(1), ts_event=0, ts_init=0,
    )  # fmt: skip


def ticks_from(tape: dict[str, Any]) -> list[QuoteTick]:
    """Make the engine's own tick objects; outside the timed span."""
    lot = Quantity.from_int(1).raw
    columns = (tape[name].tolist() for name in ("bid", "ask", "bid_size", "ask_size", "ts_ns"))
    return [
        QuoteTick.from_raw(INSTRUMENT_ID, b * TICK.raw, a * TICK.raw, 2, 2, bs * lot, as_ * lot, 0, 0, ts, ts)
        for b, a, bs, as_, ts in zip(*columns, strict=True)
    ]


def engine_with(ticks: list[QuoteTick]) -> tuple[BacktestEngine, EmaAlwaysIn]:
    """Build an engine with its data loaded. Its risk engine is off: it has no law to keep."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True), run_analysis=False
        )
    )
    engine.add_venue(
        venue=VENUE, oms_type=OmsType.NETTING, account_type=AccountType.MARGIN, base_currency=USD,
        starting_balances=[Money(START_CASH, USD)], fee_model=FixedFeeModel(Money(0.01, USD)),
    )  # fmt: skip
    engine.add_instrument(instrument())
    strategy = EmaAlwaysIn(INSTRUMENT_ID, TICK.raw)
    engine.add_strategy(strategy)
    engine.add_data(ticks, sort=False)
    return engine, strategy


def _net(engine: BacktestEngine, mid: float) -> tuple[float, int]:
    """Return (net, position): balance gained so far, and the open position at the last mid."""
    net = float(engine.cache.account_for_venue(VENUE).balance_total(USD)) - START_CASH
    held = 0
    for position in engine.cache.positions_open():
        held += int(position.signed_qty)
        net += position.signed_qty * (mid - position.avg_px_open)
    return net, held


def _load(path: str) -> Run:
    tape = dict(np.load(path))
    ticks = ticks_from(tape)
    mid = (int(tape["bid"][-1]) + int(tape["ask"][-1])) * 0.5 / 100

    def run() -> dict[str, Any]:
        engine, strategy = engine_with(ticks)
        seconds, _ = timed(engine.run)
        net, held = _net(engine, mid)
        engine.dispose()
        return {"seconds": seconds, "net": net, "orders": strategy.orders, "events": len(ticks), "position": held}

    return run


if __name__ == "__main__":
    serve(_load, nautilus_trader.__version__)
