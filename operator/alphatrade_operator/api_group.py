"""The kinds of the API group, in the order in which people meet them."""

from typing import Any

from alphatrade_operator.broker.model import BrokerConnection
from alphatrade_operator.core.model import Resource
from alphatrade_operator.feed.model import MarketDataFeed
from alphatrade_operator.kill_switch.model import KillSwitch
from alphatrade_operator.risk_template.model import RiskTemplate
from alphatrade_operator.strategy.model import Strategy

KINDS: tuple[type[Resource[Any]], ...] = (Strategy, RiskTemplate, MarketDataFeed, BrokerConnection, KillSwitch)
