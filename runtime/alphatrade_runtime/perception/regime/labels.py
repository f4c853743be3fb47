"""The market regimes: direction by volatility, and two labels that stand above both (semantics §5)."""

from enum import IntEnum, IntFlag


class Regime(IntEnum):
    """A label is 3 * (direction + 1) + volatility, so that both axes can be read back from it."""

    BEAR_CALM = 0
    BEAR_NORMAL = 1
    BEAR_STORM = 2
    NEUTRAL_CALM = 3
    NEUTRAL_NORMAL = 4
    NEUTRAL_STORM = 5
    BULL_CALM = 6
    BULL_NORMAL = 7
    BULL_STORM = 8
    DISLOCATED = 9
    UNCERTAIN = 10


class Kind(IntEnum):
    """What classifies."""

    RULES = 1
    HMM = 2


class Trouble(IntFlag):
    """What the market's state says against trusting its prices; each makes the regime Dislocated."""

    HALT = 1
    NO_QUOTE = 2
    FEED_FAULT = 4


class Trigger(IntEnum):
    """The metric that made a transition; its value and threshold are recorded in its own unit."""

    NONE = 0
    DIRECTION = 1  # t of the fast mean
    VOLATILITY = 2  # fast deviation over slow deviation
    SPREAD = 3  # spread over its median
    HALT = 4  # bits of Trouble
    NO_QUOTE = 5  # bits of Trouble
    FEED_FAULT = 6  # bits of Trouble
    RAW = 7  # largest |z_raw| of the belief's features
    CONFIDENCE = 8  # of the axes, or the lead of the likeliest label
    POSTERIOR = 9  # of the likeliest label


def title(label: int) -> str:
    """Name a label as it is written in YAML and shown to people: BullCalm."""
    return Regime(label).name.title().replace("_", "")


NAMES: dict[str, Regime] = {title(label): label for label in Regime}

BEAR, NEUTRAL, BULL = -1, 0, 1
CALM, NORMAL, STORM = 0, 1, 2
DISLOCATED = int(Regime.DISLOCATED)
UNCERTAIN = int(Regime.UNCERTAIN)
