"""`socialnlp predict`: a model of the catalogue on a file of texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, TextIO

import click

from socialnlp_assets.cli.extras import require_server
from socialnlp_assets.models import ModelEntry, load_catalogue
from socialnlp_assets.nlp.language import detect
from socialnlp_assets.nlp.left_words import share_known
from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.settings import Settings
from socialnlp_assets.tasks import RowError, Scores, task

BATCH_CHARACTERS = 1_000_000


@click.command()
@click.argument("model")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"), default="-")
@click.option("--language", help="The texts' language, such as it; for the translator. Detected where it is not given.")
@click.option("--target", help="One of the models that share the endpoint, such as prezzi; all of them if not given.")
@click.option("--top", type=click.IntRange(1, 100), help="How many keywords; 10 if not given.")
def predict(model: str, file: TextIO, language: str | None, target: str | None, top: int | None) -> None:
    """One text a line of FILE in (standard input by default), one JSON a line out, in order.

    MODEL is a logical name of the catalogue, such as sentiment; `socialnlp models list` shows them.
    """
    entry = _entry(model)
    if target and target not in entry.targets:
        raise click.UsageError(f"{model} has no target {target!r}; it has {', '.join(entry.targets) or 'none'}")
    takes = task(entry.task).parameters
    if language and "src_lang" not in takes:
        raise click.UsageError(f"--language is for the translator; {model} reads English")
    if top and entry.task != "keywords":
        raise click.UsageError(f"--top is for keywords; {model} has none")
    targets: list[str | None] = [target] if target else [*entry.targets] or [None]
    require_server()
    from socialnlp_assets.resources.build import build_endpoints  # with Dagster, which the command's help does without

    try:
        endpoints = build_endpoints(Settings())
        engine = endpoints.engine(model) if entry.task == "translation" else ""
        with endpoints.lease(model) as predictor:
            while lines := file.readlines(BATCH_CHARACTERS):
                texts = [line.rstrip("\r\n") for line in lines]
                parameters = _parameters(entry, texts, language, top)
                answers = [predictor.predict(texts, target=name, **parameters) for name in targets]
                marks = [_mark(engine, *pair) for pair in zip(texts, answers[0], strict=True)]
                for line, mark in zip(_lines(entry.task, targets, answers), marks, strict=True):
                    click.echo(json.dumps(line | mark, ensure_ascii=False))
    except EndpointError as error:
        raise click.ClickException(str(error)) from None


def _entry(model: str) -> ModelEntry:
    try:
        return load_catalogue(Settings().models)[model]
    except KeyError as error:
        raise click.UsageError(error.args[0]) from None


def _parameters(entry: ModelEntry, texts: list[str], language: str | None, top: int | None) -> dict[str, Any]:
    if "src_lang" in task(entry.task).parameters:
        return {"src_lang": language or [detect(text, ("en", "it", "fr", "sw"))[0] for text in texts]}
    return {"top_k": top} if top else {}


def _mark(engine: str, text: str, answer: Any) -> dict[str, Any]:
    """Who translated a text, and how much of it: whoever reads a stand-in's translation is to know."""
    if not engine or isinstance(answer, RowError):
        return {}
    return {"engine": engine, "known": round(share_known(text, answer), 2)} if answer != text else {}


def _lines(task_name: str, targets: list[str | None], answers: list[list[Any]]) -> Iterator[Any]:
    """One JSON value a text; with several targets, an object with one entry a target."""
    for row in zip(*answers, strict=True):
        values = [_plain(task_name, answer) for answer in row]
        yield values[0] if targets == [None] else dict(zip(targets, values, strict=True))


def _plain(task_name: str, answer: Any) -> Any:
    if isinstance(answer, RowError):
        return {"error": answer.reason}
    if isinstance(answer, Scores):
        scores = {label: round(score, 4) for label, score in answer.scores.items()}
        return {"label": answer.label, "scores": scores, "truncated": answer.truncated}
    if isinstance(answer, list):
        return {task_name: [_rounded(asdict(item)) for item in answer]}
    return {"text": answer}


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}
