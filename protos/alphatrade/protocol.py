"""Which protocol a side speaks, and which ones it understands: its own, the one before, and the one behind it.

A pod says its own in each status. What is behind is understood because protocols only grow by fields (`buf breaking`
holds that), and has to be: an operator that was rolled back meets pods that were rolled forward.
"""

PROTOCOL = 2
FIRST = 1  # of v0.1.0, which did not say it yet


def told(protocol: int) -> int:
    """Return the protocol that a status tells; 0 is one that says nothing of it."""
    return protocol or FIRST


def understood(protocol: int, own: int = PROTOCOL) -> bool:
    """Whether a side of protocol `own` understands one that tells `protocol`."""
    return abs(told(protocol) - own) <= 1
