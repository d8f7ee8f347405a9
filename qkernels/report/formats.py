"""Numbers and names as the writers show them. Units stand in the headers, or are part of the text here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from qkernels.report.record import Interval

NONE = "–"
"""What stands where a figure does not exist."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def clean(text: str) -> str:
    """`text` on one line, without control characters: names come from model files and may hold anything."""
    return _CONTROL.sub(" ", text).strip()


def number(value: float | None, digits: int = 3) -> str:
    """`value` with about `digits` significant digits, never in powers of ten: 1234, 12.3, 0.0123."""
    if value is None:
        return NONE
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    decimals = min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 9)
    # Rounding can add a digit (9.996 -> 10.00); the count of decimals then follows the rounded number.
    rounded = round(value, decimals)
    if rounded:
        decimals = min(max(digits - 1 - math.floor(math.log10(abs(rounded))), 0), 9)
    return f"{value:.{decimals}f}"


def count(value: int | None) -> str:
    """A count with thousands separated by a thin space that does not break."""
    return NONE if value is None else f"{value:,}".replace(",", "\u202f")


def interval(value: Interval | None, digits: int = 3) -> str:
    """`12.3 [12.1, 12.6]`."""
    return NONE if value is None else f"{number(value.median, digits)} {bounds(value.low, value.high, digits)}"


def bounds(low: float, high: float, digits: int = 3) -> str:
    """`[12.1, 12.6]`."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def percent(fraction: float | None, digits: int = 3) -> str:
    """A fraction in per cent, without the sign. What is not quite 100 is never shown as 100."""
    if fraction is None:
        return NONE
    text = number(fraction * 100, digits)
    if fraction < 1:
        decimals = 0
        while float(text) == 100 and decimals < 12:
            decimals += 1
            text = f"{fraction * 100:.{decimals}f}"
    return text


def shape(value: Iterable[int]) -> str:
    """`1×112×112×32`."""
    return "×".join(str(size) for size in value) or "scalar"


def size(bytes_: int) -> str:
    """A cache's size in the binary units that data sheets use."""
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if bytes_ >= scale:
            return f"{number(bytes_ / scale)} {unit}"
    return f"{bytes_} B"


def shorten(text: str, length: int) -> str:
    """`text` of at most `length` characters, cut in the middle: names differ at both ends."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head):]}"
