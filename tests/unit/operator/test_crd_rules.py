"""What the API server refuses, the models refuse: one table, held by a real API server in tests/api."""

import re

import pytest
from pydantic import ValidationError

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.crd import root_schema
from resource_documents import KINDS as DOCUMENTED
from resource_documents import document
from resource_rules import ALL, STATELESS

MODELS = {kind.__name__: kind for kind in KINDS}
NAMES = "metadata.name: must be"


def rules(schema, at=""):
    """Yield (place, message) of every rule below a schema; indices are written []."""
    yield from ((at, rule["message"]) for rule in schema.get("x-kubernetes-validations", ()))
    for name, field in schema.get("properties", {}).items():
        yield from rules(field, f"{at}.{name}".lstrip("."))
    if "items" in schema:
        yield from rules(schema["items"], f"{at}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from rules(schema["additionalProperties"], f"{at}.*")


def place(case):
    return case.kind, re.sub(r"\.[0-9]+", "[]", case.at), case.message


def test_every_rule_has_a_case_and_every_case_a_rule():
    there = {(kind.__name__, at, message) for kind in KINDS for at, message in rules(root_schema(kind))}
    assert {place(case) for case in ALL} == there


def test_every_kind_has_a_document_with_every_field():
    assert set(DOCUMENTED) == set(MODELS)


def judged_by_model(case, changes, name):
    made = document(case.kind, changes, name)
    try:
        MODELS[case.kind].model_validate(made)
    except ValidationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", STATELESS, ids=str)
def test_a_model_lets_pass_what_the_rule_lets_pass(case):
    assert judged_by_model(case, case.accepted, case.name) == ""


@pytest.mark.parametrize("case", [case for case in STATELESS if not case.message.startswith(NAMES)], ids=str)
def test_a_model_refuses_what_the_rule_refuses(case):
    refusal = judged_by_model(case, case.refused, case.refused_name or case.name)
    words = set(re.findall(r"[A-Za-z]{4,}", case.message))
    said = set(re.findall(r"[A-Za-z]{4,}", refusal))
    assert refusal, case
    assert case.message.split(": ")[0] in refusal or len(words & said) * 2 >= len(words), refusal
