"""`decommission` and `uninstall` with a kubectl that answers from a file: the order, refusals, going on."""

import hashlib
import io
import json

import pytest

from alphatrade_operator.kubectl.main import call
from alphatrade_operator.kubectl.objects import read_strategy
from alphatrade_operator.kubectl.removal import restless
from alphatrade_runtime.cli.main import call as alphatrade
from unit.operator.kubectl.cluster_objects import chain, condition, other, strategy

MARK = "alphatrade.io/decommissioned"
LABELS = {"alphatrade.io/trading": "true"}
HELM = {"meta.helm.sh/release-name": "alphatrade", "meta.helm.sh/release-namespace": "alphatrade-system"}


def namespace(name="dev", labels=LABELS, **annotations):
    found = other("Namespace", name, namespace="", labels=labels)
    found["metadata"]["annotations"] = annotations
    return found


def in_use(name="market", where="dev"):
    found = other("MarketDataFeed", name, namespace=where)
    found["metadata"]["finalizers"] = ["alphatrade.io/in-use"]
    return found


def desk(world, *strategies, spaces=None, **more):
    """Let one trading namespace be there, with an account, a feed and two ledger entries."""
    spaces = spaces or [namespace()]
    held = {
        "strategies": list(strategies),
        "brokerconnections": [other("BrokerConnection", "paper")],
        "marketdatafeeds": [in_use()],
        "policyledgerentries": chain("Promote", "Halt"),
        **more,
    }
    world.hold(namespace=spaces, namespaces=spaces, **held)


def run(capsys, *words):
    code = call(words)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def decommission(capsys, tmp_path, *words):
    return run(capsys, "decommission", "dev", "--export", str(tmp_path / "dev.jsonl"), *words)


def written(world):
    """Return the calls that change something, without their flags."""
    return [words[:4] for words in world.calls if words[0] in ("delete", "annotate", "apply", "uninstall")]


def marked(world, name="dev"):
    (found,) = [one for one in world.objects["namespace"] if one["metadata"]["name"] == name]
    return found["metadata"]["annotations"].get(MARK)


def test_ledger_first_then_strategies_then_accounts_then_the_mark(world, capsys, tmp_path):
    desk(world, strategy("trend", phase="Suspended"), strategy("away", "elsewhere", phase="Trading"))
    code, out, err = decommission(capsys, tmp_path, "--yes")
    assert (code, err) == (0, "")
    digest = hashlib.sha256((tmp_path / "dev.jsonl").read_bytes()).hexdigest()
    assert written(world) == [
        ["delete", "strategies.alphatrade.io", "trend", "-n"],
        ["delete", "brokerconnections.alphatrade.io", "paper", "-n"],
        ["annotate", "namespace", "dev", f"{MARK}={digest}"],
    ]
    assert out.splitlines()[1:5] == [
        f"  1. its ledger, 2 entries, is verified and written to {tmp_path / 'dev.jsonl'}",
        "  2. its Strategies are deleted; each gets flat before it goes: trend (Suspended)",
        "  3. its BrokerConnections are deleted; working orders are canceled: paper",
        f"  4. the namespace is marked {MARK}: nothing can trade in it any more, and it may be deleted",
    ]
    assert f"2 entries, sha256 {digest}" in out
    assert out.splitlines()[-1] == "namespace dev is decommissioned; to delete it: kubectl delete namespace dev"
    assert len(world.objects["policyledgerentries.alphatrade.io"]) == 2


def test_again_it_does_nothing_twice(world, capsys, tmp_path):
    desk(world, strategy("trend", phase="Suspended"))
    decommission(capsys, tmp_path, "--yes")
    mark, before = marked(world), len(written(world))
    assert decommission(capsys, tmp_path, "--yes")[0] == 0
    assert marked(world) == mark
    assert [words[0] for words in written(world)[before:]] == ["annotate"]


HOLDING = [
    ({"phase": "Trading"}, "trend (Trading)"),
    ({"phase": "Ended", "positions": [{"symbol": "BTC", "lots": -3}]}, "trend (-3 BTC)"),
    ({"phase": "Suspended", "workingOrders": 2}, "trend (2 working orders)"),
    ({"phase": "Latched", "positions": [{"symbol": "BTC", "lots": 1}]}, "trend (1 BTC)"),
    ({"phase": "Failed"}, "trend (Failed)"),
    ({"phase": "Halted"}, "trend (Halted)"),
    ({"phase": "Pending", "activePolicyHash": "ab"}, "trend (Pending)"),
    ({"activePolicyHash": "ab"}, "trend (phase unknown)"),
    ({"phase": "OfANewerVersion"}, "trend (OfANewerVersion)"),
]


