"""Numbers and times as spreadsheets write them: which digits are there, and which were rounded away.

A rounded number is not wrong to count with, but it identifies nothing, and as a time it may lie in another hour.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

WHOLE_LIMIT = 2**53  # beyond it a float stands for several whole numbers
LEAST_ROUNDED = 6  # decimal exponent from which a number in JSON is taken for a rounded one
_SCIENTIFIC = re.compile(r"[+-]?\d{1,40}(?:[.,](\d{1,40}))?[eE]([+-]?)(\d{1,4})", re.ASCII)
_WHOLE_AS_FLOAT = re.compile(r"-?(\d{1,40})[.,]0+", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}([.,' \u00a0\u202f])\d{3}(?:\1\d{3}){2,}", re.ASCII)
_SPREADSHEET_ERROR = re.compile(
    r"#+|#(?:N/A|N/D|REF!|RIF!|VALUE!|VALORE!|VALEUR!|NAME\?|NOME\?|NOM\?|DIV/0!|NUM!|NULL!)"
)
_DATE = r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})"
_TIME = r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?(?:\s?([ap])\.?m\.?)?"
_DATE_AND_TIME = re.compile(_DATE + r",?[ \u00a0\u202fT]+" + _TIME, re.ASCII | re.IGNORECASE)


def is_scientific(text: str) -> bool:
    """`1.5E+7`, `1,5E7`, `1E+7`; not `1E7`, which may be somebody's name for a thing."""
    written = _SCIENTIFIC.fullmatch(text)
    return written is not None and bool(written[1] or written[2])


def is_rounded(text: str) -> bool:
    """Whether a number in scientific notation leaves out digits before its point: `1.67346E+18`, `1,67346E+18`."""
    written = _SCIENTIFIC.fullmatch(text)
    return written is not None and int(written[3]) > len(written[1] or "") and written[2] != "-"


def exact(text: str) -> Decimal:
    """The number that scientific notation, with a point or a comma, stands for."""
    return Decimal(text.replace(",", "."))


def json_fraction(literal: str) -> float | str:
    """A fraction, or a number with an exponent, out of JSON; a large one that was rounded stays as it is written."""
    if is_rounded(literal) and int(literal.lower().partition("e")[2]) >= LEAST_ROUNDED:
        return literal
    return float(literal)


def without_groups(text: str) -> str:
    """`1.795.161.600.000` as `1795161600000`."""
    groups = _GROUPED.fullmatch(text)
    return text.replace(groups[1], "") if groups else text


def whole_name(text: str) -> str:
    """An identity as text. Raises ValueError for what identifies nothing: digits that were rounded away, `#####`."""
    as_float = _WHOLE_AS_FLOAT.fullmatch(text)
    if as_float and int(as_float[1]) > WHOLE_LIMIT:
        raise ValueError(ROUNDED)
    if _SPREADSHEET_ERROR.fullmatch(text):
        raise ValueError("what a spreadsheet shows instead of a value, which identifies nothing")
    if not is_scientific(text):
        return text
    number = exact(text)
    if is_rounded(text) or number != number.to_integral_value():
        raise ValueError(ROUNDED)
    return str(int(number))


ROUNDED = "a rounded number, which identifies nothing: write identities as text, with all their digits"
ROUNDED_TIME = "a rounded number, which may lie in another hour: write all its digits, or ISO 8601"


def date_and_time(text: str) -> datetime | None:
    """`20/11/2026 08:15`, `11/20/2026 8:15:30 PM`, `5.11.2026 08:15:30`; None for other texts.

    With points, and where it cannot be a month, the first number is the day. Raises ValueError where either could be.
    """
    found = _DATE_AND_TIME.fullmatch(text)
    if not found:
        return None
    first, mark, second, year, hour, minute, seconds, fraction, half = found.groups()
    day, month = (int(first), int(second)) if int(second) <= 12 else (int(second), int(first))
    if mark != "." and day <= 12 and day != month:
        raise ValueError("a date whose day may be its month: write ISO 8601")
    if half:
        if not 1 <= int(hour) <= 12:
            raise ValueError("no time that a clock knows: write ISO 8601")
        hour = str(int(hour) % 12 + 12 * (half.lower() == "p"))
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(int(year), month, day, int(hour), int(minute), int(seconds or 0), microsecond)
