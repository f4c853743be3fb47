"""What every resource has in common: the shape of its YAML, its metadata, references by name.

The models are the source of the resource definitions: names are camelCase there, and a field whose
name ends in _ns here is a Kubernetes duration there.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, Strict, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from alphatrade_operator.core.quantities import Name

if TYPE_CHECKING:
    from alphatrade_operator.core.definition import Definition

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


RULES = "x-kubernetes-validations"
IMMUTABLE = Rule("self == oldSelf", "spec cannot change; make another object", at="spec")


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

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> dict[str, Any]:
        """Describe what a cluster takes: rules added, fields of one process left out."""
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        for name in cls.process_only:
            schema["properties"].pop(cls.model_fields[name].alias or name)
        for rule in cls.rules:
            at = schema if rule.at is None else schema["properties"][cls.model_fields[rule.at].alias or rule.at]
            at[RULES] = [*at.get(RULES, []), {"rule": rule.rule, "message": rule.message}]
        return reference


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
    """One document of the API: who it is, and what is wanted.

    root_rules: what the API server checks of the whole document, or at `spec` or `status`.
    """

    definition: ClassVar["Definition"]
    root_rules: ClassVar[tuple[Rule, ...]] = ()

    api_version: Literal["alphatrade.io/v1alpha1"] = Field(description="Version of the API.")
    kind: str = Field(description="Kind of the resource.", max_length=63)
    metadata: Metadata = Field(description="Who the resource is.")
    spec: SpecT = Field(description="What is wanted.")
