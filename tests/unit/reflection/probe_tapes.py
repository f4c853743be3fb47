"""Market events with something planted in them, and the probes that watch them.

A tape is a structured array of EVENT: a calm simulated market of two instruments, then changed by what is planted.
The probes get events and nothing else; the two returns are computed from the quotes, as the step does.
"""

import numpy as np

from alphatrade_runtime.market.schema import Kind
from alphatrade_runtime.market.simulator import iterate
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.reflection.probes import probe as kernels
from alphatrade_runtime.reflection.probes.state import PROBE_PARAMS_DTYPE, PROBE_STATE_DTYPE, PROBES, prepare, reset
from unit.market_simulator.readings import calm

SECOND = 10**9
MINUTE = 60 * SECOND
SESSION = 6 * MINUTE  # short, so that a tape of three quarters of an hour has a profile
DECIDE_NS = SECOND // 10
USUAL_LOTS = 5_000  # displayed at the best by the simulator
on_quote, on_trade, on_depth, ask = kernels.on_quote, kernels.on_trade, kernels.on_depth, kernels.probe

EVENT = np.dtype(
    [("ts", "i8"), ("kind", "i8"), ("i", "i8"), ("side", "i8"), ("price", "i8"), ("lots", "i8"),
     ("bid", "i8"), ("ask", "i8"), ("bid_size", "i8"), ("ask_size", "i8")]
)  # fmt: skip
QUOTE, TRADE = int(Kind.QUOTE), int(Kind.TRADE)
# What each decision found, and by which event it came.
FOUND = np.dtype([("ts", "i8"), ("score", "f8", (PROBES,)), ("available", "u1", (PROBES,)), ("fired", "u1", (PROBES,))])
# What a step knows of the two instruments: quote, marks, mean absolute returns.
CARRIED = np.dtype([("bid", "i8"), ("ask", "i8"), ("decided", "i8"), *((name, "f8") for name in (
    "mark", "volatility", "other", "other_mark", "other_volatility"))])  # fmt: skip


@entry
def watch(events, c, s, p, session_ns, alone, found):
    """Run the probes of instrument 0 over the events; a decision when its best price changes, or after 100 ms."""
    n = 0
    for k in range(len(events)):
        e = events[k]
        if e.i == 1:
            if e.kind == QUOTE:
                c.other = 0.5 * (e.bid + e.ask)
            continue
        if e.kind == TRADE:
            on_trade(s, e.price, e.lots, e.side, e.ts)
        else:
            on_quote(s, e.bid, e.ask, e.bid_size, e.ask_size, e.ts)
        changed = e.kind == QUOTE and (e.bid != c.bid or e.ask != c.ask)
        if e.kind == QUOTE:
            c.bid = e.bid
            c.ask = e.ask
        if not (changed or e.ts - c.decided >= DECIDE_NS) or c.bid <= 0:
            continue
        c.decided = e.ts
        mid = 0.5 * (c.bid + c.ask)
        market = c.other - c.other_mark if c.other_mark > 0.0 else 0.0
        ret = mid - c.mark if c.mark > 0.0 else 0.0
        c.volatility += 0.0069 * (abs(ret) - c.volatility)
        c.other_volatility += 0.0069 * (abs(market) - c.other_volatility)
        c.mark = mid
        c.other_mark = c.other
        market_ret = np.nan if alone or c.other == 0.0 else market / max(c.other_volatility, 0.05)
        open_ts = e.ts - e.ts % session_ns if session_ns > 0 else 0
        ask(s, p, e.ts, open_ts, 0, ret, c.volatility, market_ret)
        row = found[n]
        row.ts = e.ts
        for j in range(PROBES):
            row.score[j] = s.scores[j]
            row.available[j] = s.available[j]
            row.fired[j] = s.fired[j]
        n += 1
    return n


@entry
def ask_many(s, p, n, ret, volatility, market_ret):
    """Ask n times with the same numbers."""
    for k in range(n):
        ask(s, p, k, 0, 0, ret, volatility, market_ret)


def records(**changes):
    """A fresh state and its parameters."""
    s, p = np.zeros(1, PROBE_STATE_DTYPE).view(np.recarray)[0], np.zeros(1, PROBE_PARAMS_DTYPE).view(np.recarray)[0]
    prepare(p, **changes)
    reset(s)
    return s, p


class Watch:
    """Probes on their way through a tape; `copy` lets two tapes go on from the same place."""

    def __init__(self, session_ns=SESSION, alone=False, **changes):
        self.s, self.p = records(**changes)
        self.carried = np.zeros(1, CARRIED).view(np.recarray)[0]
        self.session_ns, self.alone = session_ns, alone

    def see(self, events):
        """What the probes find at each decision."""
        found = np.zeros(len(events), FOUND).view(np.recarray)
        n = watch(events.view(np.recarray), self.carried, self.s, self.p, self.session_ns, self.alone, found)
        return found[:n]

    def copy(self):
        """The same state, by its bytes."""
        other = Watch(self.session_ns, self.alone)
        for mine, its in ((self.s, other.s), (self.p, other.p), (self.carried, other.carried)):
            its.base.view(np.ndarray).view(np.uint8)[:] = np.frombuffer(mine.tobytes(), np.uint8)
        return other


def watched(events, session_ns=SESSION, alone=False):
    """What the probes found at each decision of a tape."""
    return Watch(session_ns, alone).see(events)


