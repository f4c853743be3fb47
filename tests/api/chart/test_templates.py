"""What Helm makes of the operator's chart: valid objects in every profile, and values that are refused."""

import json
from pathlib import Path
from typing import get_args

import pytest
import yaml

from alphatrade_operator.limit_ceilings import REQUIRED_IN_LIVE, LimitCeilings, Mode
from alphatrade_operator.risk_template.ceilings import above_ceiling, envelope_of
from alphatrade_operator.risk_template.model import RiskTemplateSpec
from alphatrade_operator.settings import load_settings
from cluster.settings import ClusterError
from kube_fixtures import CHARTS

CHART = CHARTS / "alphatrade"
PAPER = ("-f", CHART / "values-paper.yaml")
DIGEST = "sha256:" + "a" * 64
LIVE = ("-f", CHART / "values-live.yaml", "--set", f"image.digest={DIGEST}")
OPERATOR = "alphatrade-operator"
PEOPLE = [f"alphatrade-{role}" for role in ("viewer", "quant", "risk-officer", "approver", "platform")]
NAMESPACED = ("--set", "rbac.scope=Namespaces,operator.namespaces={a,b}")
LOTS = {"maxPositionLots": 1, "maxOrderLots": 1}
FAIR = ("--set", "priorityAndFairness.enabled=true,priorityAndFairness.shares=50")
PROFILES = [
    pytest.param((), id="dev"),
    pytest.param(PAPER, id="paper"),
    pytest.param(LIVE, id="live"),
    pytest.param(FAIR, id="dev-fair"),
]
MONITORS = ("--api-versions", "monitoring.coreos.com/v1")
VERSION = ("--kube-version", "1.32.0")  # the oldest that the chart takes


def _rendered(cluster, *words, namespace="alphatrade-system"):
    text = cluster.helm("template", "alphatrade", CHART, "--namespace", namespace, *VERSION, *words)
    return [document for document in yaml.safe_load_all(text) if document]


