"""The body of a reply and the header beside it: written by the server, read by the client."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from socialnlp_assets.tasks.request_body import JSON, JSON_LINES, Request
from socialnlp_assets.tasks.task import Result, RowError, Task

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
MOST_ATTRIBUTES = 1024  # characters of custom attributes that SageMaker lets through


class BadReply(Exception):
    """The answer as a whole cannot be trusted: not JSON, not one result a text, or out of order."""


def write(request: Request, results: Sequence[Any], content_type: str = JSON) -> bytes:
    """The reply's body: one row a result of the engine's, in order."""
    rows = [request.task.write(result, request.parameters) for result in results]
    if content_type == JSON_LINES:
        return b"".join(to_json(row) + b"\n" for row in rows)
    return to_json(rows)  # pydantic's writes numbers six times as fast as the standard library's


def read(task: Task, body: bytes, headers: Mapping[str, str], count: int) -> list[Result]:
    """One result a text, in order; `headers` by lower-case names. A row that breaks the contract becomes a
    `RowError`; raises `BadReply` if the reply as a whole does."""
    truncated = truncated_positions(headers)
    results: list[Result] = []
    for position, row in enumerate(_rows(body, count)):
        try:
            results.append(task.read(row, position in truncated))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            results.append(RowError(f"the model's answer does not fit the task: {error}; it was {_cut(row)}"))
    return results


def _rows(body: bytes, count: int) -> list[Any]:
    try:
        rows = json.loads(body)
    except ValueError as error:
        raise BadReply(f"the model's answer is not JSON ({error}): {_cut(body)}") from None
    if not isinstance(rows, list):
        raise BadReply(f"the model's answer is not a list of results: {_cut(rows)}")
    if len(rows) != count:
        raise BadReply(f"the model answered {len(rows)} results for {count} texts")
    for position, row in enumerate(rows):
        # Order can be told only where the server numbers its results; stock containers do not.
        if isinstance(row, dict) and row.get("index", position) != position:
            raise BadReply(f"result {row['index']} came at position {position}: the answer is out of order")
    return rows


def truncated_header(positions: Sequence[int]) -> dict[str, str]:
    """The header that names cut texts, as far as SageMaker's limit on it goes (all of 256 texts fit)."""
    if not positions:
        return {}
    value = "truncated=" + ",".join(str(position) for position in sorted(positions))
    if len(value) > MOST_ATTRIBUTES:
        value = value[:MOST_ATTRIBUTES].rpartition(",")[0]
    return {ATTRIBUTES: value}


def truncated_positions(headers: Mapping[str, str]) -> frozenset[int]:
    """0-based positions of the texts of which the model read only the beginning."""
    found = re.search(r"\btruncated=([\d,]+)", headers.get(ATTRIBUTES.lower(), ""))
    return frozenset(int(position) for position in found[1].split(",") if position) if found else frozenset()


def _cut(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
