"""What Helm makes of the operator's chart: valid objects in both profiles, and values that are refused."""

import json
from pathlib import Path

import pytest
import yaml

from alphatrade_operator.settings import load_settings
from cluster.settings import ClusterError
from kube_fixtures import CHARTS

CHART = CHARTS / "alphatrade"
PAPER = ("-f", CHART / "values-paper.yaml")
FAIR = ("--set", "priorityAndFairness.enabled=true,priorityAndFairness.shares=50")
PROFILES = [pytest.param((), id="dev"), pytest.param(PAPER, id="paper"), pytest.param(FAIR, id="dev-fair")]
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
    documents = _rendered(cluster, *values, "--set-string", "image.tag=7")
    file = tmp_path / "settings.yaml"
    file.write_text(_one(documents, "ConfigMap")["data"]["settings.yaml"])
    settings = load_settings(file, {})
    assert settings.operator_namespace == "alphatrade-system"
    assert settings.runtime_image == "alphatrade:7"
    assert settings.experiment_may_paper == (values != PAPER)
    assert settings.profile == ("paper" if values == PAPER else "dev")
    assert settings.artifact_store.claim_name == ("alphatrade-artifacts" if values == PAPER else None)


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
    ("profile=live", "'/profile': value must be one of 'dev', 'paper'"),
    (
        "operator.featureFlagCeilings.exploration=true",
        "'/operator/featureFlagCeilings/exploration': value must be false",
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


def test_one_node_may_have_a_volume_that_one_node_can_mount(cluster):
    words = "artifactStore.accessMode=ReadWriteOnce,artifactStore.singleNode=true,artifactStore.claimName=t"
    documents = _rendered(cluster, "--set", words + ",artifactStore.namespaces={a}")
    assert _one(documents, "PersistentVolumeClaim", "t")["spec"]["accessModes"] == ["ReadWriteOnce"]


@pytest.mark.parametrize(
    ("values", "told", "untold"),
    [
        pytest.param((), ("kubectl apply -k examples/dev", "helm test"), "StageTooLow", id="dev"),
        pytest.param(PAPER, ("StageTooLow", "PersistentVolumeClaim alphatrade-artifacts"), "examples/dev", id="paper"),
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
