"""The commands with a kubectl that answers from a file: what they ask, print and leave with."""

import json

import pytest

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.kubectl import evidence
from alphatrade_operator.kubectl.main import call
from unit.operator.kubectl.cluster_objects import condition, obeyed, other, pod, strategy

TRADING = other("Namespace", "dev", labels={"alphatrade.io/trading": "true"})
DEPLOYMENT = other("Deployment", "alphatrade-operator", namespace="alphatrade-system")


def _run(capsys, *words):
    code = call(words)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_status_is_a_table_of_the_namespace(world, capsys):
    world.hold(
        strategies=[
            strategy("b", ready=condition("False", "StageTooLow", "was never promoted")),
            strategy("a", ready=condition(), phase="Trading", pace="Realtime", pnl="1.5"),
            strategy("c", "elsewhere"),
        ]
    )
    code, out, _ = _run(capsys, "status", "-n", "dev")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][:3] == ["NAME", "MODE", "PHASE"]
    assert [line[0] for line in lines[1:]] == ["a", "b"]
    assert "StageTooLow: was never promoted" in out
    assert "\x1b" not in out


def test_a_narrow_terminal_cuts_no_name_and_no_phase(world, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    latched = {"by": "Halt by KillSwitch dev/halt-all-because-it-looks-odd", "reason": "it looks odd"}
    ready = condition("False", "Latched", f"{latched['by']}: nothing resumes it in this version; delete it")
    world.hold(
        strategies=[strategy("paper-trend", ready=ready, phase="Latched", pace="Simulated 20x", latched=latched)]
    )
    _, out, _ = _run(capsys, "status")
    assert out.splitlines()[1].split()[:3] == ["paper-trend", "Paper", "Latched"]
    assert "nothing resumes it in this version; delete it" in out.splitlines()[1]


def test_status_of_all_namespaces_names_them_and_the_kill_switches(world, capsys):
    switch = {**other("KillSwitch", "halt"), "spec": {"mode": "Halt", "reason": "drill"}}
    world.hold(strategies=[strategy("c", "elsewhere")], killswitches=[switch])
    _, out, _ = _run(capsys, "status", "-A")
    assert out.splitlines()[0].split()[0] == "NAMESPACE"
    assert "KillSwitch dev/halt: Halt, the operator has not reported yet (drill)" in out


def test_an_empty_namespace_says_what_to_do(world, capsys):
    assert "kubectl apply -k examples/dev" in _run(capsys, "status")[1]


def test_flags_of_the_cluster_go_to_kubectl(world, capsys):
    assert _run(capsys, "status", "--context", "other")[0] == 0
    assert world.calls[0][:3] == ["--context", "other", "get"]


def test_halt_applies_waits_and_says_who_has_obeyed(world, capsys):
    world.hold(
        strategies=[strategy("trend", killSwitches=[obeyed("halt-strategy-trend")])],
        answers={"observedGeneration": 1, "matched": 1, "acknowledged": 1},
    )
    code, out, err = _run(capsys, "halt", "trend", "--reason", "looks odd")
    assert code == 0, err
    assert "KillSwitch dev/halt-strategy-trend: killswitch.alphatrade.io/halt-strategy-trend created" in out
    assert "acknowledged: dev/trend (7 ms)" in out
    (applied,) = world.objects["killswitches.alphatrade.io"]
    assert applied["spec"]["selector"] == {"matchLabels": {"alphatrade.io/metadata.name": "trend"}}
    assert applied["spec"]["reason"] == "looks odd"


def test_halt_ends_with_1_when_somebody_is_silent(world, capsys):
    world.hold(answers={"observedGeneration": 1, "matched": 2, "acknowledged": 1, "silent": ["dev/mute"]})
    code, out, err = _run(capsys, "halt", "--all", "--reason", "drill", "--timeout", "0")
    assert code == 1
    assert "NOT acknowledged: dev/mute" in out
    assert "1 of 2 acknowledged" in err


def test_halt_of_the_cluster_goes_to_the_operators_namespace(world, capsys):
    world.hold(deployments=[DEPLOYMENT], answers={"observedGeneration": 1, "matched": 0, "acknowledged": 0})
    assert _run(capsys, "halt", "--cluster", "--reason", "drill")[0] == 0
    (applied,) = world.objects["killswitches.alphatrade.io"]
    assert applied["metadata"]["namespace"] == "alphatrade-system"
    assert applied["spec"]["scope"] == "Cluster"


def test_a_dry_run_prints_what_would_be_applied_and_applies_nothing(world, capsys):
    code, out, _ = _run(capsys, "halt", "--all", "--mode", "Flatten", "--reason", "drill", "--dry-run")
    assert code == 0
    assert json.loads(out)["spec"]["mode"] == "Flatten"
    assert not any("apply" in words for words in world.calls)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("halt", "--reason", "x"), "one of NAME, --all, --cluster"),
        (("halt", "trend", "--all", "--reason", "x"), "one of NAME, --all, --cluster"),
        (("halt", "--all"), "--reason is missing"),
        (("halt", "--all", "--reason", "x", "--mode", "Stop"), "Reduce, Halt, Flatten"),
        (("halt", "--all", "--reason", "x", "--slippage-bps", "5"), "only for --mode Flatten"),
        (("halt", "trent", "--reason", "x"), "did you mean trend?"),
        (("halt", "--cluster", "--reason", "x"), "no operator is installed here"),
        (("why", "trent"), "did you mean trend?"),
        (("why", "pod/x"), "KIND/NAME"),
        (("status", "-A", "-n", "x"), "give one of them"),
        (("status", "--nothing"), "kubectl alphatrade --help"),
    ],
)
def test_bad_input_is_one_line_with_the_fix_and_changes_nothing(world, capsys, words, text):
    world.hold(strategies=[strategy("trend")])
    code, out, err = _run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert text in err
    assert not any("apply" in call_ for call_ in world.calls)


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ('error: the server doesn\'t have a resource type "strategies"', "install the chart alphatrade-crds"),
        ("The connection to the server was refused: connection refused", "current-context"),
        ('Error from server (Forbidden): strategies is forbidden: User "x"', "ask for the right"),
    ],
)
def test_what_kubectl_refuses_comes_with_a_fix(world, capsys, said, fix):
    world.hold(refused=said)
    code, _, err = _run(capsys, "status")
    assert code == 2
    assert fix in err


