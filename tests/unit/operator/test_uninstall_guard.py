"""The guard before `helm uninstall`: what remains is named, and what cannot be found out is refused."""

import pytest

from alphatrade_operator import uninstall_guard
from alphatrade_operator.kube.errors import NotFound, Refused, Unavailable
from alphatrade_operator.settings import Settings
from alphatrade_operator.uninstall_guard import main, refusal


def objects(*namespaces):
    return [{"metadata": {"name": f"n{index}", "namespace": name}} for index, name in enumerate(namespaces)]


REFUSALS = [
    ({"Strategy": objects(), "BrokerConnection": objects()}, ""),
    ({"Strategy": objects("dev"), "BrokerConnection": objects()}, "refused: 1 Strategy remain in dev;"),
    ({"Strategy": objects(), "BrokerConnection": objects("b", "a")}, "refused: 2 BrokerConnection remain in a, b;"),
    (
        {"Strategy": objects("a", "a"), "BrokerConnection": objects("b")},
        "refused: 2 Strategy and 1 BrokerConnection remain in a, b;",
    ),
    ({"Strategy": objects(*"abcdefg")}, "refused: 7 Strategy remain in a, b, c, d, e and 2 more;"),
]


@pytest.mark.parametrize(("found", "text"), REFUSALS, ids=[text or "nothing" for _, text in REFUSALS])
def test_what_remains_is_one_line_with_the_command(found, text):
    said = refusal(found)
    assert said.startswith(text)
    assert "\n" not in said
    assert said.endswith("run: kubectl alphatrade uninstall --export FOLDER --drain") == bool(text)


class Server:
    """Answers lists from objects by path; asked: the paths, in order."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        return None

    async def request(self, method, path, *, query):
        self.asked.append((path, query.get("continue")))
        answer = self.answers(path, query)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def ask(monkeypatch, tmp_path, capsys):
    """Run the guard against a server; return its exit code, its line, and what it asked."""

    def run(answers, settings=""):
        server = Server(answers)

        async def connect(qps, burst):
            return server

        monkeypatch.setattr(uninstall_guard, "connect", connect)
        file = tmp_path / "settings.yaml"
        file.write_text(settings)
        code = main(str(file))
        return code, capsys.readouterr().out, server.asked

    return run


def empty(path, query):
    return {"metadata": {}, "items": []}


def test_nothing_is_left_anywhere(ask):
    code, line, asked = ask(empty)
    assert (code, line) == (0, "no Strategy and no BrokerConnection is left: the operator may go\n")
    assert [path for path, _ in asked] == [
        "/apis/alphatrade.io/v1alpha1/strategies",
        "/apis/alphatrade.io/v1alpha1/brokerconnections",
    ]


def test_only_what_the_operator_looks_at(ask):
    _, _, asked = ask(empty, "namespaces: [dev]\noperator_namespace: system")
    assert [path.split("/")[5] for path, _ in asked] == ["dev", "system", "dev", "system"]
    assert Settings().namespaces == ()


def test_every_page_is_read(ask):
    def pages(path, query):
        more = {} if "continue" in query or "broker" in path else {"continue": "token"}
        return {"metadata": more, "items": objects("dev") if "continue" in query else []}

    code, line, asked = ask(pages)
    assert code == 1
    assert line.startswith("refused: 1 Strategy remain in dev;")
    assert [token for _, token in asked] == [None, "token", None]


@pytest.mark.parametrize(
    "error",
    [Refused("GET x", 403, "Forbidden", "no right"), Unavailable("GET x", 503, "", "away")],
    ids=["no right", "no server"],
)
def test_what_cannot_be_found_out_counts_as_there(ask, error):
    code, line, _ = ask(lambda path, query: error)
    assert code == 1
    assert line.startswith("refused: not known whether Strategies or BrokerConnections exist (GET x: ")
    assert line.count("\n") == 1


def test_wrong_settings_are_refused_too(ask):
    assert ask(empty, "namespaces: 7")[0] == 1


def test_a_kind_that_is_gone_has_no_objects(ask):
    assert ask(lambda path, query: NotFound("GET x", 404, "NotFound", "no such kind"))[0] == 0
