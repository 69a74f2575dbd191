"""Models whose answers a test writes, for steps that run without Dagster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from socialnlp_assets.assets.quarantine import Rejected
from socialnlp_assets.assets.step import Hour
from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.metering import Usage
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.secrets import build_secrets
from socialnlp_assets.settings import Settings
from socialnlp_assets.tasks import Keyword, RowError, Scores
from tests.platform.conftest import HOUR

Answer = Callable[[str], Any]  # of one text


def plain(model: str) -> Answer:
    """What a faultless model of the catalogue says, of its own accord."""
    entry = load_catalogue()[model]
    match str(entry.task):
        case "translation":
            return lambda text: f"They say in the town that {text.lower()}"
        case "entities":
            return lambda _: []
        case "keywords":
            return lambda text: [Keyword(word, 1.0) for word in text.split()[:2]]
        case "text-classification" | "aspects" | "multi-label":
            return lambda text: _scores(entry.labels, len(text))
        case _:
            return lambda text: text


def _scores(labels: Sequence[str], seed: int) -> Scores:
    """Scores that sum to 1, of two decimals, best at a label that the text's length chooses."""
    share = round(0.4 / (len(labels) - 1), 2)
    scores = dict.fromkeys(labels, share)
    best = labels[seed % len(labels)]
    scores[best] = round(1 - share * (len(labels) - 1), 2)
    return Scores(scores, best)


class ScriptedEndpoints:
    """Answers as `answers` say, by model; of the others as a faultless model does."""

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.answers = dict(answers or {})
        self.catalogue = load_catalogue()
        self.asked: dict[str, str] = {}  # nobody knows which version says such things

    def warm(self, models: Sequence[str], shapes: object = None) -> None:
        pass

    def engine(self, model: str) -> str:  # noqa: ARG002
        return "scripted"

    @contextmanager
    def lease(self, model: str, step: str, **_: Any) -> Iterator[Any]:
        answer = self.answers.get(model) or plain(model)

        def predict(texts: Sequence[str], **_: Any) -> list[Any]:
            return [answer(text) for text in texts]

        yield SimpleNamespace(predict=predict, usage=Usage(model, step))


class NoArticles:
    """A web without pages."""

    def enrich_all(self, urls: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002
        return {}


def hour_of_step(
    workflow: str,
    step: str,
    lake: Lake,
    settings: Settings,
    endpoints: ScriptedEndpoints,
    held: Mapping[str, Rejected] | None = None,
) -> Hour:
    resources = SimpleNamespace(endpoints=endpoints, articles=NoArticles(), secrets=build_secrets(settings))
    log = logging.getLogger(__name__)
    return Hour(workflow, step, HOUR, HOUR, lake, log, lambda: None, resources, held=held or {})  # type: ignore[arg-type]


def refuses(answer: Answer, every: int) -> Answer:
    """A model that cannot take some texts."""
    return lambda text: RowError("too strange") if every and len(text) % every == 0 else answer(text)
