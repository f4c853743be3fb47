"""Run a session on its tape and on every fault, and judge each run."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alphatrade_runtime.cli import redteam_rules as rules
from alphatrade_runtime.cli.redteam_watch import Watched, watch
from alphatrade_runtime.cli.session import Plan
from alphatrade_runtime.loop.build import instrument_of, policy_for
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.window import mapped, remap
from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import FAULTS, InputError
from alphatrade_runtime.market.faults import Severity as Stop
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import ColumnDigest
from alphatrade_runtime.market.redteam import SCENARIOS, Gate, Place, Planted, Scenario, Severity, place_of
from alphatrade_runtime.market.redteam.catalog import FEES_ADDED_E7
from alphatrade_runtime.market.redteam.edit import finished
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.simulator import iterate, parse_config
from alphatrade_runtime.market.simulator.config import to_instrument
from alphatrade_runtime.market.stream_check import StreamCheck
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import Session, TapeFeed, parse_session

LEAST_S = 300.0  # what comes before a fault, the longest fault, what comes after
Case = tuple[Scenario, Severity]


@dataclass(frozen=True)
class Verdict:
    """What became of one scenario at one severity. state: Pass, Fail or Error."""

    scenario: str
    severity: str
    state: str
    why: str
    facts: Mapping[str, Any]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        head = {"scenario": self.scenario, "severity": self.severity, "verdict": self.state, "why": self.why}
        return {**head, **self.facts}


def cases(scenarios: Sequence[str], severities: Sequence[str]) -> list[Case]:
    """Return what is asked for, all when nothing is named. Raises InputError naming what there is."""
    known = {severity.value: severity for severity in Severity}
    for option, given, names in (("--scenario", scenarios, SCENARIOS), ("--severity", severities, known)):
        for name in given:
            if name not in names:
                raise InputError(f"{option} {name}: no such one; choose from {', '.join(names)}")
    picked = [scenario for name, scenario in SCENARIOS.items() if not scenarios or name in scenarios]
    return [(one, level) for one in picked for name, level in known.items() if not severities or name in severities]


def market_of(plan: Plan, duration_s: float) -> Rows:
    """Return the first seconds of a session's own feed, instruments as the session counts them. Raises InputError."""
    rows, listed = _market(plan, int(duration_s * 1e9))
    wanted = [instrument_of(terms) for terms in plan.session.policy.envelope.instruments]
    rows = mapped(rows, remap(listed, wanted, "red team"))
    if not (rows.kind == int(Kind.QUOTE)).any():
        raise InputError("red team: the feed has no quotes; faults are planted into quotes, so bars cannot be used")
    span_s = (int(rows.ts_init_ns[-1]) - int(rows.ts_init_ns[0])) / 1e9
    if span_s < LEAST_S * 0.99:
        raise InputError(f"red team: the feed lasts {span_s:.0f} s; give one of {LEAST_S:.0f} s or more")
    return finished(rows, 0)


def _market(plan: Plan, span_ns: int) -> tuple[Rows, Sequence[Instrument]]:
    feed = plan.session.feed
    if isinstance(feed, TapeFeed):
        with Tape.open(feed.path) as tape:
            return _until(tape.chunks(), span_ns), tape.instruments
    config = parse_config(feed.config, plan.listed)
    if config.bars is None:
        config = replace(config, duration_ns=min(config.duration_ns, span_ns))
    return _until(iterate(config), span_ns), [to_instrument(one) for one in config.instruments]


def _until(chunks: Iterable[Rows], span_ns: int) -> Rows:
    parts: list[Rows] = []
    for chunk in chunks:
        first_ns = int((parts or [chunk])[0].ts_init_ns[0])
        parts.append(Rows._make(column.copy() for column in chunk))
        if int(chunk.ts_init_ns[-1]) - first_ns >= span_ns:
            break
    rows = Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
    return rows.slice(0, int(np.searchsorted(rows.ts_init_ns, rows.ts_init_ns[0] + span_ns)))


