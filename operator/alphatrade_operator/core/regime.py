"""Market regimes by name."""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from alphatrade_operator.core.status import AS_SET

Regime = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=32)]
Regimes = Annotated[tuple[Regime, ...], Field(min_length=1, max_length=16, json_schema_extra=AS_SET)]

Label = Literal[
    "BearCalm",
    "BearNormal",
    "BearStorm",
    "NeutralCalm",
    "NeutralNormal",
    "NeutralStorm",
    "BullCalm",
    "BullNormal",
    "BullStorm",
    "Dislocated",
    "Uncertain",
]
"""What a runtime classifies the market as: direction and volatility, or that it cannot say."""

Labels = Annotated[tuple[Label, ...], Field(max_length=11, json_schema_extra=AS_SET)]
