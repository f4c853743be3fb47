"""AlphaTrade runtime: perceive, decide, obey the law, execute, record."""

from alphatrade_runtime.numerics import pins

pins.apply()
