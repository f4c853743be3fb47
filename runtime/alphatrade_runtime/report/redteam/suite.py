"""Run a session on its market and on every fault, and judge each run."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alphatrade_runtime.loop.build import policy_for
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.redteam import SCENARIOS, Gate, Place, Planted, Scenario, Severity, place_of
from alphatrade_runtime.market.redteam.catalog import FEES_ADDED_E7
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import Session, parse_session
from alphatrade_runtime.report.redteam import rules
from alphatrade_runtime.report.redteam.market import digest_of, equal, imported
from alphatrade_runtime.report.redteam.watch import Watched, watch

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
            facts = self.facts(scenario, severity)
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
            "counts": facts.run.counts,
            "kill": facts.run.kill,
            "digests": facts.run.digests,
        }
        return Verdict(scenario.name, severity.value, "Fail" if why else "Pass", why, figures)

    def facts(self, scenario: Scenario, severity: Severity) -> rules.Facts:
        """Plant, import and run; return what the verdict depends on. Raises InputError for what cannot be planted."""
        planted = scenario.plant(self.market, self._place(scenario, severity))
        kept, told = imported(planted.rows)
        more = told - self.base_told
        passed = kept if scenario.gate is Gate.IMPORT else planted.rows
        engine = self._with_fees(FEES_ADDED_E7[severity]) if scenario.fees else self.engine
        run = self._run(engine, passed, planted)
        limits = self.session.policy.envelope.limits
        limit = rules.limit_of(scenario, limits.day_drawdown_bps, limits.max_drawdown_bps)
        done = rules.Imported(more[scenario.told], equal(kept, self.kept))
        return rules.Facts(scenario, planted, run, done, self.traded, limit, limits.mark_jump_bps)

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
            mark_jump_bps=envelope.limits.mark_jump_bps,
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


def judge_all(suite: Suite, wanted: Sequence[Case], advance: Callable[[int, int], None]) -> list[Verdict]:
    """Judge all cases, one after the other. advance: called with runs done and all; the first is without a fault."""
    suite.base()
    verdicts: list[Verdict] = []
    for scenario, severity in wanted:
        advance(len(verdicts) + 1, len(wanted) + 1)
        verdicts.append(suite.judge(scenario, severity))
    advance(len(wanted) + 1, len(wanted) + 1)
    return verdicts


def to_mapping(suite: Suite, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return plain values of a whole matrix for JSON: what was run, the run without a fault, every verdict."""
    base, identity = suite.base(), suite.engine.identity
    return {
        "schema": 1,
        "strategy_id": suite.session.policy.strategy_id,
        "policy_hash": identity.policy_hash,
        "envelope_hash": identity.envelope_hash,
        "code_hash": identity.code_hash,
        "seed": suite.seed,
        "base": {
            "tape": digest_of(suite.market),
            "rows": len(suite.market.seq),
            "counts": base.counts,
            "digests": base.digests,
        },
        "totals": {state: sum(v.state == state for v in verdicts) for state in ("Pass", "Fail", "Error")},
        "verdicts": [verdict.to_mapping() for verdict in verdicts],
    }