def _one(documents, kind, name="alphatrade-operator"):
    (found,) = [one for one in documents if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize("values", PROFILES)
def test_lint_finds_nothing(cluster, values):
    said = cluster.helm("lint", "--strict", CHART, *values)
    assert "0 chart(s) failed" in said


@pytest.mark.parametrize("values", PROFILES)
def test_the_api_server_accepts_every_object(cluster, namespace, values, tmp_path):
    objects = tmp_path / "objects.yaml"
    words = ("--namespace", namespace, "--skip-tests", *VERSION)  # `helm test` itself is run where it is installed
    objects.write_text(cluster.helm("template", "other", CHART, *words, *values))
    said = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-n", namespace, "-f", objects)
    assert "Warning" not in said
    assert said.count("(server dry run)") == len([one for one in yaml.safe_load_all(objects.read_text()) if one])


@pytest.mark.parametrize("values", PROFILES)
def test_the_operator_reads_the_settings_that_the_chart_writes(cluster, values, tmp_path):
    tag = () if values == LIVE else ("--set-string", "image.tag=7")
    settings = _settings(cluster, tmp_path, *values, *tag)
    assert settings.operator_namespace == "alphatrade-system"
    assert settings.runtime_image == (f"alphatrade@{DIGEST}" if values == LIVE else "alphatrade:7")
    profile = {PAPER: "paper", LIVE: "live"}.get(values, "dev")
    assert settings.experiment_may_paper == (profile == "dev")
    assert settings.profile == profile
    assert settings.artifact_store.claim_name == (None if profile == "dev" else "alphatrade-artifacts")
    assert settings.scope == "Cluster"
    assert set(settings.limit_ceilings) == ({"LiveShadow", "Live"} if values == LIVE else set())


def _settings(cluster, tmp_path, *values):
    file = tmp_path / "settings.yaml"
    file.write_text(_one(_rendered(cluster, *values), "ConfigMap")["data"]["settings.yaml"])
    return load_settings(file, {})


def test_the_live_ceilings_are_a_risk_templates_defaults(cluster, tmp_path):
    settings = _settings(cluster, tmp_path, *LIVE)
    template = RiskTemplateSpec.model_validate({"instruments": [{"symbol": "*", **LOTS}]})
    assert above_ceiling(settings.limit_ceilings, "Live", envelope_of(template), "law") is None
    looser = template.model_copy(update={"limits": template.limits.model_copy(update={"max_leverage_bps": 10_001})})
    assert above_ceiling(settings.limit_ceilings, "Live", envelope_of(looser), "law") is not None


def test_schema_and_settings_know_the_same_ceilings():
    schema = json.loads((CHART / "values.schema.json").read_text())
    ceilings = schema["definitions"]["limitCeilings"]["properties"]
    assert set(ceilings) == {field.alias for field in LimitCeilings.model_fields.values()}
    live = schema["allOf"][1]["then"]["properties"]["operator"]["properties"]["limitCeilings"]["properties"]["Live"]
    assert live["required"] == [LimitCeilings.model_fields[name].alias for name in REQUIRED_IN_LIVE]
    assert set(schema["properties"]["operator"]["properties"]["limitCeilings"]["properties"]) == set(get_args(Mode))


def test_a_share_of_the_server_is_asked_for_only_where_it_is_wanted(cluster):
    kinds = ("FlowSchema", "PriorityLevelConfiguration")
    assert not [one for one in _rendered(cluster) if one["kind"] in kinds]
    documents = _rendered(cluster, *FAIR)
    level = _one(documents, "PriorityLevelConfiguration", "alphatrade")["spec"]["limited"]
    assert level["nominalConcurrencyShares"] == 50
    (subject,) = _one(documents, "FlowSchema")["spec"]["rules"][0]["subjects"]
    account = _one(documents, "ServiceAccount")["metadata"]
    assert subject["serviceAccount"] == {"name": account["name"], "namespace": account["namespace"]}
    switches = _one(documents, "FlowSchema", "alphatrade-kill-switches")["spec"]
    assert switches["distinguisherMethod"] == {"type": "ByUser"}
    assert switches["rules"][0]["resourceRules"][0]["resources"] == ["killswitches"]


def test_a_digest_wins_over_a_tag_and_pods_may_have_an_image_of_their_own(cluster):
    digest = "sha256:" + "a" * 64
    documents = _rendered(
        cluster, "--set", f"image.digest={digest},image.repository=r.example/alphatrade", "--set", "runtimeImage=r:2"
    )
    (container,) = _one(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"r.example/alphatrade@{digest}"
    assert yaml.safe_load(_one(documents, "ConfigMap")["data"]["settings.yaml"])["runtime_image"] == "r:2"


def test_changed_settings_start_the_operator_anew_and_the_same_ones_do_not(cluster):
    def template(*words):
        return _one(_rendered(cluster, *words), "Deployment")["spec"]["template"]

    assert template() == template("--set", "networkPolicy.enabled=false")
    assert template() != template("--set", "operator.workers=9")


def test_every_pod_is_restricted(cluster):
    documents = _rendered(cluster)
    pods = [
        _one(documents, "Deployment")["spec"]["template"]["spec"],
        _one(documents, "Pod", "alphatrade-operator-test")["spec"],
        _one(documents, "Job", "alphatrade-operator-uninstall-guard")["spec"]["template"]["spec"],
    ]
    for pod in pods:
        assert pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_the_guard_is_asked_before_anything_goes_and_may_list_two_kinds(cluster):
    guard = "alphatrade-operator-uninstall-guard"
    found = {one["kind"]: one for one in _rendered(cluster) if one["metadata"]["name"] == guard}
    assert set(found) == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Job"}
    listing = {"apiGroups": ["alphatrade.io"], "resources": ["strategies", "brokerconnections"], "verbs": ["list"]}
    assert found["ClusterRole"]["rules"] == [listing]
    for one in found.values():
        assert one["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
        assert one["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    spec = found["Job"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert (spec["serviceAccountName"], spec["restartPolicy"], found["Job"]["spec"]["backoffLimit"]) == (
        guard,
        "Never",
        0,
    )
    assert container["image"] == _operators_image(cluster)
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert container["resources"]["limits"]["memory"]


def _operators_image(cluster):
    return _one(_rendered(cluster), "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]


def test_one_operator_replaced_by_ending_the_old_one_first(cluster):
    spec = _one(_rendered(cluster), "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_a_pod_monitor_only_where_it_is_known_and_wanted(cluster):
    def kinds(*words):
        return {one["kind"] for one in _rendered(cluster, *words)}

    assert "PodMonitor" in kinds(*MONITORS)
    assert "PodMonitor" not in kinds()
    assert "PodMonitor" not in kinds(*MONITORS, "--set", "podMonitor.enabled=false")


def test_claims_are_made_where_they_are_asked_for_and_kept(cluster):
    words = ("--set", "artifactStore.claimName=tapes,artifactStore.namespaces={a,b}")
    claims = [one for one in _rendered(cluster, *words) if one["kind"] == "PersistentVolumeClaim"]
    assert [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in claims] == [
        ("a", "tapes"),
        ("b", "tapes"),
    ]
    assert all(one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for one in claims)
    assert not [one for one in _rendered(cluster) if one["kind"] == "PersistentVolumeClaim"]


REFUSED = [
    ("artifactStore.accessMode=ReadWriteOnce", "'/artifactStore/singleNode': value must be true"),
    ("artifactStore.hostPath=/tapes", "'/artifactStore/singleNode': value must be true"),
    ("artifactStore.namespaces={a}", "'/artifactStore/claimName'"),
    ("profile=paper", "'/operator/experimentMayPaper': value must be false"),
    ("profile=production", "'/profile': value must be one of 'dev', 'paper', 'live'"),
    ("rbac.scope=Namespaces", "'/operator/namespaces': minItems: got 0, want 1"),
    ("rbac.scope=Namespace", "'/rbac/scope': value must be one of 'Cluster', 'Namespaces'"),
    ("operator.limitCeilings.Lve.maxLeverageBps=1", "additional properties 'Lve' not allowed"),
    ("operator.limitCeilings.Paper.maxLeverage=1", "additional properties 'maxLeverage' not allowed"),
    ("operator.limitCeilings.Paper.maxLeverageBps=0", "'/operator/limitCeilings/Paper/maxLeverageBps': minimum"),
    ("operator.limitCeilings.Paper.streamStale=2", "'/operator/limitCeilings/Paper/streamStale': got number"),
    (
        "operator.featureFlagCeilings.autoGovernedFeedback=true",
        "'/operator/featureFlagCeilings/autoGovernedFeedback': value must be false",
    ),
    ("operator.workers=0", "'/operator/workers'"),
    ("operator.workers=many", "'/operator/workers'"),
    ("operator.wrokers=4", "additional properties 'wrokers' not allowed"),
    ("imagee.tag=x", "additional properties 'imagee' not allowed"),
    ("image.tag=latest", "'/image/tag'"),
    ("image.tag=7", "'/image/tag': got number, want string"),
    ("image.digest=abc", "'/image/digest'"),
    ("image.repository=r/x:1", "'/image/repository'"),
    ("replicas=2", "additional properties 'replicas' not allowed"),
]


@pytest.mark.parametrize(("value", "said"), REFUSED, ids=[value for value, _ in REFUSED])
def test_a_value_that_is_refused_is_named(cluster, value, said):
    with pytest.raises(ClusterError) as refused:
        _rendered(cluster, "--set", value)
    assert said in str(refused.value)


NO_DIGEST = ("-f", CHART / "values-live.yaml")
REFUSED_LIVE = [
    ("image.digest=", "'/image/digest': minLength: got 0, want 1"),
    ("image.tag=dev", "'/image/tag': maxLength: got 3, want 0"),
    ("image.pullPolicy=Never", "'/image/pullPolicy': value must be one of 'Always', 'IfNotPresent'"),
    ("runtimeImage=r.example/alphatrade:7", "'/runtimeImage': 'r.example/alphatrade:7' does not match pattern"),
    ("operator.experimentMayPaper=true", "'/operator/experimentMayPaper': value must be false"),
    (
        "operator.featureFlagCeilings.exploration=true",
        "'/operator/featureFlagCeilings/exploration': value must be false",
    ),
    (
        "operator.featureFlagCeilings.autoGovernedFeedback=true",
        "'/operator/featureFlagCeilings/autoGovernedFeedback': value must be false",
    ),
    ("operator.limitCeilings.Live=null", "'/operator/limitCeilings/Live': got null, want object"),
    (
        "operator.limitCeilings.Live.maxDrawdownBps=null",
        "'/operator/limitCeilings/Live/maxDrawdownBps': got null, want integer",
    ),
    ("artifactStore.claimName=", "'/artifactStore/claimName': minLength: got 0, want 1"),
    (
        "artifactStore.claimName=,artifactStore.hostPath=/srv,artifactStore.singleNode=true",
        "'/artifactStore/hostPath': maxLength: got 4, want 0",
    ),
    ("artifactStore.accessMode=ReadWriteOnce", "'/artifactStore/singleNode': value must be true"),
]


@pytest.mark.parametrize(("value", "said"), REFUSED_LIVE, ids=[value for value, _ in REFUSED_LIVE])
def test_what_is_unsafe_is_refused_in_live(cluster, value, said):
    with pytest.raises(ClusterError) as refused:
        _rendered(cluster, *LIVE, "--set", value)
    assert said in str(refused.value)


def test_a_live_install_without_ceilings_of_its_own_or_a_digest_is_refused(cluster, tmp_path):
    with pytest.raises(ClusterError, match="'/image/digest': minLength: got 0, want 1"):
        _rendered(cluster, *NO_DIGEST)
    bare = tmp_path / "bare.yaml"
    store = {"claimName": "a", "accessMode": "ReadWriteMany", "singleNode": False}
    operator = {"experimentMayPaper": False}
    bare.write_text(yaml.safe_dump({"profile": "live", "artifactStore": store, "operator": operator}))
    with pytest.raises(ClusterError, match="'/operator/limitCeilings': missing property 'Live'"):
        _rendered(cluster, "-f", bare, "--set", f"image.digest={DIGEST}")


ACCEPTED_LIVE = [
    f"runtimeImage=r.example/alphatrade@{DIGEST}",
    "image.pullPolicy=Always",
    "artifactStore.accessMode=ReadWriteOnce,artifactStore.singleNode=true",
    "operator.limitCeilings.Live.maxLeverageBps=5000",
    "rbac.scope=Namespaces,operator.namespaces={a}",
]


@pytest.mark.parametrize("value", ACCEPTED_LIVE)
def test_what_is_safe_is_accepted_in_live_by_schema_and_settings(cluster, tmp_path, value):
    assert _settings(cluster, tmp_path, *LIVE, "--set", value).profile == "live"


def _rights(documents, kind, namespace=None):
    """Return what the operator's role allows, as (group, resource, verb)."""
    (role,) = [
        one
        for one in documents
        if one["kind"] == kind
        and one["metadata"]["name"] == "alphatrade-operator"
        and one["metadata"].get("namespace") == namespace
    ]
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_a_namespaced_install_has_roles_only_and_one_in_each_namespace(cluster):
    documents = _rendered(cluster, *NAMESPACED)
    assert not [one for one in documents if one["kind"].startswith("Cluster")]
    bindings = [one for one in documents if one["kind"] == "RoleBinding" and one["metadata"]["name"] == OPERATOR]
    assert {one["metadata"]["namespace"] for one in bindings} == {"a", "b", "alphatrade-system"}
    account = {"kind": "ServiceAccount", "name": "alphatrade-operator", "namespace": "alphatrade-system"}
    assert all(one["subjects"] == [account] and one["roleRef"]["kind"] == "Role" for one in bindings)


def test_both_scopes_have_the_same_rules_within_a_namespace(cluster):
    everywhere = _rights(_rendered(cluster), "ClusterRole")
    documents = _rendered(cluster, *NAMESPACED)
    of_cluster = {"namespaces", "customresourcedefinitions", "validatingadmissionpolicies"}
    of_cluster.add("validatingadmissionpolicybindings")
    within = {right for right in everywhere if right[1] not in of_cluster} | {("", "namespaces", "get")}
    assert _rights(documents, "Role", "a") == _rights(documents, "Role", "b") == within
    own = {("coordination.k8s.io", "leases", verb) for verb in ("get", "list", "watch", "create", "update", "patch")}
    own.add(("alphatrade.io", "signoffs", "create"))
    assert _rights(documents, "Role", "alphatrade-system") == within | own


def test_the_roles_of_people_are_the_same_in_both_scopes(cluster):
    def peoples(documents, kind, namespace=None):
        roles = [one for one in documents if one["kind"] == kind and one["metadata"].get("namespace") == namespace]
        return {one["metadata"]["name"]: one["rules"] for one in roles if one["metadata"]["name"] in PEOPLE}

    everywhere, documents = peoples(_rendered(cluster), "ClusterRole"), _rendered(cluster, *NAMESPACED)
    assert set(everywhere) == set(PEOPLE)
    for namespace in ("a", "b", "alphatrade-system"):
        assert peoples(documents, "Role", namespace) == everywhere


def test_a_namespaced_install_may_read_the_law_when_asked_to(cluster):
    documents = _rendered(cluster, *NAMESPACED, "--set", "rbac.readLaw=true")
    (role,) = [one for one in documents if one["kind"] == "ClusterRole"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list"}
    assert {group for rule in role["rules"] for group in rule["apiGroups"]} == {"admissionregistration.k8s.io"}


def test_a_namespaced_install_says_so_in_its_settings(cluster, tmp_path):
    settings = _settings(cluster, tmp_path, *NAMESPACED)
    assert (settings.scope, settings.namespaces) == ("Namespaces", ("a", "b"))


def test_one_node_may_have_a_volume_that_one_node_can_mount(cluster):
    words = "artifactStore.accessMode=ReadWriteOnce,artifactStore.singleNode=true,artifactStore.claimName=t"
    documents = _rendered(cluster, "--set", words + ",artifactStore.namespaces={a}")
    assert _one(documents, "PersistentVolumeClaim", "t")["spec"]["accessModes"] == ["ReadWriteOnce"]


@pytest.mark.parametrize(
    ("values", "told", "untold"),
    [
        pytest.param((), ("kubectl apply -k examples/dev", "helm test"), "StageTooLow", id="dev"),
        pytest.param(PAPER, ("StageTooLow", "PersistentVolumeClaim alphatrade-artifacts"), "examples/dev", id="paper"),
        pytest.param(LIVE, ("LimitAboveCeiling", "by digest", "LiveAdapterMissing"), "examples/dev", id="live"),
        pytest.param(NAMESPACED, ("Roles only, in a, b and any", "LawNotInstalled"), "StageTooLow", id="namespaced"),
    ],
)
def test_the_notes_tell_what_to_do_next(cluster, values, told, untold):
    said = cluster.helm("install", "notes", CHART, "--dry-run=client", "--take-ownership", "-n", "any", *values)
    notes = said[said.index("NOTES:") :]
    assert all(text in notes for text in told)
    assert untold not in notes
    assert len(max(notes.splitlines(), key=len)) <= 120


def test_every_path_that_the_notes_name_is_there():
    words = (CHART / "templates" / "NOTES.txt").read_text().split()
    named = {Path(word.strip(".,")) for word in words if word.startswith(("examples/", "charts/"))}
    assert named
    assert all((CHARTS.parent / path).is_dir() for path in named)


def test_the_chart_holds_no_trading_resource(cluster):
    kinds = {one["apiVersion"] for one in _rendered(cluster, *PAPER, *MONITORS)}
    assert not [version for version in kinds if version.startswith("alphatrade.io")]
    assert json.loads((CHART / "values.schema.json").read_text())["additionalProperties"] is False
