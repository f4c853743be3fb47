"""What every resource has in common: the shape of its YAML, its metadata, references by name.

The models are the source of the resource definitions: names are camelCase there, and a field whose
name ends in _ns here is a Kubernetes duration there.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic.alias_generators import to_camel

from alphatrade_operator.core.quantities import Name

GROUP = "alphatrade.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL rule that the API server holds, on the model or, with `at`, on one of its fields.

    at: name of the field in Python.  message: one line that names the field and the fix.
    """

    rule: str
    message: str
    at: str | None = None


def yaml_name(field_name: str) -> str:
    """Return a field's name in YAML."""
    return to_camel(field_name.removesuffix("_ns"))


class Model(BaseModel):
    """A frozen part of a resource that refuses fields it does not know.

    unavailable: fields of the design that this version refuses, with what to use in their place.
    cluster_only: fields that a run in one process passes over.  process_only: fields that a cluster does not take.
    rules: what the API server checks across fields; validators of the model say the same in one process.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=yaml_name)
    unavailable: ClassVar[dict[str, str]] = {}
    cluster_only: ClassVar[tuple[str, ...]] = ()
    process_only: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()


class OutOfOrder(ValueError):
    """Fields that are each acceptable but not together: (path below the model, what is wrong) each."""

    def __init__(self, findings: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in findings))
        self.findings = findings


class Reference(Model):
    """Another resource in the same namespace."""

    name: Name = Field(description="Name of the resource; it must be in the same namespace.")


_LabelKey = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=317)]
_LabelValue = Annotated[str, Strict(), StringConstraints(max_length=63)]
_AnnotationValue = Annotated[str, Strict(), StringConstraints(max_length=16_384)]


class Metadata(Model):
    """Who a resource is."""

    name: Name = Field(description="Name, unique among resources of this kind in the namespace.")
    namespace: Name = Field("default", description="The environment the resource belongs to.")
    labels: Annotated[dict[_LabelKey, _LabelValue], Field(max_length=64)] = Field(
        {}, description="Labels by which others select this resource."
    )
    annotations: Annotated[dict[_LabelKey, _AnnotationValue], Field(max_length=64)] = Field(
        {}, description="Notes for people and tools; no decision reads them."
    )


SpecT = TypeVar("SpecT", bound=Model)


class Resource(Model, Generic[SpecT]):
    """One document of the API: who it is, and what is wanted."""

    api_version: Literal["alphatrade.io/v1alpha1"] = Field(description="Version of the API.")
    kind: str = Field(description="Kind of the resource.", max_length=63)
    metadata: Metadata = Field(description="Who the resource is.")
    spec: SpecT = Field(description="What is wanted.")
