"""Two operators at once: the one that led is stopped in mid life, another takes the Lease, the first wakes up again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import grpc
import pytest

from alphatrade import mtls
from alphatrade.config import digest_of
from alphatrade.names import HTTP_PORT, MANAGED_BY, identity
from alphatrade.v1.control_pb2 import ApplyRequest, GetStatusRequest
from alphatrade.v1.control_pb2_grpc import RuntimeControlStub
from alphatrade.v1.policy_pb2 import Policy
from cluster.kubectl import Kube
from e2e.cluster.desks import WALL
from e2e.cluster.market import law
from e2e.cluster.operators import led_by, moment, pods_of_operator, writes_of_operators
from e2e.cluster.wire import authority, forwarded, identity_of
from kube_fixtures import SYSTEM_NAMESPACE

TAKES_OVER_S = 60.0
PATIENT = 60  # failed probes; by the chart's three the kubelet would end the one that is stopped too soon for a story


@contextmanager
def two_operators(kube: Kube) -> Iterator[None]:
    """Let two pods of the operator run, which are not ended for their silence; afterwards one, as the chart has it."""
    kept = kube.get("deployment", MANAGED_BY, namespace=SYSTEM_NAMESPACE)["spec"]
    probe = kept["template"]["spec"]["containers"][0]["livenessProbe"]["failureThreshold"]
    scaled(kube, 2, PATIENT)
    try:
        yield
    finally:
        scaled(kube, kept["replicas"], probe)


def scaled(kube, replicas, failures):
    container = {"name": "operator", "livenessProbe": {"failureThreshold": failures}}
    spec = {"replicas": replicas, "template": {"spec": {"containers": [container]}}}
    words = ("-n", SYSTEM_NAMESPACE, "deployment", MANAGED_BY)
    kube.kubectl("patch", *words, "--type=strategic", "-p", json.dumps({"spec": spec}))
    kube.kubectl("rollout", "status", "-n", SYSTEM_NAMESPACE, f"deployment/{MANAGED_BY}", "--timeout=120s")


@contextmanager
def control(place, folder) -> Iterator[RuntimeControlStub]:
    """Talk to the trader's pod as an operator does."""
    who = identity(SYSTEM_NAMESPACE, "operator", MANAGED_BY, "0")
    tls = mtls.Certificates(authority(place.kube).write(folder / "tls", who))
    with forwarded(place, place.pod("Strategy", WALL)) as target:
        channel = mtls.channel(target, identity_of(place, "Strategy", WALL), tls)
        try:
            yield RuntimeControlStub(channel)
        finally:
            channel.close()


def test_the_one_that_led_wakes_up_and_writes_nothing_more(trader, backend, tmp_path):
    place, kube = trader.place, trader.place.kube
    with two_operators(kube):
        first = leader(kube)
        before = led_by(kube).epoch
        frozen = first["status"]["containerStatuses"][0]["containerID"]
        backend.signal_container(frozen, "STOP")
        try:
            place.apply(law(WALL, order=390))  # that it wants to act on as soon as it wakes up
            kube.until("another leads", lambda: led_by(kube).holder != first["metadata"]["name"], TAKES_OVER_S)
            assert led_by(kube).epoch == before + 1
            place.until("the other's law is in force", lambda: in_force(place) == 390)
            with control(place, tmp_path) as pod:
                place.until("the pod has it", lambda: epoch_of(pod) == before + 1)
        finally:
            woke = datetime.now(UTC)
            backend.signal_container(frozen, "CONT")
        kube.until("it stands by", lambda: page(kube, first)["role"] == "stands by")
        place.apply(law(WALL, order=380))
        place.until("the other's law is in force", lambda: in_force(place) == 380)
        with control(place, tmp_path) as pod:
            refused(pod, configuration(place), before)
            assert epoch_of(pod) == before + 1
        assert written_by(backend, first, woke) == []
        assert [again(pod) for pod in pods_of_operator(kube)] == [0, 0], "one of them was ended"
    trader.quote()
    trader.sound()


def leader(kube):
    """Return the pod that leads, with another beside it that stands by."""
    pods = {pod["metadata"]["name"]: pod for pod in pods_of_operator(kube)}
    assert len(pods) == 2
    return kube.until("one of them leads", lambda: pods.get(led_by(kube).holder))


def in_force(place):
    return place.status("RiskTemplate", WALL)["effective"]["instruments"][0]["maxOrderLots"]


def epoch_of(pod):
    return pod.GetStatus(GetStatusRequest(), timeout=5).status.epoch


def refused(pod, document, epoch):
    """Push what the pod has already, as the operator of an epoch that is over."""
    policy = Policy(schema=1, document=document, document_digest=digest_of(document))
    with pytest.raises(grpc.RpcError) as error:
        pod.Apply(ApplyRequest(policy=policy, epoch=epoch), timeout=10)
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert f"epoch {epoch}: an operator with epoch {epoch + 1} was here" in (error.value.details() or "")


def configuration(place):
    config = place.kube.get("configmap", place.child("Strategy", WALL), namespace=place.namespace)
    return config["data"]["config.json"].encode()


def page(kube, pod):
    path = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods/{pod['metadata']['name']}:{HTTP_PORT}/proxy/readyz"
    return json.loads(kube.kubectl("get", "--raw", path))


def written_by(backend, pod, since):
    """List what a pod of the operator wrote since a time, by the API server's audit log."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in writes_of_operators(backend)
        if pod["status"]["podIP"] in event["sourceIPs"] and event["requestReceivedTimestamp"] >= moment(since)
    ]


def again(pod):
    return pod["status"]["containerStatuses"][0]["restartCount"]
