"""Kubernetes quantities (`500m`, `1.5Gi`, `2e3`) as whole thousandths, and back for people."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeAlias

Amounts: TypeAlias = Mapping[str, int]
"""Thousandths by the name of the resource (`cpu`, `memory`, `pods`, `nvidia.com/gpu`, …)."""

THOUSAND = 1000
_LENGTH_MAX = 40
_EXPONENT_MAX = 30
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?"
)
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {"n": -3, "u": -2, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BYTES = ("memory", "storage", "hugepages")


def thousandths(quantity: object) -> int | None:
    """The quantity, rounded up; `None` for what is none."""
    if isinstance(quantity, int | float) and not isinstance(quantity, bool):
        return math.ceil(Fraction(quantity) * THOUSAND) if math.isfinite(quantity) else None
    if not isinstance(quantity, str) or len(quantity) > _LENGTH_MAX:
        return None
    read = _QUANTITY.fullmatch(quantity.strip())
    if read is None:
        return None
    number, suffix, exponent = Fraction(read[1]), read[2], int(read[3] or 0)
    if abs(exponent) > _EXPONENT_MAX:
        return None
    if suffix in _BINARY:
        number *= 1024 ** (_BINARY.index(suffix) + 1)
    elif suffix:
        number *= Fraction(THOUSAND) ** _DECIMAL[suffix]
    return math.ceil(number * Fraction(10) ** exponent * THOUSAND)


def amounts(quantities: Mapping[str, object]) -> dict[str, int]:
    """Those of the quantities that are some."""
    read = ((name, thousandths(each)) for name, each in quantities.items())
    return {name: value for name, value in read if value is not None}


def summed(many: Iterable[Amounts]) -> dict[str, int]:
    """Resource by resource, all together."""
    total: dict[str, int] = {}
    for each in many:
        for name, value in each.items():
            total[name] = total.get(name, 0) + value
    return total


def times(each: Amounts, count: int) -> dict[str, int]:
    """So many of it."""
    return {name: value * count for name, value in each.items()}


def larger(one: Amounts, other: Amounts) -> dict[str, int]:
    """Resource by resource, the larger one."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}


def shown(resource: str, value: int) -> str:
    """As a person would write it: bytes in binary units, everything else plain."""
    number, unit = Fraction(value, THOUSAND), ""
    if any(word in resource for word in _BYTES):
        for larger_unit in _BINARY:
            if abs(number) < 1024:
                break
            number, unit = number / 1024, larger_unit
    return f"{float(number):.3f}".rstrip("0").rstrip(".") + unit