@pytest.mark.parametrize(("status", "text"), HOLDING)
def test_what_holds_or_may_come_to_needs_drain(world, capsys, tmp_path, status, text):
    desk(world, strategy("trend", **status))
    code, _, err = decommission(capsys, tmp_path, "--yes")
    assert code == 1
    assert f"Strategies hold or may take positions: {text}; give --drain" in err
    assert written(world) == []
    assert list(tmp_path.glob("*.jsonl")) == []
    assert decommission(capsys, tmp_path, "--yes", "--drain")[0] == 0


@pytest.mark.parametrize("phase", ["", "Pending", "Suspended", "Drained", "Ended", "Latched"])
def test_what_is_at_rest_does_not(phase):
    assert restless([read_strategy(strategy(phase=phase))]) == []


def test_it_waits_and_says_for_what_and_goes_on_the_next_time(world, capsys, tmp_path):
    ready = condition("False", "CannotFlatten", "no book; to let it go as it is, annotate it")
    desk(world, strategy("trend", phase="Trading", ready=ready), stuck=["trend"])
    code, out, err = decommission(capsys, tmp_path, "--yes", "--drain", "--timeout", "0")
    assert code == 1
    assert "  Strategy/trend: CannotFlatten: no book; to let it go as it is, annotate it" in out
    assert "still there: Strategy/trend" in err
    assert "run it again to go on" in err
    assert marked(world) is None
    assert [words[1] for words in written(world)] == ["strategies.alphatrade.io"]
    world.change(stuck=[], **{"strategies.alphatrade.io": []})
    assert decommission(capsys, tmp_path, "--yes")[0] == 0
    assert marked(world)


def test_what_was_added_to_the_ledger_meanwhile_is_in_the_file(world, capsys, tmp_path):
    desk(world, strategy("trend", phase="Trading"), written=chain("Promote", "Halt", "Demote"))
    assert decommission(capsys, tmp_path, "--yes", "--drain")[0] == 0
    assert len((tmp_path / "dev.jsonl").read_text().splitlines()) == 4
    assert marked(world) == hashlib.sha256((tmp_path / "dev.jsonl").read_bytes()).hexdigest()


def test_a_ledger_that_does_not_hold_stops_it_before_anything(world, capsys, tmp_path):
    desk(world, policyledgerentries=chain("Promote", "Halt", "Rearm")[::2])
    code, _, err = decommission(capsys, tmp_path, "--yes")
    assert (code, written(world)) == (1, [])
    assert "ple-2: follows entry 0: what was between them is missing; keep the namespace as it is" in err


def test_what_is_applied_anew_meanwhile_is_not_waited_for(world, capsys, tmp_path):
    fresh = strategy("trend", phase="Trading")
    fresh["metadata"]["uid"] = "uid-fresh"
    desk(world, strategy("trend", phase="Suspended"), comes=[fresh])
    code, _, err = decommission(capsys, tmp_path, "--yes")
    assert code == 1
    assert "Strategy/trend came while others were removed; stop what applies them" in err
    assert marked(world) is None


def test_what_comes_in_the_moment_of_the_mark_takes_it_off_again(world, capsys, tmp_path):
    desk(world, strategy("trend", phase="Suspended"), late=[strategy("late", phase="Trading")])
    code, _, err = decommission(capsys, tmp_path, "--yes")
    assert code == 1
    assert "Strategy/late came" in err
    assert marked(world) is None


