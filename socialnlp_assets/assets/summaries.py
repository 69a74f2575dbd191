"""`summaries`: what a long message says, in few sentences; a short one stays itself."""

from __future__ import annotations

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Hour, Result, Step, text_of
from socialnlp_assets.schemas import SUMMARIES


def summarise(hour: Hour) -> Result:
    options = hour.workflow.steps.summaries
    assert options is not None
    table, texts = hour.texts()
    summaries, usage = ask(hour, options.model, texts)
    return result_of_answers(
        table,
        [summaries, texts],
        SUMMARIES,
        lambda summary, text: {"summary": summary, "summarised": summary != text},
        [usage],
    )


STEP = Step(
    name="summaries",
    description="A text under 50 tokens as it is, a longer one in at most 300 tokens.",
    kinds=frozenset({"parquet", "huggingface"}),
    schema=lambda _: SUMMARIES,
    inputs=lambda workflow: [text_of(workflow)[0]],
    lineage=lambda workflow: {
        "message_id": [(text_of(workflow)[0], "message_id")],
        "summary": [text_of(workflow)],
        "summarised": [text_of(workflow)],
    },
    compute=summarise,
)
