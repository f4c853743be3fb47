"""What the built-in role edit can still do in a trading namespace, and what it no longer can: docs/security.md's list.

What works is done, by a person who has edit and nothing else; what is refused is refused in the words of the law.
"""

import base64
import json

import pytest

from alphatrade_operator.namespace.flows import COMPONENT, PART_OF
from alphatrade_operator.namespace.render import render_runtime_role
from api.privileges.caller import MERGE, Caller, Request
from api.privileges.deeds import autoscaler, scalers
from api.privileges.outcome import ALLOWED, FORBIDDEN, outcome
from api.privileges.rows import DRY, core_path, our_path
from api.privileges.world import CHILD, OURS, PLURALS, POD, THEIRS, VOLUME, plain

WHO_AM_I = Request(
    "POST",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
)


@pytest.fixture
def edit(callers):
    return callers["edit"]


@pytest.fixture
def path(world):
    def path_of(plural, *rest, group=""):
        return "/".join((core_path(world, plural, group), *rest))

    return path_of


@pytest.fixture
def trading_pod(world):
    """Return the user that a trading pod is."""
    return f"system:serviceaccount:{world.desk}:{OURS}"


def _user(answer):
    return answer.body["status"]["userInfo"]["username"]


def _done(caller, request):
    answer = caller.ask(request)
    assert answer.status < 300, answer.message
    return answer.body


def _labelled(kind, labels, pod=None):
    return plain(kind, "new", labels, pod)


# What it can.


def test_it_reads_the_private_key_of_a_trading_pod(edit, path):
    secret = _done(edit, Request("GET", path("secrets", OURS)))
    assert base64.b64decode(secret["data"]["tls.key"]).decode() == f"the key of {OURS}"


def test_it_mounts_a_copy_of_a_secret_that_it_may_not_mount(edit, path):
    copy = {**_done(edit, Request("GET", path("secrets", OURS))), "metadata": {"name": "copy"}}
    _done(edit, Request("POST", path("secrets"), copy))
    pod = plain("Pod", "new", pod={"volumes": [{"name": "copy", "secret": {"secretName": "copy"}}]})
    _done(edit, Request("POST", path(f"pods?{DRY}"), pod))


def test_it_takes_a_token_of_a_trading_pod(edit, path, trading_pod):
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = _done(edit, Request("POST", path("serviceaccounts", OURS, "token"), asked))["status"]["token"]
    assert _user(Caller("", edit.server, edit_tls(edit), token).ask(WHO_AM_I)) == trading_pod


def edit_tls(caller):
    from api.privileges.conftest import bare

    return bare(caller)


def test_it_acts_as_a_trading_pod_s_service_account(edit, trading_pod):
    asked = Request(WHO_AM_I.method, WHO_AM_I.path, WHO_AM_I.body, impersonate=trading_pod)
    assert _user(edit.ask(asked)) == trading_pod
