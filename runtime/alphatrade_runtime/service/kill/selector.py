"""Label selectors as Kubernetes reads them. Source: LabelSelectorAsSelector of k8s.io/apimachinery."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_PREFIX = 253
_WITH_VALUES = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}


class Unreadable(ValueError):
    """A field that cannot be read as Kubernetes would: which one, and why."""


@dataclass(frozen=True)
class Requirement:
    """One condition on a label. An absent label is NotIn."""

    key: str
    operator: str
    values: frozenset[str]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""
        present = self.key in labels
        if self.operator == "In":
            return present and labels[self.key] in self.values
        if self.operator == "NotIn":
            return not present or labels[self.key] not in self.values
        return present == (self.operator == "Exists")


@dataclass(frozen=True)
class Selector:
    """Conditions that must all be met; none match everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet every condition."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def read_selector(given: Any) -> Selector:
    """Read matchLabels and matchExpressions; None is everything. Raises Unreadable."""
    if given is None:
        return Selector()
    if not isinstance(given, dict) or set(given) - {"matchLabels", "matchExpressions"}:
        raise Unreadable("selector: must hold matchLabels and matchExpressions only")
    exact = given.get("matchLabels") or {}
    expressions = given.get("matchExpressions") or []
    if not isinstance(exact, dict) or not isinstance(expressions, list):
        raise Unreadable("selector: matchLabels must be a map, matchExpressions a list")
    equal = [_requirement(key, "In", [value]) for key, value in exact.items()]
    return Selector((*equal, *(_expression(expression) for expression in expressions)))


def _expression(given: Any) -> Requirement:
    if not isinstance(given, dict):
        raise Unreadable("selector.matchExpressions: each must be a map")
    return _requirement(given.get("key"), given.get("operator"), given.get("values") or [])


def _requirement(key: Any, operator: Any, values: Any) -> Requirement:
    if not isinstance(key, str) or not _is_key(key):
        raise Unreadable(f"selector: {key!r} is no label key")
    if not isinstance(operator, str) or operator not in _WITH_VALUES:
        raise Unreadable(f"selector: {key}: unknown operator {operator!r}")
    if not isinstance(values, list) or _WITH_VALUES[operator] != bool(values):
        raise Unreadable(f"selector: {key}: In and NotIn need values, Exists and DoesNotExist take none")
    for value in values:
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise Unreadable(f"selector: {key}: {value!r} is no label value")
    return Requirement(key, operator, frozenset(values))


def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    prefix_fits = bool(_PREFIX.fullmatch(prefix)) and len(prefix) <= _MAX_PREFIX if slash else True
    return prefix_fits and bool(_NAME.fullmatch(name))