def test_without_the_operator_the_rest_is_not_free(world, capsys, tmp_path):
    desk(world, asleep=[True])
    code, _, err = decommission(capsys, tmp_path, "--yes", "--timeout", "0")
    assert code == 1
    assert "still there: MarketDataFeed/market" in err
    assert "Without the operator (kubectl get pods -A -l app.kubernetes.io/name=alphatrade," in err


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [("dev\n", 0, ""), ("yes\n", 1, "not confirmed: nothing was done"), ("", 2, "nobody to ask: give --yes")],
)
def test_it_asks_for_the_name(world, capsys, tmp_path, monkeypatch, answer, code, text):
    desk(world)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    said = decommission(capsys, tmp_path)
    assert said[0] == code
    assert "Write dev to go on: " in said[2]
    assert text in said[2]
    assert bool(written(world)) == (code == 0)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("decommission", "dev"), "--export is missing: name the file"),
        (("decommission", "prod", "--export", "x", "--yes"), "no namespace prod; see: kubectl get namespaces"),
        (("decommission", "plain", "--export", "x", "--yes"), "plain is no trading namespace: it is not labelled"),
        (("decommission", "prod", "--undo"), "no namespace prod"),
        (("uninstall",), "Missing option '--export'"),
        (
            ("uninstall", "--export", "x", "--keep-namespaces", "--definitions"),
            "give one; without definitions no names",
        ),
    ],
)
def test_bad_input_changes_nothing(world, capsys, words, text):
    desk(world, spaces=[namespace(), namespace("plain", labels={})])
    code, out, err = run(capsys, *words)
    assert (code, out, written(world)) == (2, "", [])
    assert text in err
    assert err.count("\n") == 1


def test_undo_takes_the_mark_off(world, capsys):
    desk(world, spaces=[namespace(**{MARK: "ab" * 32})])
    assert "can be traded in again" in run(capsys, "decommission", "dev", "--undo")[1]
    assert marked(world) is None
    assert "not decommissioned; nothing to do" in run(capsys, "decommission", "dev", "--undo")[1]


def test_undo_comes_too_late_once_the_namespace_goes(world, capsys):
    going = namespace(**{MARK: "ab" * 32})
    going["metadata"]["deletionTimestamp"] = "2026-01-05T10:00:00Z"
    desk(world, spaces=[going])
    code, _, err = run(capsys, "decommission", "dev", "--undo")
    assert (code, marked(world)) == (1, "ab" * 32)
    assert "is being deleted already" in err


# uninstall


def definition(plural):
    found = other("CustomResourceDefinition", f"{plural}.alphatrade.io", namespace="")
    found["metadata"]["annotations"] = HELM | {"meta.helm.sh/release-name": "alphatrade-crds"}
    return found


def cluster(world, *strategies, **more):
    """Let two trading namespaces, the operator and two definitions be there."""
    operator = other("Deployment", "alphatrade-operator", namespace="alphatrade-system")
    operator["metadata"]["annotations"] = HELM
    foreign = other("CustomResourceDefinition", "certificates.example.io", namespace="")
    definitions = [definition("strategies"), definition("policyledgerentries"), foreign]
    spaces = [namespace(), namespace("paper")]
    desk(world, *strategies, spaces=spaces, deployments=[operator], customresourcedefinitions=definitions, **more)


def uninstall(capsys, tmp_path, *words):
    return run(capsys, "uninstall", "--export", str(tmp_path / "out"), "--yes", *words)


