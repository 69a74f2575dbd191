"""What a field of a raw message may hold, and the column's value that it becomes.

A converter raises ValueError, with what was expected, when a required field cannot be read; what an
optional field cannot hold becomes None: a follower count that is no number is no reason to lose a post.
"""

from __future__ import annotations

import ast
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from . import notation
from .json_values import is_shallow
from .message import clean_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_ERROR_SECONDS = 24 * 3600  # how far into the future a source's clock may be
ID_LIMIT = 1024
SECONDS_LIMIT = 10**11  # larger numbers count milliseconds, or microseconds, or nanoseconds
LANGUAGES = {
    **{
        "eng": "en",
        "ita": "it",
        "fra": "fr",
        "fre": "fr",
        "swa": "sw",
        "swh": "sw",
        "kin": "rw",
        "deu": "de",
        "ger": "de",
    },
    **{
        "spa": "es",
        "por": "pt",
        "english": "en",
        "italian": "it",
        "french": "fr",
        "swahili": "sw",
        "kinyarwanda": "rw",
    },
    **{"iw": "he", "in": "id", "ji": "yi"},  # codes that ISO has withdrawn
}
TIME_EXPECTED = "milliseconds since 1970 or ISO 8601 is expected"
STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}
_TRANSLATED, _ORIGINAL = "(Translated by Google)", "(Original)"


def is_nothing(value: Any) -> bool:
    """None, and the NaN that data frames write for it."""
    return value is None or (isinstance(value, float) and value != value)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_kind(value)} where a text is expected")
    return clean_text(value)


def original_text(value: Any) -> str:
    """A review's text as written: Google puts its translation around it when asked by an English account."""
    review = text(value)
    if _TRANSLATED not in review:
        return review
    if _ORIGINAL in review:
        return review.split(_ORIGINAL, 1)[1].strip()
    return review.split(_TRANSLATED, 1)[0].strip() or review


def identifier(value: Any) -> str:
    """An identity is a text or a whole number. Data frames make floats of numbers, spreadsheets round them: what has
    lost digits is refused, for it would be the name of many."""
    if isinstance(value, float) and value.is_integer():
        if abs(value) > notation.WHOLE_LIMIT:
            raise ValueError(notation.ROUNDED)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{_kind(value)} where a text or a whole number is expected")
    if isinstance(value, int) and value.bit_length() > 256:
        raise ValueError("a number too large for an identity")
    name = clean_text(str(value)).strip()
    if not name:
        raise ValueError("empty")
    if len(name) > ID_LIMIT:
        raise ValueError(f"longer than {ID_LIMIT} characters")
    return notation.whole_name(name)


def moment(value: Any) -> datetime:
    """A time in UTC: seconds, milliseconds, microseconds or nanoseconds since 1970, ISO 8601, a spreadsheet's date
    with its time, or a datetime.

    A time without a zone is UTC. Times before 2000, or later than a day from now, are refused, as are a day without
    a time and a number that has lost digits: both may lie in another hour.
    """
    if isinstance(value, str):
        value = _read_moment(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float | datetime):
        raise ValueError(f"{_kind(value)} where {TIME_EXPECTED}")
    try:
        when = _since_epoch(value) if not isinstance(value, datetime) else _in_utc(value)
    except (ValueError, OverflowError) as error:
        raise ValueError("no time that a calendar knows") from error
    if not when >= EARLIEST or when.timestamp() > time.time() + CLOCK_ERROR_SECONDS:
        raise ValueError(f"{when:%Y-%m-%dT%H:%M:%SZ}, which is not plausible: before 2000 or in the future")
    return when


def _read_moment(value: str) -> int | float | datetime:
    value = notation.without_groups(value)
    if value.isdecimal():
        return int(value[:30])
    if notation.is_rounded(value):
        raise ValueError(notation.ROUNDED_TIME)
    if notation.is_scientific(value):
        return float(notation.exact(value))
    if _is_number(value):
        return float(value)
    if shown := notation.date_and_time(value):
        return shown
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"a text where {TIME_EXPECTED}") from error
    if len(value) <= len("2026-11-20"):
        raise ValueError(f"a day without its time where {TIME_EXPECTED}")
    return found


def language(value: Any) -> str | None:
    """The ISO 639-1 code of `en-GB`, `it_IT`, `ita`, `Italian`; None for `und`, nothing, and what is no code."""
    code = re.split(r"[-_]", value.strip().lower(), maxsplit=1)[0] if isinstance(value, str) else ""
    code = LANGUAGES.get(code, code)
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def topics(value: Any) -> list[str]:
    """Topic ids in their order, each once: a list, one id, or a text that holds a list or ids with commas."""
    if is_nothing(value):
        return []
    if isinstance(value, str):
        parsed = structure(value)
        value = parsed if isinstance(parsed, list | tuple) else re.split(r"[,;|]", value)
    found = value if isinstance(value, list | tuple) else [value]
    return list(dict.fromkeys(identifier(topic) for topic in found if not is_nothing(topic) and topic != ""))


def channel(value: Any) -> str:
    """A channel in capitals, fit for a partition: `web`, `Google Plus` → `WEB`, `GOOGLE_PLUS`."""
    name = re.sub(r"[^A-Z0-9]+", "_", identifier(value).upper()).strip("_")
    if not name:
        raise ValueError("a text without a letter or a digit, which names no channel")
    return name


def optional_text(value: Any) -> str | None:
    return (clean_text(value).strip() or None) if isinstance(value, str) else None


def optional_identifier(value: Any) -> str | None:
    try:
        return identifier(value)
    except ValueError:
        return None


def count(value: Any) -> int | None:
    try:
        number = int(float(value)) if isinstance(value, str | float) else value
    except (ValueError, OverflowError):
        return None
    return number if type(number) is int and 0 <= number < 2**63 else None


def rating(value: Any) -> int | None:
    """Stars, 1 to 5, as a number or as Business Profile's word."""
    stars = STARS.get(value.strip().upper(), value) if isinstance(value, str) else value
    stars = count(stars)
    return stars if stars is not None and 1 <= stars <= 5 else None


def country(value: Any) -> str | None:
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def structure(value: str) -> Any:
    """The list or object that a table's cell holds, as JSON or as Python writes it; None when it holds none."""
    if value[:1] not in ("{", "[") or not is_shallow(value):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        int: "a number",
        float: "a number",
        bool: "true or false",
    }
    return names.get(type(value), "nothing" if value is None else type(value).__name__)


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII) is not None


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _since_epoch(value: float) -> datetime:
    if not abs(value) < 10**20:  # NaN too
        raise OverflowError
    milliseconds = int(value * 1000)
    while abs(milliseconds) >= SECONDS_LIMIT * 1000:
        milliseconds //= 1000
    return EPOCH + timedelta(milliseconds=milliseconds)
