"""A Pod as the API server returns it, read into facts."""

import pytest

from alphatrade_operator.workload.pod import read_pod


def pod(**status):
    metadata = {"name": "st-a-0", "namespace": "desk", "uid": "u"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "status": status}


def facts_of(manifest):
    found = read_pod(manifest)
    assert found is not None
    return found


def container(**fields):
    return {"name": "strategy", "image": "alphatrade:1", **fields}


def fault(**status):
    found = facts_of(pod(**status)).fault
    return (found.reason, found.message) if found else None


def test_none_is_none_and_one_just_made_has_no_fault():
    assert read_pod(None) is None
    facts = facts_of(pod())
    assert (facts.ready, facts.started, facts.fault, facts.template) == (False, False, None, "")
    assert (facts.ref.kind, facts.ref.uid) == ("Pod", "u")


@pytest.mark.parametrize(
    ("status", "started"),
    [
        ({"state": {"running": {}}}, True),
        ({"state": {"terminated": {"exitCode": 1}}}, True),
        ({"state": {"waiting": {}}, "lastState": {"terminated": {}}}, True),
        ({"state": {"waiting": {}}, "restartCount": 2}, True),
        ({"state": {"waiting": {}}, "restartCount": 0}, False),
    ],
)
def test_started_means_that_it_may_have_traded(status, started):
    assert facts_of(pod(containerStatuses=[container(**status)])).started is started


def test_a_container_that_only_prepares_has_not_traded():
    assert facts_of(pod(initContainerStatuses=[container(state={"running": {}})])).started is False


def test_one_that_is_deleted_is_not_ready():
    manifest = pod(conditions=[{"type": "Ready", "status": "True"}])
    assert facts_of(manifest).ready is True
    manifest["metadata"]["deletionTimestamp"] = "2026-01-05T12:00:00Z"
    facts = facts_of(manifest)
    assert (facts.ready, facts.deleting) == (False, True)


def test_what_a_ready_pod_died_of_once_is_no_fault():
    dead = {"exitCode": 1, "message": "DiskFull: full"}
    status = container(state={"running": {}}, lastState={"terminated": dead})
    assert fault(conditions=[{"type": "Ready", "status": "True"}], containerStatuses=[status]) is None
    assert fault(containerStatuses=[status]) is None  # it runs again and has yet to say how it is


def test_the_last_reason_written_is_the_one():
    message = "Starting: not this\nPluginDigestMismatch: /plugins/0/a.py: the file is x\n"
    state = {"terminated": {"exitCode": 2, "message": message}}
    assert fault(containerStatuses=[container(state=state)]) == (
        "PluginDigestMismatch",
        "/plugins/0/a.py: the file is x",
    )


def test_without_a_reason_the_last_line_says_what_it_can():
    state = {"terminated": {"exitCode": 2, "message": "Traceback\nValueError: x"}}
    reason, message = fault(containerStatuses=[container(state=state)])
    assert (reason, "ended with code 2: ValueError: x; look at its log" in message) == ("CrashLoop", True)
    state = {"terminated": {"exitCode": 2, "message": "killed by something\n"}}
    reason, message = fault(containerStatuses=[container(state=state)])
    assert (reason, "ended with code 2: killed by something; look at its log" in message) == ("CrashLoop", True)
    assert "it left no message" in fault(containerStatuses=[container(state={"terminated": {"exitCode": 2}})])[1]


def test_an_image_that_cannot_be_pulled_has_the_same_message_each_time():
    first = fault(initContainerStatuses=[container(state={"waiting": {"reason": "ErrImagePull", "message": "port 1"}})])
    again = fault(initContainerStatuses=[container(state={"waiting": {"reason": "ImagePullBackOff", "message": "2"}})])
    assert first == again == ("ImageCannotBePulled", first[1])
    assert "alphatrade:1" in first[1]


def test_evicted():
    assert fault(reason="Evicted", message="low on\n disk") == ("Evicted", "low on disk")


def test_a_clean_end_is_no_fault():
    assert fault(containerStatuses=[container(state={"terminated": {"exitCode": 0}})]) is None