def test_without_kubectl(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _run(capsys, "status")[2] == "error: kubectl is not on the PATH; install it\n"


def test_why_follows_the_references(world, capsys):
    feed = other("MarketDataFeed", "market", ready=condition("False", "TapeDamaged", "row 7 is torn; import it again"))
    world.hold(
        strategies=[strategy("trend", ready=condition("False", "WaitsForGateway", "it waits"))],
        marketdatafeeds=[feed],
        brokerconnections=[other("BrokerConnection", "paper", ready=condition())],
        risktemplates=[other("RiskTemplate", "law", ready=condition())],
        namespace=[TRADING],
        pods=[pod("alphatrade-operator-0", "alphatrade-system")],
    )
    code, out, err = _run(capsys, "why", "trend", "-n", "dev")
    assert (code, err) == (0, "")
    assert "  BrokerConnection/paper: Ready=True" in out
    assert out.splitlines()[-2:] == [
        "why: Strategy/trend waits, because MarketDataFeed/market is not ready: TapeDamaged: row 7 is torn",
        "fix: import it again",
    ]


@pytest.mark.parametrize("on", [True, False])
def test_why_looks_at_the_budget_of_what_explores(world, capsys, on):
    spec = {"explorationBudgetRef": {"name": "small"}, "featureFlags": {"exploration": on}}
    world.hold(
        strategies=[strategy("trend", ready=condition("False", "ReferenceNotFound", "no budget"), spec=spec)],
        namespace=[TRADING],
        pods=[pod("alphatrade-operator-0", "alphatrade-system")],
    )
    assert ("ExplorationBudget/small: not there" in _run(capsys, "why", "trend", "-n", "dev")[1]) == on


def test_why_takes_any_kind(world, capsys):
    world.hold(
        brokerconnections=[
            other("BrokerConnection", "paper", ready=condition(), spec={"riskTemplateRef": {"name": "law"}})
        ],
        namespace=[TRADING],
    )
    out = _run(capsys, "why", "bc/paper")[1]
    assert "RiskTemplate/law: not there" in out
    assert "why: BrokerConnection/paper is ready" in out


def test_the_short_names_are_those_of_the_definitions():
    assert {kind.definition.short: kind.definition.plural for kind in KINDS} == evidence.SHORT


def test_help_teaches_by_examples(capsys):
    for words in ((), ("status", "--help"), ("halt", "--help"), ("why", "--help")):
        code, out, _ = _run(capsys, *words)
        assert code == 0
        assert "Examples:" in out