def test_all_namespaces_then_the_operator_and_the_definitions_stay(world, capsys, tmp_path):
    cluster(world, strategy("trend", phase="Suspended"), strategy("slow", "paper", phase="Drained"))
    code, out, err = uninstall(capsys, tmp_path)
    assert (code, err) == (0, "")
    assert [words[:3] for words in written(world)] == [
        ["delete", "strategies.alphatrade.io", "trend"],
        ["delete", "brokerconnections.alphatrade.io", "paper"],
        ["annotate", "namespace", "dev"],
        ["delete", "strategies.alphatrade.io", "slow"],
        ["annotate", "namespace", "paper"],
        ["uninstall", "alphatrade", "-n"],
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dev.jsonl", "paper.jsonl"]
    assert "operator: helm uninstall alphatrade -n alphatrade-system --ignore-not-found --wait" in out
    assert "the definitions and the policies stay" in out
    assert len(world.objects["policyledgerentries.alphatrade.io"]) == 2


def test_the_operator_stays_while_one_namespace_waits_and_the_other_is_done(world, capsys, tmp_path):
    cluster(world, strategy("trend", phase="Trading"), strategy("slow", "paper"), stuck=["trend"])
    code, _, err = uninstall(capsys, tmp_path, "--drain", "--timeout", "0")
    assert code == 1
    assert "namespace dev: still there: Strategy/trend" in err
    assert err.strip().endswith("the operator stays until then")
    assert (marked(world), bool(marked(world, "paper"))) == (None, True)
    before = len(written(world))
    world.change(stuck=[], **{"strategies.alphatrade.io": []})
    code, out, _ = uninstall(capsys, tmp_path)
    assert code == 0
    assert "namespace paper is decommissioned already" in out
    assert [words[2] for words in written(world)[before:]] == ["paper", "dev", "-n"]  # the account, the mark, helm


def test_one_that_trades_needs_drain_and_nothing_is_begun(world, capsys, tmp_path):
    cluster(world, strategy("trend", "paper", phase="Trading"))
    code, _, err = uninstall(capsys, tmp_path)
    assert (code, written(world)) == (1, [])
    assert "namespace paper: Strategies hold or may take positions: trend (Trading); give --drain" in err


def test_kept_namespaces_are_drained_and_exported_and_not_marked(world, capsys, tmp_path):
    cluster(world, strategy("trend", phase="Suspended"))
    assert uninstall(capsys, tmp_path, "--keep-namespaces")[0] == 0
    assert [words[0] for words in written(world)] == ["delete", "delete", "uninstall"]
    assert (tmp_path / "out" / "dev.jsonl").exists()
    assert marked(world) is None


def test_definitions_are_marked_with_the_sum_of_all_exports_and_never_deleted(world, capsys, tmp_path):
    cluster(world)
    code, out, _ = uninstall(capsys, tmp_path, "--definitions")
    assert code == 0
    sums = (tmp_path / "out" / "SHA256SUMS").read_bytes()
    for line in sums.decode().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    marks = {
        one["metadata"]["name"]: one["metadata"].get("annotations", {}).get(MARK)
        for one in world.objects["customresourcedefinitions"]
    }
    total = hashlib.sha256(sums).hexdigest()
    assert marks == {
        "strategies.alphatrade.io": total,
        "policyledgerentries.alphatrade.io": total,
        "certificates.example.io": None,
    }
    assert [words[1] for words in written(world) if words[0] == "uninstall"] == ["alphatrade", "alphatrade-crds"]
    assert "  kubectl delete crd strategies.alphatrade.io policyledgerentries.alphatrade.io" in out
    assert not any(words[:2] == ["delete", "crd"] for words in world.calls)


def test_what_is_where_nobody_looks_stops_it(world, capsys, tmp_path):
    cluster(world, strategy("stray", "elsewhere"))
    code, _, err = uninstall(capsys, tmp_path)
    assert (code, written(world)) == (1, [])
    assert "strategies are in elsewhere, not labelled alphatrade.io/trading=true; label the namespace, or delete" in err


def test_what_helm_refuses_is_told(world, capsys, tmp_path):
    cluster(world, helm_refuses="job alphatrade-operator-uninstall-guard failed: BackoffLimitExceeded")
    code, _, err = uninstall(capsys, tmp_path)
    assert code == 1
    assert "job alphatrade-operator-uninstall-guard failed" in err


def test_without_helm_it_says_what_to_run(world, capsys, tmp_path):
    cluster(world)
    world.helm.unlink()
    code, _, err = uninstall(capsys, tmp_path)
    assert code == 2
    assert "helm is not on the PATH; install it, or run there: helm uninstall alphatrade -n alphatrade-system" in err


def test_flags_of_the_cluster_go_to_helm_too(world, capsys, tmp_path):
    cluster(world)
    assert uninstall(capsys, tmp_path, "--context", "other", "--as", "alice")[0] == 0
    (words,) = [words for words in world.calls if words[0] == "uninstall"]
    assert words[-4:] == ["--kube-context", "other", "--kube-as-user", "alice"]


def test_both_are_commands_of_alphatrade_too(world, capsys, tmp_path):
    desk(world, strategy("trend", phase="Trading"))
    file = str(tmp_path / "dev.jsonl")
    assert alphatrade(["decommission", "dev", "--export", file, "--yes"]) == 1
    assert "give --drain" in capsys.readouterr().err
    assert alphatrade(["decommission", "prod", "--export", file, "--yes"]) == 2
    assert capsys.readouterr().err.startswith("error: no namespace prod")
    assert alphatrade(["decommission", "dev", "--export", file, "--yes", "--drain"]) == 0
    assert marked(world)
    assert alphatrade(["uninstall", "--help"]) == 0


def test_help_teaches_by_examples(capsys):
    for words in (("decommission", "--help"), ("uninstall", "--help")):
        code, out, _ = run(capsys, *words)
        assert code == 0
        assert "Examples:" in out


def test_the_file_is_one_json_line_an_entry(world, capsys, tmp_path):
    desk(world)
    decommission(capsys, tmp_path, "--yes")
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "dev.jsonl").read_text().splitlines()]
    assert kinds == ["LedgerExport", "PolicyLedgerEntry", "PolicyLedgerEntry"]
