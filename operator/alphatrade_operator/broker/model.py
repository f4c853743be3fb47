"""BrokerConnection: where orders go, and the account they are made for."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.definition import AGE, MESSAGE, READY, WHY, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Reference, Resource, Rule
from alphatrade_operator.core.quantities import MILLISECOND, Amount, Elapsed, Latency, Money, Switch, Time
from alphatrade_operator.core.status import Latch, Status, Tally

Currency = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Z][A-Z0-9]{2,9}$", max_length=10)]


class PaperExchange(Model):
    """The simulated exchange. Its fills are simulated, and every report says so."""

    initial_cash: Money = Field(description='Cash at the start in account currency, a decimal such as "1000000".')
    currency: Currency = Field("USDT", description="Account currency.")
    queue_model: Literal["RiskAverse", "Probabilistic"] = Field(
        "RiskAverse", description="How the queue ahead of a resting order is assumed to shrink."
    )
    partial_fills: Switch = Field(True, description="Whether an order may fill in parts.")
    order_entry_latency_ns: Latency = Field(
        10 * MILLISECOND, description="Time from sending an order to its arrival at the exchange."
    )
    response_latency_ns: Latency = Field(
        10 * MILLISECOND, description="Time from an event at the exchange to the arrival of its report."
    )
    cancel_on_disconnect: Switch = Field(
        True, description="Whether the exchange cancels working orders when the connection is lost."
    )


class BrokerConnectionSpec(Model):
    """One account at one venue: paper, the only one of this version."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("has(self.paper)", "paper: missing; give it, the only broker of this version"),
        Rule("self.environment == 'Paper'", "environment: Sandbox and Live need a venue; a paper exchange is Paper"),
        Rule(
            "self == oldSelf",
            "environment cannot change; make another BrokerConnection for the other environment",
            at="environment",
        ),
    )

    unavailable: ClassVar[dict[str, str]] = {
        "fix": "there is no FIX adapter; use paper",
        "credentialsSecretRef": "a paper exchange needs no credentials",
        "failover": "remove it",
    }

    paper: PaperExchange | None = Field(None, description="The simulated exchange.")
    environment: Literal["Paper", "Sandbox", "Live"] = Field(
        "Paper", description="What the account's orders are: Paper (simulated), Sandbox (a venue's test system), Live."
    )
    risk_template_ref: Reference | None = Field(
        None, description="RiskTemplate of the account; that of the Strategy when absent."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.paper is None:
            raise OutOfOrder([("paper", "missing; give it, the only broker of this version")])
        if self.environment != "Paper":
            raise OutOfOrder([("environment", f"'{self.environment}' needs a venue; a paper exchange is Paper")])
        return self


class BrokerConnectionStatus(Status):
    """Whether the account can be traded, and what the gateway knows of it."""

    phase: Literal["Pending", "Starting", "Serving", "Failed"] | None = Field(
        None, description="Pending: there is no gateway yet. Serving: strategies can log on."
    )
    simulated: Switch | None = Field(None, description="Whether fills are simulated.")
    sessions: Tally | None = Field(None, description="Order sessions of strategies that are on.")
    last_reconcile_time: Time | None = Field(None, description="When the books were last compared.")
    breaks: Tally | None = Field(None, description="Books that did not agree, since the account began.")
    credential_age_ns: Elapsed | None = Field(
        None, description="Age of the venue's credentials; absent where there are none."
    )
    nav: Amount | None = Field(None, description="Net asset value in account currency.")
    latched: Latch | None = Field(None, description="What holds the account; absent when nothing does.")


class BrokerConnection(Resource[BrokerConnectionSpec]):
    """An account that strategies trade."""

    definition: ClassVar[Definition] = Definition(
        plural="brokerconnections",
        short="bc",
        status=BrokerConnectionStatus,
        columns=(
            Column("Environment", ".spec.environment", "What the account's orders are."),
            Column("Phase", ".status.phase", "What the gateway does."),
            Column("Sessions", ".status.sessions", "Order sessions that are on.", type="integer"),
            Column("Latched", ".status.latched.by", "What holds the account."),
            READY,
            WHY,
            Column("Breaks", ".status.breaks", "Books that did not agree.", type="integer", priority=1),
            Column("Reconciled", ".status.lastReconcileTime", "Since the books were last compared.", "date", 1),
            MESSAGE,
            AGE,
        ),
    )

    kind: Literal["BrokerConnection"] = Field(description="Kind of the resource.")
