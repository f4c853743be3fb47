"""P5a in nautilus_trader: its live data, risk and execution engines on one asyncio loop, queues empty.

A quote is handed to the data engine, then the loop runs until every queue is empty again. The time from the
hand-over to the execution client's submit_order is one sample, for the quotes that make an order.
"""

import asyncio
import time
from typing import Any

import nautilus_trader
import numpy as np
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus, init_logging
from nautilus_trader.common.enums import LogLevel
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.live.config import LiveRiskEngineConfig
from nautilus_trader.live.data_engine import LiveDataEngine
from nautilus_trader.live.execution_engine import LiveExecutionEngine
from nautilus_trader.live.risk_engine import LiveRiskEngine
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, LiquiditySide, OmsType, OrderSide
from nautilus_trader.model.identifiers import AccountId, ClientId, TradeId, TraderId, VenueOrderId
from nautilus_trader.model.objects import AccountBalance, Money
from nautilus_trader.portfolio.portfolio import Portfolio

from bench.peers.nautilus_quotes import INSTRUMENT_ID, TICK, VENUE, instrument, ticks_from
from bench.peers.nautilus_strategy import EmaAlwaysIn
from bench.peers.serve import Run, serve

TRADER = TraderId("BENCH-001")
RATE = "10000000/00:00:01"


class Broker(ExecutionClient):  # type: ignore[misc, unused-ignore]
    """Note when an order arrives; then fill it at the touch, outside the measured span."""

    def __init__(self, msgbus: MessageBus, cache: Cache, clock: LiveClock) -> None:
        super().__init__(
            client_id=ClientId("SIM"), venue=VENUE, oms_type=OmsType.NETTING, account_type=AccountType.MARGIN,
            base_currency=USD, msgbus=msgbus, cache=cache, clock=clock,
        )  # fmt: skip
        self._set_account_id(AccountId("SIM-001"))
        self.arrived_ns = 0
        self.order: Any = None
        self.filled = 0

    def submit_order(self, command: Any) -> None:
        """Note the time of arrival."""
        self.arrived_ns = time.perf_counter_ns()
        self.order = command.order

    def fill(self, tick: QuoteTick) -> None:
        """Report the last order accepted and filled."""
        order, now = self.order, self._clock.timestamp_ns()
        self.filled += 1
        where = (order.strategy_id, order.instrument_id, order.client_order_id)
        self.generate_order_submitted(*where, now)
        self.generate_order_accepted(*where, VenueOrderId(str(self.filled)), now)
        price = tick.ask_price if order.side == OrderSide.BUY else tick.bid_price
        self.generate_order_filled(
            *where, VenueOrderId(str(self.filled)), None, TradeId(str(self.filled)), order.side, order.order_type,
            order.quantity, price, USD, Money(0.01, USD), LiquiditySide.TAKER, now,
        )  # fmt: skip
        self.order = None


class Node:
    """The live engines, wired by hand as the trading node wires them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        clock, cache = LiveClock(), Cache()
        bus = MessageBus(TRADER, clock)
        portfolio = Portfolio(bus, cache, clock)
        limits = LiveRiskEngineConfig(max_order_submit_rate=RATE, max_order_modify_rate=RATE)
        self.data = LiveDataEngine(loop, bus, cache, clock)
        self.execution = LiveExecutionEngine(loop, bus, cache, clock)
        self.risk = LiveRiskEngine(loop, portfolio, bus, cache, clock, limits)
        cache.add_instrument(instrument())
        self.broker = Broker(bus, cache, clock)
        self.execution.register_client(self.broker)
        self.strategy = EmaAlwaysIn(INSTRUMENT_ID, TICK.raw)
        self.strategy.register(TRADER, portfolio, bus, cache, clock)
        self._fund(clock.timestamp_ns())

    def _fund(self, now: int) -> None:
        cash = Money(10_000_000, USD)
        balance = AccountBalance(cash, Money(0, USD), cash)
        self.broker.generate_account_state([balance], [], True, now)

    def engines(self) -> tuple[Any, ...]:
        """Return what has queues."""
        return self.data, self.risk, self.execution

    def idle(self) -> bool:
        """True when no queue holds anything."""
        commands = self.risk.cmd_qsize() + self.execution.cmd_qsize()
        events = self.risk.evt_qsize() + self.execution.evt_qsize()
        return bool(self.data.data_qsize() + commands + events == 0)


async def _drain(node: Node) -> None:
    await asyncio.sleep(0)
    while not node.idle():
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _measure(ticks: list[QuoteTick]) -> list[int]:
    node = Node(asyncio.get_running_loop())
    for engine in node.engines():
        engine.start()
    node.strategy.start()
    await _drain(node)
    samples = []
    for tick in ticks:
        started = time.perf_counter_ns()
        node.data.process(tick)
        await _drain(node)
        if node.broker.order is not None:
            samples.append(node.broker.arrived_ns - started)
            node.broker.fill(tick)
            await _drain(node)
    for engine in node.engines():
        engine.stop()
    await asyncio.sleep(0)
    return samples


def percentiles_us(samples_ns: list[int]) -> dict[str, float]:
    """Return p50, p99 and p99.9 in microseconds."""
    points = np.percentile(np.array(samples_ns), (50, 99, 99.9)) / 1_000
    return {"p50_us": round(points[0], 2), "p99_us": round(points[1], 2), "p999_us": round(points[2], 2)}


def _load(path: str) -> Run:
    ticks = ticks_from(dict(np.load(path)))

    def run() -> dict[str, Any]:
        started = time.perf_counter()
        samples = asyncio.run(_measure(ticks))
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "events": len(ticks), "orders": len(samples), **percentiles_us(samples)}

    return run


if __name__ == "__main__":
    guard = init_logging(level_stdout=LogLevel.ERROR, bypass=True)
    serve(_load, nautilus_trader.__version__)
