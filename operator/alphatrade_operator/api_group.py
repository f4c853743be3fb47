"""The kinds of the API group, in the order in which people meet them."""

from typing import Any

from alphatrade_operator.broker.model import BrokerConnection
from alphatrade_operator.core.model import Resource
from alphatrade_operator.evolution.model import Evolution
from alphatrade_operator.exploration_budget.model import ExplorationBudget
from alphatrade_operator.feed.model import MarketDataFeed
from alphatrade_operator.kill_switch.model import KillSwitch
from alphatrade_operator.ledger.model import PolicyLedgerEntry
from alphatrade_operator.proposal.model import GovernanceProposal
from alphatrade_operator.reflection.model import Reflection
from alphatrade_operator.replay.model import Replay
from alphatrade_operator.risk_template.model import RiskTemplate
from alphatrade_operator.sign_off.model import SignOff
from alphatrade_operator.strategy.model import Strategy

KINDS: tuple[type[Resource[Any]], ...] = (
    Strategy,
    RiskTemplate,
    ExplorationBudget,
    KillSwitch,
    GovernanceProposal,
    SignOff,
    PolicyLedgerEntry,
    Replay,
    Evolution,
    Reflection,
    MarketDataFeed,
    BrokerConnection,
)
