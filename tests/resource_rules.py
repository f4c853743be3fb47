"""Every rule of the resource definitions with a document that it lets pass and one that it refuses.

The unit tests hold the models to this table, the API tests a real API server: both must agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from resource_documents import ABSENT, A

Changes = dict[str, Any]
ZEROS = "0" * 64


@dataclass(frozen=True)
class Case:
    """A rule by kind, place and message; changes that make its document pass, and fail.

    before: for rules about a change, what the object was made with; the models know nothing of these.
    at: field that the API server names; of a status when it begins with `status`.
    """

    kind: str
    at: str
    message: str
    refused: Changes
    accepted: Changes = field(default_factory=dict)
    before: Changes | None = None
    name: str | None = None
    refused_name: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}.{self.at}: {self.message[:40]}"


def _between(kind: str, at: str, low: str, high: str, below: str | None, above: str) -> Iterator[Case]:
    """Say that a duration or decimal lies in a range, ends included; the path in the document has indices."""
    text = f"write {low} to {high}"
    for value in (below, above) if below else (above,):
        yield Case(kind, at, text, {at: value}, {at: low if value is below else high})


def _decimal(kind: str, at: str, text: str, refused: tuple[str, ...], accepted: tuple[str, ...]) -> Iterator[Case]:
    for value, good in zip(refused, accepted, strict=True):
        yield Case(kind, at, text, {at: value}, {at: good})


def _policies(count: int) -> list[Changes]:
    """Return a list of policies that differ by name."""
    rest = {"signal": {"ref": "ema_cross"}, "executionTopology": {"type": "Market"}}
    return [{"name": f"policy-{number}", **rest} for number in range(count)]


_GENOTYPE = "spec.genotype"
_FAST, _ATTENTION = "spec.featureFlags.fastWeights", "spec.featureFlags.linearAttention"
_DEVIATIONS = 'write standard deviations in quotes, above "0" and up to "1000"'
_COST = 'write bps in quotes from "0" to "1000"'
_POLICY = "spec.genotype.policies.0"
_TOPOLOGY = f"{_POLICY}.executionTopology"
_TWAP = "spec.genotype.policies.1.executionTopology"
_PLUGIN = "spec.plugins.0"
_TOLERATION = "spec.scheduling.tolerations.0"
_INSTRUMENT = "spec.instruments.0"
_LIVE = {"spec.mode": "Live", "spec.runtimeImage": ABSENT}
_PAIRS = "In and NotIn need at least one, Exists and DoesNotExist take none"

STRATEGY = [
    Case(
        "Strategy",
        "spec",
        "featureFlags.exploration: Live does not explore; set it to false",
        _LIVE | {"spec.featureFlags.exploration": True},
        _LIVE,
    ),
    Case(
        "Strategy",
        "spec",
        "featureFlags.autoGovernedFeedback: in Live people decide; set it to false",
        _LIVE | {"spec.featureFlags.autoGovernedFeedback": True},
        {"spec.featureFlags.autoGovernedFeedback": True, "spec.featureFlags.exploration": True},
    ),
    Case(
        "Strategy",
        "spec",
        "runtimeImage: Live needs it by digest; write repository@sha256:...",
        {"spec.mode": "Live"},
        {"spec.mode": "Live", "spec.runtimeImage": f"registry.example/alphatrade@sha256:{A}"},
    ),
    Case(
        "Strategy",
        "spec",
        "genotype.policies: one lists an instrument that is not in spec.instruments; add it there or remove it",
        {f"{_POLICY}.instruments": ["CCC"]},
        {f"{_POLICY}.instruments": ["CCC"], "spec.instruments": []},
    ),
    Case(
        "Strategy",
        "spec",
        "featureFlags.fastWeights: it learns on the belief; add genotype.belief or set it to false",
        {_FAST: True, f"{_GENOTYPE}.belief": ABSENT},
        {_FAST: True},
    ),
    *(
        Case(
            "Strategy",
            "spec",
            "featureFlags.linearAttention: it reads belief and regime; "
            "add genotype.belief and genotype.regime or set it to false",
            {_ATTENTION: True, f"{_POLICY}.regimes": [], f"{_GENOTYPE}.{block}": ABSENT},
            {_ATTENTION: True},
        )
        for block in ("belief", "regime")
    ),
    *(
        Case(
            "Strategy",
            "spec",
            "genotype.policies: linearAttention chooses among 2 to 16; list so many or set the flag to false",
            {_ATTENTION: True, f"{_GENOTYPE}.policies": _policies(refused)},
            {_ATTENTION: True, f"{_GENOTYPE}.policies": _policies(accepted)},
        )
        for refused, accepted in ((1, 2), (17, 16))
    ),
    Case(
        "Strategy",
        _GENOTYPE,
        "policies: one lists regimes although nothing classifies them; add regime or remove them",
        {f"{_GENOTYPE}.regime": ABSENT},
        {f"{_GENOTYPE}.regime": ABSENT, f"{_POLICY}.regimes": []},
    ),
    Case(
        "Strategy",
        f"{_GENOTYPE}.regime",
        "fastHalfLife and slowHalfLife: give both or neither",
        {f"{_GENOTYPE}.regime": {"slowHalfLife": 500}},
        {f"{_GENOTYPE}.regime": {}},
    ),
    Case(
        "Strategy",
        f"{_GENOTYPE}.regime",
        "fastHalfLife is not below slowHalfLife; lower fastHalfLife or raise slowHalfLife",
        {f"{_GENOTYPE}.regime.fastHalfLife": 500},
        {f"{_GENOTYPE}.regime.fastHalfLife": 499},
    ),
    *(
        Case(
            "Strategy",
            f"{_GENOTYPE}.drift.{test}",
            "warn is not below alert; lower warn or raise alert",
            {f"{_GENOTYPE}.drift.{test}.warn": refused},
            {f"{_GENOTYPE}.drift.{test}.warn": accepted},
        )
        for test, refused, accepted in (("pageHinkley", "19.50", "19.4999"), ("cusum", "10", "8.9"))
    ),
    *(
        Case(
            "Strategy",
            f"{_GENOTYPE}.drift.{test}",
            "warn is not below alert; lower warn or raise alert",
            {f"{_GENOTYPE}.drift.{test}": {"warn": refused}},
            {f"{_GENOTYPE}.drift.{test}": {"warn": accepted}},
        )
        for test, refused, accepted in (("pageHinkley", "20", "19"), ("cusum", "10", "9.9"))
    ),
    *_decimal("Strategy", f"{_GENOTYPE}.drift.shock", _DEVIATIONS, ("0", "1000.0001"), ("0.0001", "1000")),
    *_decimal("Strategy", f"{_GENOTYPE}.drift.pageHinkley.delta", _DEVIATIONS, ("0.0",), ("0.25",)),
    *_decimal("Strategy", f"{_GENOTYPE}.drift.pageHinkley.warn", _DEVIATIONS, ("-1",), ("12",)),
    *_decimal("Strategy", f"{_GENOTYPE}.drift.pageHinkley.alert", _DEVIATIONS, ("1001",), ("1000",)),
    *_decimal("Strategy", f"{_GENOTYPE}.drift.cusum.slack", _DEVIATIONS, ("-0.5",), ("0.5",)),
    *_decimal("Strategy", f"{_GENOTYPE}.drift.cusum.warn", _DEVIATIONS, ("0",), ("6",)),
    *_decimal("Strategy", f"{_GENOTYPE}.drift.cusum.alert", _DEVIATIONS, ("2000",), ("10",)),
    *_decimal("Strategy", f"{_GENOTYPE}.router.switchingCostBps", _COST, ("-0.1", "1000.1"), ("0", "1000")),
    Case(
        "Strategy",
        _TOPOLOGY,
        "params.timeout: only for PassiveQuote and Pegged; remove it",
        {f"{_TOPOLOGY}.type": "Twap"},
    ),
    Case(
        "Strategy", _TOPOLOGY, "params.offsetTicks: only for Pegged; remove it", {f"{_TOPOLOGY}.type": "PassiveQuote"}
    ),
    Case("Strategy", _TOPOLOGY, "params.repeg: only for Pegged; remove it", {f"{_TOPOLOGY}.type": "Market"}),
    Case("Strategy", _TWAP, "params.duration: only for Twap; remove it", {f"{_TWAP}.type": "Market"}),
    Case("Strategy", _TWAP, "params.slices: only for Twap; remove it", {f"{_TWAP}.type": "Pegged"}),
    *_between("Strategy", f"{_TOPOLOGY}.params.timeout", "0s", "24h", None, "24h1ns"),
    *_between("Strategy", f"{_TOPOLOGY}.params.repeg", "100ms", "1m", "99ms", "60001ms"),
    *_between("Strategy", f"{_TWAP}.params.duration", "1ms", "24h", "999us", "25h"),
    Case("Strategy", _PLUGIN, "give exactly one of configMapRef, image", {f"{_PLUGIN}.image": f"r/x@sha256:{A}"}),
    Case("Strategy", _PLUGIN, "give exactly one of configMapRef, image", {f"{_PLUGIN}.configMapRef": ABSENT}),
    Case(
        "Strategy",
        _PLUGIN,
        "digest: missing; give what `alphatrade plugin pin` prints",
        {f"{_PLUGIN}.digest": ABSENT},
        {"spec.plugins": []},
    ),
    Case(
        "Strategy",
        "spec.decisionClock",
        "interval: missing; Bar and Timer need one, such as 1m",
        {"spec.decisionClock": {"type": "Timer"}},
        {"spec.decisionClock": {"type": "QuoteChange"}},
    ),
    Case(
        "Strategy",
        "spec.decisionClock",
        "interval: EveryQuote has none; remove it",
        {"spec.decisionClock.type": "EveryQuote"},
        {"spec.decisionClock": {"type": "EveryQuote"}},
    ),
    *_between("Strategy", "spec.decisionClock.interval", "1ms", "744h", "0.5ms", "745h"),
    Case("Strategy", _TOLERATION, "value: Exists takes none; remove it", {f"{_TOLERATION}.operator": "Exists"}),
    Case(
        "Strategy",
        _TOLERATION,
        "key: missing; Equal needs one",
        {f"{_TOLERATION}.key": ABSENT},
        {"spec.scheduling.tolerations": [{"operator": "Exists"}]},
    ),
]

RESOURCES = [
    Case(
        kind,
        "spec.resources",
        f"requests.{name} is above limits.{name}; lower the request or raise the limit",
        {f"spec.resources.requests.{name}": above},
        {f"spec.resources.requests.{name}": equal},
    )
    for kind in ("Strategy", "Replay")
    for name, equal, above in (("cpu", "1000m", "1001m"), ("memory", "1024Mi", "1025Mi"))
]


def _ordered(at: str, low: str, high: str, equal: int, above: int) -> Case:
    text = f"{low} is above {high}; lower {low} or raise {high}"
    return Case("RiskTemplate", at, text, {f"{at}.{low}": above}, {f"{at}.{low}": equal})


RISK = [
    _ordered("spec.limits", "bandMarketableBps", "bandLimitBps", 50, 51),
    _ordered("spec.limits", "maxOrdersPerSecond", "maxOrdersPerMinute", 1_200, 1_201),
    _ordered("spec.limits", "maxTurnoverMinuteBps", "maxTurnoverHourBps", 100_000, 100_001),
    *_between("RiskTemplate", "spec.limits.streamStale", "1ms", "744h", "1us", "745h"),
    Case(
        "RiskTemplate",
        "spec.drawdown",
        "dayBps: given although enabled is false; remove one of them",
        {"spec.drawdown": {"enabled": False, "dayBps": 1}},
        {"spec.drawdown": {"enabled": False}},
    ),
    Case(
        "RiskTemplate",
        "spec.drawdown",
        "maxBps: given although enabled is false; remove one of them",
        {"spec.drawdown": {"enabled": False, "maxBps": 9_000}},
        {"spec.drawdown": {"enabled": False}},
    ),
    *(
        Case(
            "RiskTemplate",
            "spec.drawdown",
            "dayBps (default 500) is not below maxBps (default 1500); lower dayBps or raise maxBps",
            {"spec.drawdown": refused},
            {"spec.drawdown": accepted},
        )
        for refused, accepted in (
            ({"dayBps": 1_500}, {"dayBps": 1_499}),
            ({"maxBps": 500}, {"maxBps": 501}),
            ({"dayBps": 7, "maxBps": 7}, {"dayBps": 6, "maxBps": 7}),
        )
    ),
    _ordered(_INSTRUMENT, "minOrderLots", "maxOrderLots", 10, 11),
    Case(
        "RiskTemplate",
        _INSTRUMENT,
        "maxOrderLots is above twice maxPositionLots; lower maxOrderLots or raise maxPositionLots",
        {f"{_INSTRUMENT}.maxOrderLots": 201},
        {f"{_INSTRUMENT}.maxOrderLots": 200},
    ),
    *_between("RiskTemplate", f"{_INSTRUMENT}.maxQuoteAge", "1ms", "744h", "999us", "744h1ns"),
    *_between("RiskTemplate", "spec.killSwitch.maxStaleness", "100ms", "1h", "99ms", "61m"),
    *_between("ExplorationBudget", "spec.permitTTL", "1s", "10m", "999ms", "601s"),
]

_REQUIREMENT = "spec.selector.matchExpressions.0"

KILL = [
    Case(
        "KillSwitch",
        "spec",
        "reason: missing; an engaged kill switch says why in a sentence",
        {"spec.reason": ABSENT},
        {"spec.reason": ABSENT, "spec.mode": "Armed"},
    ),
    Case("KillSwitch", _REQUIREMENT, f"values: {_PAIRS}", {f"{_REQUIREMENT}.values": []}),
    Case("KillSwitch", _REQUIREMENT, f"values: {_PAIRS}", {f"{_REQUIREMENT}.operator": "Exists"}),
    Case("Reflection", _REQUIREMENT, f"values: {_PAIRS}", {f"{_REQUIREMENT}.values": ["a"]}),
]

PARTS: dict[str, Changes] = {
    "WeightAdjust": {"policy": "trend", "deltaBps": 100},
    "StrategyFlag": {"flag": "Exploration", "value": False},
    "ParamAdjust": {"policy": "trend", "param": "fast", "value": "21"},
    "ThresholdAdjust": {"limit": "limits.maxNotionalBps", "value": 300},
    "Experiment": {"candidateHash": A, "shareBps": 100},
    "Promote": {"policyHash": A, "toStage": "Pilot"},
    "Demote": {"policyHash": A, "toStage": "Experiment"},
    "LimitedLive": {"policyHash": A, "maxNotionalBps": 50, "duration": "24h"},
    "LoosenRisk": {
        "riskTemplateRef": {"name": "law"},
        "limits": [{"limit": "limits.maxNotionalBps", "effective": 500, "wanted": 600}],
    },
    "Rearm": {"target": "Account", "latchedBy": "KillSwitch/halt-all"},
    "Rollback": {"toPolicyHash": A},
}


def _part_cases(type_: str) -> Iterator[Case]:
    name = type_[0].lower() + type_[1:]
    whole = {"spec.change": {"type": type_, name: PARTS[type_]}}
    text = f"{name}: give it for {type_} only"
    yield Case("GovernanceProposal", "spec.change", text, {"spec.change": {"type": type_}}, whole)
    other = "Rearm" if type_ == "Rollback" else "Rollback"
    others = {"type": other, other.lower(): PARTS[other], name: PARTS[type_]}
    yield Case("GovernanceProposal", "spec.change", text, {"spec.change": others}, whole)


_UNTRACED = "trace: missing; a proposal of Reflection or Evolution says what it was made from"
_LIMITED = {"spec.change": {"type": "LimitedLive", "limitedLive": PARTS["LimitedLive"]}}
_DURATION = "spec.change.limitedLive.duration"

GOVERNANCE = [
    Case(
        "GovernanceProposal",
        "spec",
        _UNTRACED,
        {"spec.trace": ABSENT, "spec.source": "Reflection"},
        {"spec.trace": ABSENT},
    ),
    *(case for type_ in PARTS for case in _part_cases(type_)),
    Case(
        "GovernanceProposal",
        _DURATION,
        "write 1m to 720h",
        _LIMITED | {_DURATION: "59s"},
        _LIMITED | {_DURATION: "1m"},
    ),
    *_between("GovernanceProposal", "spec.ttl", "1m", "720h", "59s", "721h"),
    Case(
        "PolicyLedgerEntry",
        "",
        "metadata.name: must be ple- and spec.sequence, such as ple-7",
        {},
        refused_name="ple-8",
    ),
    *(
        Case(
            "PolicyLedgerEntry",
            "",
            "metadata.name: must be ple- and spec.sequence, such as ple-7",
            {},
            {"spec.sequence": 1_000_000},
            name="ple-1000000",
            refused_name=name,
        )
        for name in ("ple-07", "entry-7", "ple-7-a")
    ),
    Case(
        "PolicyLedgerEntry",
        "spec",
        "prevHash: 64 zeros in entry 0, the hash of the entry before in every other",
        {"spec.prevHash": ZEROS},
        {"spec.prevHash": ZEROS, "spec.sequence": 0},
        name="ple-0",
        refused_name="ple-7",
    ),
]

_PARALLELISM = "minParallelism is above parallelism; lower minParallelism or raise parallelism"
_REFS = {"spec.policyRefs": [{"name": "alpha"}]}

WORK = [
    Case("Replay", "spec", "give exactly one of candidates, policyRefs", _REFS, _REFS | {"spec.candidates": ABSENT}),
    Case("Replay", "spec", "give exactly one of candidates, policyRefs", {"spec.candidates": ABSENT}),
    Case("Replay", "spec", _PARALLELISM, {"spec.minParallelism": 3}, {"spec.minParallelism": 2}),
    *_between("Replay", "spec.activeDeadline", "1s", "168h", "999ms", "169h"),
    *_between("Replay", "spec.ttl", "0s", "8784h", None, "8785h"),
    Case(
        "Evolution",
        "spec",
        "elite: must be below population; lower elite or raise population",
        {"spec.elite": 16},
        {"spec.elite": 15},
    ),
    Case(
        "Evolution",
        "spec.constraints",
        "allowedRegimes and deniedRegimes: give at most one of them",
        {"spec.constraints.deniedRegimes": ["BearStorm"]},
        {"spec.constraints.deniedRegimes": ["BearStorm"], "spec.constraints.allowedRegimes": ABSENT},
    ),
    *_between("Reflection", "spec.window", "1m", "744h", "59s", "745h"),
    *_between("Reflection", "spec.deadline", "1s", "168h", "1ms", "169h"),
    Case(
        "Reflection",
        "spec.graphBands.0",
        "min is above max; lower min or raise max",
        {"spec.graphBands.0.min": "9.75", "spec.graphBands.0.max": "9.7"},
        {"spec.graphBands.0.min": "9.75", "spec.graphBands.0.max": "100"},
    ),
]


_SIZE = 'write a decimal above zero in quotes, such as "0.01"'
_RATE = 'write a share of notional from "-0.1" to "0.1"'
_FEE = 'write an amount in quotes from "0" to "1000000"'
_MONEY = 'write an amount above zero in quotes, up to "1000000000"'

VENUES = [
    Case(
        "MarketDataFeed",
        "spec",
        "give exactly one of tape, simulator",
        {"spec.tape": {"path": "tapes/one"}},
        {"spec.tape": {"path": "tapes/one"}, "spec.simulator": ABSENT},
    ),
    Case("MarketDataFeed", "spec", "give exactly one of tape, simulator", {"spec.simulator": ABSENT}),
    *_between("MarketDataFeed", "spec.simulator.duration", "1s", "960000h", "999ms", "960001h"),
    *_decimal("MarketDataFeed", f"{_INSTRUMENT}.tickSize", _SIZE, ("0", "-0.1"), ("0.1", "25")),
    *_decimal("MarketDataFeed", f"{_INSTRUMENT}.lotSize", _SIZE, ("0.000", "-1"), ("0.01", "100")),
    *_decimal("MarketDataFeed", f"{_INSTRUMENT}.multiplier", _SIZE, ("0",), ("50",)),
    *_decimal(
        "MarketDataFeed", f"{_INSTRUMENT}.makerFeeRate", _RATE, ("-0.1000001", "0.1000001"), ("-0.1", "0.1000000")
    ),
    *_decimal("MarketDataFeed", f"{_INSTRUMENT}.takerFeeRate", _RATE, ("0.2", "-1"), ("0.0000001", "0")),
    *_decimal("MarketDataFeed", f"{_INSTRUMENT}.feePerFill", _FEE, ("-0.01", "1000000.01"), ("0", "1000000")),
    *_between("MarketDataFeed", f"{_INSTRUMENT}.maxQuoteAge", "1ms", "744h", "0s", "744h1ns"),
    *_between("MarketDataFeed", "spec.quality.maxSilence", "1ms", "744h", "0s", "1000h"),
    Case(
        "BrokerConnection", "spec", "paper: missing; give it, the only broker of this version", {"spec.paper": ABSENT}
    ),
    Case(
        "BrokerConnection",
        "spec",
        "environment: Sandbox and Live need a venue; a paper exchange is Paper",
        {"spec.environment": "Live"},
    ),
    *_decimal("BrokerConnection", "spec.paper.initialCash", _MONEY, ("0", "1000000000.01"), ("0.01", "1000000000")),
    *_between("BrokerConnection", "spec.paper.orderEntryLatency", "0s", "1m", None, "61s"),
    *_between("BrokerConnection", "spec.paper.responseLatency", "0s", "1m", None, "1m1ns"),
]

STATELESS = [*STRATEGY, *RESOURCES, *RISK, *KILL, *GOVERNANCE, *WORK, *VENUES]

_FIXED = "spec cannot change; make another object"
_REPLAY = "spec cannot change but for suspend and ttl; make another Replay"
_ONLY = {"spec.suspend": False, "spec.ttl": "1h"}
_BY_REFS = {"spec.candidates": ABSENT, "spec.policyRefs": [{"name": "alpha"}]}
_REPLAY_CHANGES: dict[str, Any] = {
    "mode": "Verify",
    "tapes": [{"path": "tapes/two"}],
    "candidates": [{"name": "two", "policy": {"uri": "file:/store/two.json", "sha256": A}}],
    "baseline": {"name": "beta"},
    "seeds": [1, 2, 3],
    "costLevels": ["1x"],
    "shards": 5,
    "minParallelism": 2,
    "parallelism": 3,
    "queueName": "day",
    "resources": {"requests": {"cpu": "1"}},
    "activeDeadline": "3h",
}

CHANGES = [
    *(
        Case("GovernanceProposal", "spec", _FIXED, refused, {"metadata.labels": {"a": "b"}}, before={})
        for refused in (
            {"spec.rationale": "another"},
            {"spec.evidence": ABSENT},
            {"spec.change.weightAdjust.deltaBps": 500},
        )
    ),
    *(
        Case("SignOff", "spec", _FIXED, refused, {"metadata.labels": {"a": "b"}}, before={})
        for refused in ({"spec.decision": "Reject"}, {"spec.comment": ABSENT}, {"spec.user": "carol"})
    ),
    *(
        Case("PolicyLedgerEntry", "spec", _FIXED, refused, {"metadata.annotations": {"a": "b"}}, before={})
        for refused in ({"spec.record": "{}"}, {"spec.strategy": ABSENT}, {"spec.entryHash": A})
    ),
    *(
        Case("Replay", f"spec.{name}", _REPLAY, {f"spec.{name}": value}, _ONLY, before={})
        for name, value in _REPLAY_CHANGES.items()
    ),
    Case("Replay", "spec.policyRefs", _REPLAY, {"spec.policyRefs": [{"name": "x"}]}, _ONLY, _BY_REFS),
    *(
        Case("Replay", "spec", _REPLAY, {f"spec.{name}": ABSENT}, _ONLY, before={})
        for name in ("baseline", "queueName", "resources")
    ),
    Case(
        "BrokerConnection",
        "spec.environment",
        "environment cannot change; make another BrokerConnection for the other environment",
        {"spec.environment": "Live"},
        {"spec.paper.initialCash": "5"},
        before={},
    ),
]


def _condition(type_: str, status: str = "True", reason: str = "SignedOff") -> Changes:
    return {
        "type": type_,
        "status": status,
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
        "reason": reason,
        "message": "two people agree",
    }


APPROVED, DENIED, READY = _condition("Approved"), _condition("Denied"), _condition("Ready")
_STAYS = "conditions: a decided proposal stays decided"

_UNDECIDED: tuple[Changes, ...] = (
    {"status.conditions": [READY]},
    {"status.conditions": []},
    {"status": {"phase": "Expired"}},
    {"status.conditions": [DENIED]},
)

DECISIONS = [
    Case(
        "GovernanceProposal",
        "status",
        "conditions: Approved and Denied are True or absent",
        {"status.conditions": [_condition("Approved", "False")]},
        {"status.conditions": [APPROVED, _condition("Ready", "False")]},
        before={"status": {}},
    ),
    Case(
        "GovernanceProposal",
        "status",
        "conditions: a proposal is Approved or Denied, never both",
        {"status.conditions": [APPROVED, DENIED]},
        {"status.conditions": [DENIED]},
        before={"status": {}},
    ),
    *(
        Case(
            "GovernanceProposal",
            "status",
            _STAYS,
            refused,
            {"status.conditions": [_condition("Approved", reason="Overridden"), READY], "status.phase": "Applied"},
            before={"status.conditions": [APPROVED]},
        )
        for refused in _UNDECIDED
    ),
    Case(
        "GovernanceProposal",
        "",
        "status: a decided proposal stays decided; its status cannot be removed",
        {"status": ABSENT},
        {"status.phase": "Confirmed"},
        before={"status.conditions": [DENIED]},
    ),
]

ALL = [*STATELESS, *CHANGES, *DECISIONS]
