"""Quantities as the API server gives them back, so that what is there can be compared with what is wanted. Pure."""

from decimal import ROUND_CEILING, Decimal

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")


def cores(cpu: float) -> str:
    """CPU cores, to the thousandth: 2 is `2`, 0.5 is `500m`."""
    thousandths = max(1, round(cpu * 1000))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def memory(quantity: str) -> str:
    """A valid quantity of bytes in the largest unit of its kind that leaves it whole: 1024Mi is `1Gi`."""
    number = quantity.rstrip("KMGTki")
    unit = quantity[len(number) :]
    units, base = (_BINARY, 1024) if unit.endswith("i") else (_DECIMAL, 1000)
    whole = int((Decimal(number) * base ** units.index(unit)).to_integral_value(ROUND_CEILING))
    power = 0
    while whole and whole % base == 0 and power < len(units) - 1:
        whole, power = whole // base, power + 1
    return f"{whole}{units[power]}"