class Suite:
    """One session and its market, ready to be tried."""

    def __init__(self, document: Mapping[str, Any], plugin_digests: Mapping[str, str], market: Rows, seed: int) -> None:
        self.document, self.plugin_digests, self.seed = document, plugin_digests, seed
        self.engine = Engine(document, plugin_digests)
        self.session: Session = self.engine.session
        self.market, self.kept, self.base_told = market, *imported(market)
        envelope = self.session.policy.envelope
        genes = self.session.policy.genotype.policies
        self.traded = tuple(i for i, t in enumerate(envelope.instruments) if policy_for(t.symbol, genes) >= 0)
        self.runs: dict[tuple[str, str], Watched] = {}

    def base(self) -> Watched:
        """Return the run on the market as it is."""
        return self._run(self.engine, self.market)

    def judge(self, scenario: Scenario, severity: Severity) -> Verdict:
        """Plant, import, run and judge. What cannot be tried is an Error, with its reason."""
        try:
            facts, run = self._facts(scenario, severity)
        except InputError as error:
            return Verdict(scenario.name, severity.value, "Error", str(error), {"seed": self.seed})
        why = rules.finding(facts)
        figures = {
            "seed": self.seed,
            "gate": scenario.gate.value,
            "start_ns": facts.planted.start_ns,
            "end_ns": facts.planted.end_ns,
            "tape": digest_of(facts.planted.rows),
            **rules.shown(facts),
            "counts": run.counts,
            "kill": run.kill,
            "digests": run.digests,
        }
        return Verdict(scenario.name, severity.value, "Fail" if why else "Pass", why, figures)

    def _facts(self, scenario: Scenario, severity: Severity) -> tuple[rules.Facts, Watched]:
        planted = scenario.plant(self.market, self._place(scenario, severity))
        kept, told = imported(planted.rows)
        more = told - self.base_told
        passed = kept if scenario.gate is Gate.IMPORT else planted.rows
        engine = self._with_fees(FEES_ADDED_E7[severity]) if scenario.fees else self.engine
        run = self._run(engine, passed, planted)
        limits = self.session.policy.envelope.limits
        limit = rules.limit_of(scenario, limits.day_drawdown_bps, limits.max_drawdown_bps)
        same = equal(kept, self.kept)
        return rules.Facts(
            scenario, planted, run, rules.Imported(more[scenario.told], same), self.traded, limit
        ), run  # fmt: skip

    def _place(self, scenario: Scenario, severity: Severity) -> Place:
        envelope = self.session.policy.envelope
        return place_of(
            scenario,
            severity,
            self.seed,
            self.market,
            instruments=self.traded,
            quote_age_ns=max(envelope.instruments[i].max_quote_age_ns for i in self.traded),
            stream_stale_ns=envelope.limits.stream_stale_ns,
            band_bps=envelope.limits.band_marketable_bps,
        )

    def _run(self, engine: Engine, rows: Rows, planted: Planted | None = None) -> Watched:
        """Run rows, or return the run of the same rows under the same session."""
        digest = digest_of(rows)
        moments = planted.moments if planted is not None else ()
        key = (engine.identity.envelope_hash, hashlib.sha256(f"{digest} {moments}".encode()).hexdigest())
        if key not in self.runs:
            self.runs[key] = watch(engine, rows, digest, moments)
        return self.runs[key]

    def _with_fees(self, more_e7: int) -> Engine:
        document = parse_session(self.document)
        envelope = document.policy.envelope
        terms = tuple(
            replace(t, maker_fee_e7=t.maker_fee_e7 + more_e7, taker_fee_e7=t.taker_fee_e7 + more_e7)
            for t in envelope.instruments
        )
        policy = replace(document.policy, envelope=replace(envelope, instruments=terms))
        return Engine(replace(document, policy=policy), self.plugin_digests)


def imported(rows: Rows) -> tuple[Rows, Counter[str]]:
    """Return what an import that goes on after each fault keeps of rows, and how many messages it told of, by fault."""
    stops = frozenset(name for name, fault in FAULTS.items() if fault.severity is Stop.STOP)
    ledger = FaultLedger("red team", "row", stops)
    kept = StreamCheck(ledger).check(rows, np.arange(len(rows.seq), dtype=np.int64))
    return finished(kept, 0), ledger.refused + ledger.noticed


def equal(a: Rows, b: Rows) -> bool:
    """Whether two tapes hold the same market; numbers that only the import reads are left out."""
    names = (name for name in Rows._fields if name != "venue_seq")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def digest_of(rows: Rows) -> str:
    """Return the digest that a tape of these rows has."""
    digest = ColumnDigest()
    digest.update(rows)
    return digest.hexdigest()


def judge_all(suite: Suite, wanted: Sequence[Case], advance: Callable[[int, int], None]) -> list[Verdict]:
    """Judge all cases, one after the other."""
    verdicts = []
    for k, (scenario, severity) in enumerate(wanted):
        verdicts.append(suite.judge(scenario, severity))
        advance(k + 1, len(wanted))
    return verdicts
