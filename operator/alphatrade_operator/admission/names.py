"""Names by which CEL knows what is ours: it sees names only, so they have a form of their own."""

from alphatrade.names import CHILD_PREFIXES, GROUP
from alphatrade_operator.evolution.model import Evolution
from alphatrade_operator.pki.render import AUTHORITY_SECRET
from alphatrade_operator.reflection.model import Reflection
from alphatrade_operator.replay.model import Replay

_MACHINES = {kind.__name__: kind.definition.short for kind in (Reflection, Evolution, Replay)}
_PREFIXES = "|".join((*CHILD_PREFIXES.values(), *_MACHINES.values()))
_UID = "[0-9a-f]{8}"  # of the owner; see alphatrade.names.child_name

CHILD = f"'^({_PREFIXES})-[-a-z0-9]+-{_UID}$'"
SECRET = f"'^(({_PREFIXES})-[-a-z0-9]+-{_UID}|{AUTHORITY_SECRET})$'"
CLAIM = f"'^data-({_PREFIXES})-[-a-z0-9]+-{_UID}-[0-9]+$'"
CLAIM_WITHOUT_ORDINAL = f"'^data-({_PREFIXES})-[-a-z0-9]+-{_UID}$'"
ANY = f"'^(data-)?({_PREFIXES})-[-a-z0-9]+-{_UID}(-[0-9]+)?$'"

DECOMMISSIONED = f"{GROUP}/decommissioned"  # on a namespace or a definition: SHA-256 of the ledger's export


def own_account(kind: str) -> str:
    """Return the CEL pattern of the users that a kind's own pods are; in the namespace of the request."""
    return f"'^system:serviceaccount:' + request.namespace + ':{_MACHINES[kind]}-[-a-z0-9]+-{_UID}$'"
