"""`classifications` and `themes`: the labels of a message. Multi-label, or one label for each of several aspects.

Both are the same code with other models; what the model does (its task in the catalogue) decides the columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import pyarrow.compute as pc

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Hour, Lineage, Result, Step, text_of
from socialnlp_assets.models import ModelEntry, load_catalogue
from socialnlp_assets.schemas import Schema, aspects_schema, label_column, multi_label_schema
from socialnlp_assets.tasks import Scores
from socialnlp_assets.workflow import Classifications, Workflow


def _options(workflow: Workflow, step: str) -> Classifications:
    options: Classifications | None = getattr(workflow.steps, step)
    assert options is not None
    return options


def _entry(workflow: Workflow, step: str) -> ModelEntry:
    return load_catalogue()[_options(workflow, step).model]


def classify(step: str, hour: Hour) -> Result:
    options, entry = _options(hour.workflow, step), _entry(hour.workflow, step)
    table, _ = hour.texts()
    rows_in = table.num_rows
    dropped: Counter[str] = Counter()
    if options.only:
        posts = hour.read("posts", ["message_id", "kind"])
        wanted = posts.filter(pc.equal(posts["kind"], options.only))["message_id"]
        table = table.filter(pc.is_in(table["message_id"], value_set=wanted.combine_chunks()))
        if rows_in > table.num_rows:
            dropped[f"not {options.only}"] = rows_in - table.num_rows
    texts = table.column(1).to_pylist()
    targets = entry.targets or (None,)
    asked = [ask(hour, options.model, texts, **({"target": t} if t else {})) for t in targets]
    result = result_of_answers(
        table,
        [answers for answers, _ in asked],
        _schema(step, hour.workflow),
        _aspects_row(entry) if entry.task == "aspects" else _labels_row(_prefix(step), options.threshold),
        [sum((usage for _, usage in asked[1:]), start=asked[0][1])],
        dropped=dropped,
    )
    result.rows_in = rows_in
    return result


def _prefix(step: str) -> str:
    """Themes and classifications share labels (Products), and `output` joins both."""
    return "theme_" if step == "themes" else ""


def _labels_row(prefix: str, threshold: float) -> Any:
    def row(scores: Scores) -> Mapping[str, Any]:
        columns: dict[str, Any] = {}
        for label, score in scores.scores.items():
            name = prefix + label_column(label)
            columns |= {name: score >= threshold, f"{name}_score": round(score, 4)}
        return columns

    return row


def _aspects_row(entry: ModelEntry) -> Any:
    def row(*aspects: Scores) -> Mapping[str, Any]:
        columns: dict[str, Any] = {}
        for aspect, scores in zip(entry.targets, aspects, strict=True):
            columns |= {aspect: scores.label, f"{aspect}_score": round(scores.scores[scores.label], 4)}
        return columns

    return row


def _schema(step: str, workflow: Workflow) -> Schema:
    entry = _entry(workflow, step)
    if entry.task == "aspects":
        return aspects_schema(step, entry.targets)
    return multi_label_schema(step, entry.labels, _prefix(step))


def _lineage(step: str, workflow: Workflow) -> Lineage:
    source = text_of(workflow)
    columns = {c.name: [source] for c in _schema(step, workflow).columns if c.name != "message_id"}
    return {"message_id": [(source[0], "message_id")], **columns}


def _inputs(step: str, workflow: Workflow) -> list[str]:
    inputs = [text_of(workflow)[0]]
    return [*inputs, "posts"] if _options(workflow, step).only and inputs != ["posts"] else inputs


def _value_sets(step: str, workflow: Workflow) -> Mapping[str, tuple[str, ...]]:
    entry = _entry(workflow, step)
    return dict.fromkeys(entry.targets, entry.labels) if entry.task == "aspects" else {}


def classification_step(name: str, description: str) -> Step:
    return Step(
        name=name,
        description=description,
        kinds=frozenset({"parquet", "sagemaker"}),
        schema=partial(_schema, name),
        inputs=partial(_inputs, name),
        lineage=partial(_lineage, name),
        compute=partial(classify, name),
        value_sets=partial(_value_sets, name),
    )


CLASSIFICATIONS_STEP = classification_step(
    "classifications", "Which sides of the company a message is about, or what a review says of each aspect."
)
THEMES_STEP = classification_step("themes", "Which themes a message is about.")
