"""Which limit a session would get looser than the one that it runs under. Pure.

A RiskTemplate holds its own loosenings back. A Strategy's limits come from elsewhere too: another template that it is
made to refer to, and what its feed has to say.
"""

from collections.abc import Mapping
from typing import Any

from alphatrade_operator.core.plan import Finding
from alphatrade_operator.risk_template.effective import looser
from alphatrade_operator.risk_template.limits import limit_text, limits_of

LOOSENED = "Loosened"


def loosened(running: Mapping[str, Any], wanted: Mapping[str, Any], whose: str) -> Finding | None:
    """Return the first limit that is looser in the wanted envelope. whose: where that comes from, for the message.

    An instrument that is new to the session is none that was loosened: its template allowed it before.
    """
    before = {limit.path: limit.value for limit in limits_of(running)}
    for limit in limits_of(wanted):
        if limit.path in before and looser(limit.field, before[limit.path], limit.value):
            new, old = limit_text(limit.field, limit.value), limit_text(limit.field, before[limit.path])
            text = f"{whose}: {limit.path} is {new}, looser than {old}, under which it runs; refer to limits as tight"
            return Finding(LOOSENED, f"{text}; a proposal that loosens them comes with a later version")
    return None
