"""What the watch over the law makes of a server that does not answer, refuses to, or lets pass what it should not."""

import asyncio
from typing import Any

import pytest

from alphatrade_operator.admission.policies import expected
from alphatrade_operator.kube.errors import NotFound, Refused, Unavailable
from alphatrade_operator.kube.law import LawWatch

NAMESPACE = "alphatrade-system"
ME = f"system:serviceaccount:{NAMESPACE}:alphatrade-operator"
DENIED = "ValidatingAdmissionPolicy 'alphatrade-sign-off' with binding 'alphatrade-sign-off' denied request: no"
NO_RIGHT = 'signoffs.alphatrade.io is forbidden: User "x" cannot create resource "signoffs"'


class Server:
    """Answers by the end of the path; an error is raised."""

    def __init__(self, **answers):
        items: dict[str, Any] = {"policies": [], "policybindings": []}
        for one in expected(NAMESPACE):
            items["policybindings" if one["kind"].endswith("Binding") else "policies"].append(one)
        self.answers = {
            "validatingadmissionpolicies": {"items": items["policies"]},
            "validatingadmissionpolicybindings": {"items": items["policybindings"]},
            "alphatrade-law": {"data": {"user": ME}},
            "selfsubjectreviews": {"status": {"userInfo": {"username": ME}}},
            "signoffs": Refused("POST", 403, "Forbidden", DENIED),
            **{name.replace("_", "-"): answer for name, answer in answers.items()},
        }
        self.dry = []

    async def request(self, method, path, body=None, *, query=None, **more):
        if path.endswith("signoffs"):
            self.dry.append(query)
        answer = self.answers[path.rpartition("/")[2]]
        if isinstance(answer, Exception):
            raise answer
        return answer


def watch_of(server: Any, *measure: Any) -> Any:
    return LawWatch(server, NAMESPACE, *measure)


def look(server, watch=None):
    watch = watch or watch_of(server)
    asyncio.run(watch.check())
    return watch


def test_what_was_never_looked_at_is_not_there():
    assert "not looked at yet" in watch_of(Server()).finding.message


def test_a_whole_law_has_no_finding_and_the_sign_off_is_for_show():
    counts: list[int] = []
    server = Server()
    watch = watch_of(server, counts.append)
    look(server, watch)
    assert (watch.finding, counts, server.dry) == (None, [0], [{"dryRun": "All"}])


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"alphatrade_law": NotFound("GET", 404, "NotFound", "no")}, "alphatrade-law is missing"),
        ({"validatingadmissionpolicies": {"items": []}}, "ValidatingAdmissionPolicy alphatrade-status is missing"),
        ({"signoffs": {"kind": "SignOff"}}, "was not refused: the policies are not in force"),
        ({"signoffs": Refused("POST", 403, "Forbidden", NO_RIGHT)}, f"was refused by something else: {NO_RIGHT}"),
        ({"selfsubjectreviews": Refused("POST", 403, "Forbidden", "no")}, "cannot be looked at: POST: 403 Forbidden"),
    ],
)
def test_what_is_wrong_is_told(answers, said):
    finding = look(Server(**answers)).finding
    assert finding.reason == "LawNotInstalled"
    assert said in finding.message


def test_a_server_that_does_not_answer_leaves_what_was_found():
    gone = Unavailable("GET", 0, "Unreachable", "no")
    never = look(Server(signoffs=gone))
    assert "not looked at yet" in never.finding.message
    seen = look(Server())
    seen._api = Server(validatingadmissionpolicies=gone)
    assert look(None, seen).finding is None