def calm_market(seed, minutes=45):
    """A calm simulated market of two instruments that move together in part."""
    instruments = [{"symbol": "SIM-A", "trade_share": 0.3}, {"symbol": "SIM-B", "trade_share": 0.3}]
    events = []
    for rows in iterate(calm(seed=seed, duration=f"{minutes}m", instruments=instruments)):
        kept = (rows.kind == QUOTE) | (rows.kind == TRADE)
        part = np.zeros(int(kept.sum()), EVENT)
        for name, column in (("ts", rows.ts_init_ns), ("kind", rows.kind), ("i", rows.instrument), ("side", rows.side),
                             ("price", rows.price), ("lots", rows.size), ("bid", rows.bid), ("ask", rows.ask),
                             ("bid_size", rows.bid_size), ("ask_size", rows.ask_size)):  # fmt: skip
            part[name] = column[kept]
        events.append(part)
    return np.concatenate(events)


def made_tape(n):
    """Quotes and trades drawn without the simulator, forty minutes of them: what plain Python runs through soon."""
    rng = np.random.default_rng(3)
    events = np.zeros(n, EVENT)
    events["ts"] = 1_700_000_000 * SECOND + np.cumsum(rng.integers(1, 5_000_000_000, n))
    events["kind"] = np.where(rng.random(n) < 0.3, TRADE, QUOTE)
    events["i"] = rng.random(n) < 0.1
    events["bid"] = 10_000 + np.cumsum(rng.integers(-1, 2, n))
    events["ask"] = events["bid"] + rng.integers(1, 3, n)
    events["side"] = np.where(rng.random(n) < 0.5, 1, -1)
    events["price"] = np.where(events["side"] > 0, events["ask"], events["bid"])
    for name in ("lots", "bid_size", "ask_size"):
        events[name] = rng.integers(1, 500, n)
    return events


def insert(events, planted):
    """Put rows among the events, in order of time."""
    rows = np.array(planted, EVENT)
    at = np.searchsorted(events["ts"], rows["ts"], side="right")
    return np.insert(events, at, rows)


def quote_at(events, ts):
    """The quote of instrument 0 that holds at a time."""
    mine = events[(events["i"] == 0) & (events["kind"] == QUOTE) & (events["ts"] <= ts)]
    return mine[-1]


def start_of(events, share=0.85):
    """A time late in the tape, at the start of a session."""
    ts = int(events["ts"][0] + share * (events["ts"][-1] - events["ts"][0]))
    return ts - ts % SESSION


def within(events, first, last, kind, instrument=0):
    """Mask of the events of a kind between two times."""
    return (events["ts"] >= first) & (events["ts"] < last) & (events["kind"] == kind) & (events["i"] == instrument)


def plant_opening(events):
    """Trades of the first five minutes of a session are four times as large."""
    events, ts = events.copy(), start_of(events)
    events["lots"][within(events, ts, ts + 5 * MINUTE, TRADE)] *= 4
    return events, ts, ts + 5 * MINUTE


def plant_sweep(events):
    """A buyer takes ten levels in 180 ms, the book moving away before each."""
    ts = start_of(events) + 2 * MINUTE
    q = quote_at(events, ts)
    rows = []
    for k in range(10):
        at, price = ts + k * 20_000_000, int(q["ask"]) + k
        rows.append((at, TRADE, 0, 1, price, int(q["ask_size"]), 0, 0, 0, 0))
        rows.append((at, QUOTE, 0, 0, 0, 0, int(q["bid"]) + k, price + 1, int(q["bid_size"]), int(q["ask_size"])))
    return insert(events, rows), ts, ts + 2 * SECOND


def plant_surge(events):
    """Buyers queue at the bid: for a second it grows by the usual size every 25 ms."""
    ts = start_of(events) + 2 * MINUTE
    q = quote_at(events, ts)
    rows = []
    for k in range(40):
        size = int(q["bid_size"]) + USUAL_LOTS * (k + 1)
        rows.append((ts + k * 25_000_000, QUOTE, 0, 0, 0, 0, int(q["bid"]), int(q["ask"]), size, int(q["ask_size"])))
    events = events[~within(events, ts, ts + SECOND, QUOTE)]
    return insert(events, rows), ts, ts + 2 * SECOND


def plant_gap(events):
    """For 20 s a tenth of the size is displayed."""
    events, ts = events.copy(), start_of(events) + 2 * MINUTE
    mask = within(events, ts, ts + 20 * SECOND, QUOTE)
    for name in ("bid_size", "ask_size"):
        events[name][mask] = np.maximum(events[name][mask] // 10, 1)
    return events, ts, ts + 20 * SECOND


def plant_momentum(events):
    """For 30 s the price of instrument 0 climbs by five ticks a second; the other goes on as before."""
    events, ts = events.copy(), start_of(events) + 2 * MINUTE
    after = (events["ts"] >= ts) & (events["i"] == 0)
    climbed = np.minimum((events["ts"][after] - ts) // (SECOND // 5), 150)
    for name in ("price", "bid", "ask"):
        events[name][after] += climbed
    return events, ts, ts + 30 * SECOND


def plant_toxicity(events):
    """For three minutes every taker buys."""
    events, ts = events.copy(), start_of(events) + 2 * MINUTE
    events["side"][within(events, ts, ts + 3 * MINUTE, TRADE)] = 1
    return events, ts, ts + 3 * MINUTE


PLANTS = (plant_opening, plant_sweep, plant_surge, plant_gap, plant_momentum, plant_toxicity)
