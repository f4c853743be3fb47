"""KillSwitch: stop orders now. Runtimes read it themselves; deleting it does not resume."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.definition import AGE, READY, WHY, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Resource, Rule
from alphatrade_operator.core.quantities import Elapsed, Prose, ShareBps
from alphatrade_operator.core.selector import LabelSelector
from alphatrade_operator.core.status import Status, Tally, Uid

Mode = Literal["Armed", "Reduce", "Halt", "Flatten"]
Scope = Literal["Namespace", "Cluster"]
MAX_SILENT = 20


class KillSwitchSpec(Model):
    """Whom it stops, how far, and why."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.mode == 'Armed' || has(self.reason)",
            "reason: missing; an engaged kill switch says why in a sentence",
        ),
    )

    mode: Mode = Field(
        description="Armed: nothing happens. Reduce: only orders that lower a position. Halt: no orders, working ones "
        "are canceled. Flatten: the same, and positions are closed."
    )
    selector: LabelSelector = Field(
        LabelSelector(),
        description="Strategies by their labels, among which alphatrade.io/metadata.name is the name; "
        "empty means all in the namespace.",
    )
    scope: Scope = Field(
        "Namespace",
        description="Namespace: strategies of its own namespace. Cluster: of all; only in the operator's namespace.",
    )
    reason: Prose | None = Field(None, description="Why; needed in every mode but Armed, repeated wherever it acts.")
    max_flatten_slippage_bps: ShareBps | None = Field(
        None,
        description="Flatten: furthest from the last valid mid that closing orders may trade, in bps; "
        "that of the RiskTemplate when absent.",
    )

    @model_validator(mode="after")
    def _reason_given(self) -> Self:
        if self.mode != "Armed" and self.reason is None:
            raise OutOfOrder([("reason", "missing; an engaged kill switch says why in a sentence")])
        return self


class KillSwitchStatus(Status):
    """Who has obeyed. Silence is `not acknowledged`, never `stopped`."""

    engagement: Uid | None = Field(None, description="Id of this engagement: UID and generation of the spec.")
    matched: Tally | None = Field(None, description="Strategies that it matches, or has matched while engaged.")
    acknowledged: Tally | None = Field(None, description="Of these, the ones whose runtime says that it has obeyed.")
    silent: Annotated[
        tuple[Annotated[str, Strict(), StringConstraints(max_length=128)], ...], Field(max_length=MAX_SILENT)
    ] = Field((), description="The first 20 that have not, as namespace/name.")
    slowest_acknowledgement_ns: Elapsed | None = Field(None, description="The longest that any runtime took to obey.")


class KillSwitch(Resource[KillSwitchSpec]):
    """An order to stop. What it has stopped stays stopped until a Rearm, also when it is deleted."""

    definition: ClassVar[Definition] = Definition(
        plural="killswitches",
        short="ks",
        status=KillSwitchStatus,
        columns=(
            Column("Mode", ".spec.mode", "What it orders."),
            Column("Matched", ".status.matched", "Strategies that it matches.", type="integer"),
            Column("Acked", ".status.acknowledged", "Strategies that have obeyed.", type="integer"),
            READY,
            WHY,
            Column("Reason", ".spec.reason", "Why it was engaged.", priority=1),
            AGE,
        ),
    )

    kind: Literal["KillSwitch"] = Field(description="Kind of the resource.")
