"""Build the state of a run from its session document."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from alphatrade_runtime.adaptation import signals as _builtin  # noqa: F401 (declares the built-in signals)
from alphatrade_runtime.execution.topology import NAMES, resolve_params
from alphatrade_runtime.execution.venue_state import PROBABILISTIC, RISK_AVERSE
from alphatrade_runtime.loop.core import (
    MAX_INSTRUMENTS,
    MAX_POLICIES,
    MAX_SESSIONS,
    MAX_SLOTS,
    Core,
    new_core,
)
from alphatrade_runtime.market.calendar import ALWAYS, Calendar
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Status
from alphatrade_runtime.perception.features import NAMES as FEATURES
from alphatrade_runtime.perception.features import needs
from alphatrade_runtime.plugin.compile import address_of
from alphatrade_runtime.plugin.contract import PluginError, SignalSpec, declared
from alphatrade_runtime.policy.document import Exchange, Flags, InstrumentTerms, Limits, PolicyGene, Session
from alphatrade_runtime.risk.state import LIMITS_DTYPE, RATE_RING

CLOCKS = {"quote_change": 0, "every_quote": 1, "bar": 2, "timer": 3}
QUEUES = {"risk_averse": RISK_AVERSE, "probabilistic": PROBABILISTIC}
QUANTA = 100_000_000
_DEFAULT_INTERVAL_NS = 100_000_000


def build(session: Session, calendar: Calendar | None, *, bar_mode: bool) -> Core:
    """Return the state of a run at its start.

    calendar: sessions and days over the tape's span; None means always open and one endless day.
    Raises InputError naming what in the document cannot run.
    """
    _check_sizes(session)
    core = new_core()
    c = core[0]
    genes = session.policy.genotype.policies
    specs = [signal_of(gene) for gene in genes]
    terms = session.policy.envelope.instruments
    _set_loop(c.loop[0], session, bar_mode, specs)
    _set_venue(c.venue[0], session.exchange, bar_mode)
    set_limits(c.limits[0], session.policy.envelope.limits, bar_mode)
    _set_policies(c, genes, specs)
    _set_instruments(c, terms, session.policy.envelope.limits, genes)
    _set_plans(c, genes, len(terms), bar_mode)
    _set_account(c.account[0], session.policy.initial_cash, c.limits[0])
    _set_calendar(c, calendar)
    c.views["status"][:] = int(Status.TRADING)
    c.exec_seen[:] = -1
    c.free[0] = MAX_SLOTS
    c.free[1:] = np.arange(MAX_SLOTS - 1, -1, -1)
    if understands(session):
        from alphatrade_runtime.loop.mind.build import give_mind  # what is off is not loaded

        give_mind(core, session)
    return core


def understands(session: Session) -> bool:
    """Tell whether a session has any part of the understanding loop on."""
    genes, flags = session.policy.genotype, session.policy.envelope.flags
    blocks = (genes.belief, genes.regime, genes.probes, genes.drift)
    return any(block is not None for block in blocks) or _learns(flags)


def _learns(flags: Flags) -> bool:
    return flags.fast_weights or flags.linear_attention or flags.exploration


def signal_of(gene: PolicyGene) -> SignalSpec:
    """Return the declared signal of a policy. Raises InputError naming the known ones."""
    spec = declared().get(gene.signal.ref)
    if spec is None:
        known = ", ".join(sorted(declared()))
        raise InputError(
            f"policy {gene.name}: unknown signal {gene.signal.ref!r}; known: {known}; give your own file by --plugin"
        )
    for name in spec.features:
        if name not in FEATURES:
            raise InputError(f"signal {spec.name}: unknown feature {name!r}; known: {', '.join(FEATURES)}")
    return spec


def policy_for(symbol: str, genes: Sequence[PolicyGene]) -> int:
    """Return the index of the policy that trades an instrument: the first of the highest weight naming it; -1 none."""
    best, weight = -1, -1
    for j, gene in enumerate(genes):
        if (not gene.instruments or symbol in gene.instruments) and gene.weight_bps > weight:
            best, weight = j, gene.weight_bps
    return best


def instrument_of(terms: InstrumentTerms) -> Instrument:
    """Return the market's view of an instrument's terms."""
    return Instrument(
        terms.symbol,
        terms.tick_size,
        terms.lot_size,
        terms.multiplier,
        terms.maker_fee_e7,
        terms.taker_fee_e7,
        terms.initial_margin_bps,
        terms.max_quote_age_ns,
    )


def _check_sizes(session: Session) -> None:
    counts = (
        ("instruments", len(session.policy.envelope.instruments), MAX_INSTRUMENTS),
        ("policies", len(session.policy.genotype.policies), MAX_POLICIES),
    )
    for name, count, most in counts:
        if count > most:
            raise InputError(f"session.policy: {count} {name}; one strategy holds at most {most}: split it")


def _set_loop(loop: Any, session: Session, bar_mode: bool, specs: Sequence[SignalSpec]) -> None:
    clock = session.policy.genotype.decision_clock
    loop.instruments = len(session.policy.envelope.instruments)
    loop.clock_type = CLOCKS[clock.type]
    loop.clock_interval = clock.interval_ns or _DEFAULT_INTERVAL_NS
    loop.feature_needs = needs(tuple(FEATURES[name] for spec in specs for name in spec.features))
    loop.bar_mode = bar_mode
    loop.funding_on = session.funding_model == "tape"


def _set_venue(venue: Any, exchange: Exchange, bar_mode: bool) -> None:
    venue.queue_model = QUEUES[exchange.queue_model]
    venue.partial_fills = exchange.partial_fills
    venue.entry_latency_ns = exchange.entry_latency_ns
    venue.response_latency_ns = exchange.response_latency_ns
    venue.bar_mode = bar_mode
    venue.next_exec_id = 1


def set_limits(row: Any, limits: Limits, bar_mode: bool) -> None:
    """Write limits into a LIMITS_DTYPE record. Raises InputError."""
    for name in LIMITS_DTYPE.names or ():
        if name != "bar_mode":
            row[name] = getattr(limits, name) or 0  # None switches a drawdown limit off
    row.bar_mode = bar_mode
    if row.max_orders_per_min >= RATE_RING:
        raise InputError(f"limit max_orders_per_min: {row.max_orders_per_min} is above {RATE_RING - 1}; lower it")


def _set_policies(c: Any, genes: Sequence[PolicyGene], specs: Sequence[SignalSpec]) -> None:
    for j, (gene, spec) in enumerate(zip(genes, specs, strict=True)):
        try:
            resolved = spec.resolve(gene.signal.params)
            warmup = spec.warmup_decisions(resolved)
            address = address_of(spec)
        except PluginError as error:
            raise InputError(f"policy {gene.name}: {error}") from error
        row = c.policies[j]
        row.address = address
        row.quoting = spec.form == "quote"
        row.features, row.state, row.params = len(spec.features), spec.state, len(resolved)
        row.warmup = warmup
        row.topology = NAMES[gene.execution_topology.type]
        c.feature_ids[j, : len(spec.features)] = [FEATURES[name] for name in spec.features]
        c.params[j, : len(resolved)] = list(resolved.values())


def _set_instruments(c: Any, all_terms: Sequence[InstrumentTerms], limits: Limits, genes: Sequence[PolicyGene]) -> None:
    for i, terms in enumerate(all_terms):
        row = c.instruments[i]
        row.mult = instrument_of(terms).mult
        row.half_mult = row.mult // 2
        row.maker_fee_e7 = terms.maker_fee_e7
        row.taker_fee_e7 = terms.taker_fee_e7
        row.flat_fee = _quanta(terms.fee_per_fill, f"instrument {terms.symbol}: fee_per_fill")
        row.initial_margin_bps = terms.initial_margin_bps
        row.max_quote_age_ns = terms.max_quote_age_ns
        row.max_position = terms.max_position_lots
        row.max_order = terms.max_order_lots
        row.min_order = terms.min_order_lots
        row.allowed = terms.symbol in limits.symbols
        row.policy = policy_for(terms.symbol, genes)


def _set_plans(c: Any, genes: Sequence[PolicyGene], n: int, bar_mode: bool) -> None:
    for i in range(n):
        plan = c.plans[i]
        plan.bar_mode = bar_mode
        j = c.instruments[i].policy
        if j < 0:
            continue
        topology = NAMES[genes[j].execution_topology.type]
        try:
            plan.params[:] = resolve_params(topology, dict(genes[j].execution_topology.params))
        except ValueError as error:
            raise InputError(f"policy {genes[j].name}: {error}") from error
        plan.topology = topology
        plan.share = math.nan  # no share has become a target yet
        plan.quoting = c.policies[j].quoting


def _quanta(money: Decimal, where: str) -> int:
    quanta = money * QUANTA
    if quanta != int(quanta) or abs(quanta) >= 1 << 60:
        raise InputError(f"{where}: {money} is no whole number of 1e-8 below 2**60; round it")
    return int(quanta)


def _set_account(account: Any, cash: Decimal, limits: Any) -> None:
    quanta = _quanta(cash, "initial_cash")
    account.cash = account.initial_cash = account.nav = quanta
    account.high_water = account.day_start_nav = quanta
    account.next_order_id = 1
    account.session_open = 1
    account.flatten_slippage_bps = limits.max_flatten_slippage_bps
    if limits.max_drawdown_bps > 0:
        account.kill_level = quanta - quanta // 10_000 * limits.max_drawdown_bps
    if limits.day_drawdown_bps > 0:
        account.day_level = quanta - quanta // 10_000 * limits.day_drawdown_bps


def _set_calendar(c: Any, calendar: Calendar | None) -> None:
    if calendar is None:
        return
    days = calendar.day_start_ns
    opens, closes = (days[:0], days[:0]) if calendar.name == ALWAYS else (calendar.open_ns, calendar.close_ns)
    if max(len(days), len(opens)) > MAX_SESSIONS:
        raise InputError(f"calendar {calendar.name}: {len(days)} sessions; one run spans at most {MAX_SESSIONS}")
    c.loop[0].days = len(days)
    c.loop[0].sessions = len(opens)
    c.day_start[: len(days)] = days
    c.session_open[: len(opens)] = opens
    c.session_close[: len(closes)] = closes
