"""What a user may say about the pod of a strategy: its image, its share of a node, which nodes."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.model import Model, OutOfOrder, Rule
from alphatrade_operator.core.quantities import parse_quantity
from alphatrade_operator.core.selector import LabelKey, LabelValue

Image = Annotated[
    str,
    Strict(),
    StringConstraints(
        pattern=r"^[a-z0-9][-a-z0-9._/:]*(:[A-Za-z0-9_][-A-Za-z0-9_.]*|@sha256:[0-9a-f]{64})$", max_length=512
    ),
]
Cpu = Annotated[
    str, Strict(), StringConstraints(pattern=r"^([1-9][0-9]{0,5}m|[1-9][0-9]{0,2}(\.[0-9]{1,3})?)$", max_length=8)
]
Memory = Annotated[str, Strict(), StringConstraints(pattern=r"^[1-9][0-9]{0,8}(Ki|Mi|Gi|k|M|G)?$", max_length=12)]


class Compute(Model):
    """An amount of CPU and memory."""

    cpu: Cpu | None = Field(None, description='CPU in cores or thousandths, in quotes, such as "500m" or "2".')
    memory: Memory | None = Field(None, description='Memory, in quotes, such as "512Mi".')


class Resources(Model):
    """What a pod is promised, and what it may not pass."""

    rules: ClassVar[tuple[Rule, ...]] = tuple(
        Rule(
            f"!has(self.requests.{name}) || !has(self.limits.{name}) || "
            f"quantity(self.requests.{name}).compareTo(quantity(self.limits.{name})) <= 0",
            f"requests.{name} is above limits.{name}; lower the request or raise the limit",
        )
        for name in ("cpu", "memory")
    )

    requests: Compute = Field(Compute(), description="What the node sets aside for the pod.")
    limits: Compute = Field(Compute(), description="What the pod may use at most.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        pairs = (
            ("cpu", self.requests.cpu, self.limits.cpu),
            ("memory", self.requests.memory, self.limits.memory),
        )
        findings = [
            (f"requests.{name}", f"{request} is above limits.{name} ({limit}); lower the request or raise the limit")
            for name, request, limit in pairs
            if request and limit and parse_quantity(request) > parse_quantity(limit)
        ]
        if findings:
            raise OutOfOrder(findings)
        return self


class Toleration(Model):
    """A taint of nodes that the pod puts up with."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("self.operator == 'Equal' || !has(self.value)", "value: Exists takes none; remove it"),
        Rule("self.operator == 'Exists' || has(self.key)", "key: missing; Equal needs one"),
    )

    key: LabelKey | None = Field(None, description="Key of the taint; absent with Exists means every taint.")
    operator: Literal["Equal", "Exists"] = Field("Equal", description="Equal compares value; Exists does not.")
    value: LabelValue | None = Field(None, description="Value of the taint, for Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint; every one when absent."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise OutOfOrder([("value", "Exists takes none; remove it")])
        if self.operator == "Equal" and self.key is None:
            raise OutOfOrder([("key", "missing; Equal needs one")])
        return self


class Scheduling(Model):
    """On which nodes a pod may run."""

    node_selector: Annotated[dict[LabelKey, LabelValue], Field(max_length=16)] = Field(
        {}, description="Labels that a node must have."
    )
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = Field(
        (), description="Taints of nodes that the pod puts up with."
    )
