"""Amounts of CPU and memory in the form in which the API server keeps them, so that equal ones compare equal. Pure."""

import re
from decimal import Decimal

_MEMORY = re.compile(r"([0-9]+)(Ki|Mi|Gi|k|M|G)?")
_BINARY = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def canonical_cpu(text: str) -> str:
    """Return an amount of CPU: whole cores as such, else thousandths."""
    thousandths = int(Decimal(text.removesuffix("m")) * (1 if text.endswith("m") else 1_000))
    return f"{thousandths}m" if thousandths % 1_000 else str(thousandths // 1_000)


def canonical_memory(text: str) -> str:
    """Return an amount of memory in the largest unit, of the same system, that leaves no fraction."""
    match = _MEMORY.fullmatch(text)
    if match is None:
        return text
    number, unit = int(match[1]), match[2] or ""
    units = _BINARY if unit.endswith("i") else _DECIMAL
    total = number * units[unit]
    best = max((name for name, size in units.items() if total % size == 0), key=units.__getitem__)
    return f"{total // units[best]}{best}"
