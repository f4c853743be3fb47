"""Label selectors as Kubernetes writes them, read in the same sense everywhere."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade.names import NAME_LABEL
from alphatrade_operator.core.model import Metadata, Model, OutOfOrder, Rule

LabelKey = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=317)]
LabelValue = Annotated[
    str, Strict(), StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)
]
_WITH_VALUES = ("In", "NotIn")


def selectable_labels(metadata: Metadata) -> dict[str, str]:
    """Return the labels that selectors see: those given, and the name as Kubernetes does it for namespaces.

    So a kill switch can name one Strategy that has no label of its own, without the operator's help.
    """
    return {**metadata.labels, NAME_LABEL: metadata.name}


class Requirement(Model):
    """One condition on a label."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.operator in ['In', 'NotIn']) == (self.values.size() > 0)",
            "values: In and NotIn need at least one, Exists and DoesNotExist take none",
        ),
    )

    key: LabelKey = Field(description="Key of the label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(
        description="In, NotIn: compare with values; an absent label is NotIn. Exists, DoesNotExist: the key alone."
    )
    values: Annotated[tuple[LabelValue, ...], Field(max_length=64)] = Field(
        (), description="Values for In and NotIn; none for the others."
    )

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if (self.operator in _WITH_VALUES) != bool(self.values):
            text = "In and NotIn need at least one, Exists and DoesNotExist take none"
            raise OutOfOrder([("values", text)])
        return self

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet this condition."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
        return value is None


class LabelSelector(Model):
    """Which resources are meant, by their labels; empty means all. Every condition must be met."""

    match_labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=64)] = Field(
        {}, description="Labels with exactly these values."
    )
    match_expressions: Annotated[tuple[Requirement, ...], Field(max_length=64)] = Field(
        (), description="Conditions on labels."
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet every condition."""
        exact = all(labels.get(key) == value for key, value in self.match_labels.items())
        return exact and all(requirement.matches(labels) for requirement in self.match_expressions)
