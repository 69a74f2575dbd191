"""From an endpoint's answers to a step's rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from socialnlp_assets.assets import usage
from socialnlp_assets.assets.models import canary
from socialnlp_assets.assets.quarantine import Rejected
from socialnlp_assets.assets.step import Hour, Result
from socialnlp_assets.resources.endpoints.metering import Usage
from socialnlp_assets.schemas import Schema
from socialnlp_assets.tasks import RowError


def ask(hour: Hour, model: str, texts: Sequence[str], **arguments: Any) -> tuple[list[Any], Usage]:
    """One typed result or `RowError` a text, in order, from a leased endpoint, and what that came to."""
    with hour.endpoints.lease(model, step=hour.step, shapes=hour.shapes) as predictor:
        results = predictor.predict(texts, **arguments)
    canary.compare(hour.endpoints, model, texts, results, arguments, hour.shapes)
    return results, predictor.usage


def result_of_answers(
    table: pa.Table,
    answers: Sequence[Sequence[Any]],
    schema: Schema,
    columns: Callable[..., Mapping[str, Any]],
    usages: Sequence[Usage] = (),
    **rest: Any,
) -> Result:
    """One row a message whose answers are all results; a message with a `RowError` among them is rejected.

    `table` is what was asked about: `message_id` first, then the text. `answers` has one list a model, each
    as long as the table. `columns` makes a row's new columns of its answers, one argument a model.
    """
    rows: list[dict[str, Any]] = []
    rejected: list[Rejected] = []
    keys, texts = table.column(0).to_pylist(), table.column(1).to_pylist()
    for key, text, *given in zip(keys, texts, *answers, strict=True):
        errors = [answer.reason for answer in given if isinstance(answer, RowError)]
        if errors:
            rejected.append(Rejected("; ".join(errors), text, message_id=key))
        else:
            rows.append({"message_id": key, **columns(*given)})
    result = Result(
        pa.Table.from_pylist(rows, schema=schema.arrow),
        rows_in=table.num_rows,
        rejected=rejected,
        read=table,
        **rest,
    )
    result.metadata |= usage.of_step(usages)
    return result
