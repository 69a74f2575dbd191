"""`filtered_text`: the English text without what translation and social media leave behind."""

from __future__ import annotations

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Hour, Result, Step, text_of
from socialnlp_assets.schemas import FILTERED_TEXT
from socialnlp_assets.workflow import Workflow


def filter_text(hour: Hour) -> Result:
    asset, column = text_of(hour.workflow, before="filtered_text")
    table = hour.read(asset, ["message_id", column])
    options = hour.workflow.steps.filtered_text
    assert options is not None
    clean, usage = ask(hour, options.model, table[column].to_pylist())
    return result_of_answers(table, [clean], FILTERED_TEXT, lambda text: {"text_clean": text}, [usage])


def _source(workflow: Workflow) -> tuple[str, str]:
    return text_of(workflow, before="filtered_text")


STEP = Step(
    name="filtered_text",
    description="The English text without URLs, user names, emoji, slang and other noise.",
    kinds=frozenset({"parquet", "huggingface"}),
    schema=lambda _: FILTERED_TEXT,
    inputs=lambda workflow: [_source(workflow)[0]],
    lineage=lambda workflow: {
        "message_id": [(_source(workflow)[0], "message_id")],
        "text_clean": [_source(workflow)],
    },
    compute=filter_text,
)
