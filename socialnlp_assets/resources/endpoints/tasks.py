"""What each task asks an endpoint and how its answer is read: the wire of docs/contracts.md, client side.

Nothing is sent here. A `Format` builds the body of a batch, checks and parses the reply into typed results,
and knows the answer that needs no model.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from socialnlp_assets.models.catalogue import ModelEntry, Task
from socialnlp_assets.resources.endpoints.backend import InvocationError, Reply


@dataclass(frozen=True)
class Scores:
    """Scores of every label the catalogue knows, each from 0 to 1; `label` is the best of them."""

    scores: dict[str, float]
    label: str
    truncated: bool = False  # the model read only the first tokens of the text


@dataclass(frozen=True)
class Keyword:
    """A phrase of the text and its weight."""

    phrase: str
    score: float


@dataclass(frozen=True)
class RowError:
    """The model cannot take this text, whatever the batch. `reason` says why."""

    reason: str


Result: TypeAlias = str | Scores | list[Keyword] | RowError


class BadReply(InvocationError):
    """The answer as a whole cannot be trusted: not JSON, not one result a text, or out of order."""


class Format(ABC):
    """The wire format of one model. Subclasses say how one row is read."""

    texts_key: ClassVar[str] = "inputs"
    parameters_key: ClassVar[str] = "parameters"
    defaults: Mapping[str, Any] = {}
    required: ClassVar[tuple[str, ...]] = ()

    def __init__(self, entry: ModelEntry) -> None:
        self.entry = entry
        self.prepare: Callable[[str], str] = _as_it_is
        if entry.prepare == "classification":
            from socialnlp_assets.nlp.cleaning import prepare_for_classification

            self.prepare = prepare_for_classification
        elif entry.prepare == "review":
            from socialnlp_assets.nlp.cleaning import prepare_review

            self.prepare = prepare_review

    def body(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> bytes:
        """The body of one request: UTF-8 JSON. A list in `parameters` holds one value a text."""
        request = {self.texts_key: list(texts), self.parameters_key: {**self.defaults, **parameters}}
        return json.dumps(request, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def results(self, reply: Reply, count: int) -> list[Result]:
        """One result a text, in order. A row that breaks the contract becomes a `RowError`; raises `BadReply`
        if the reply as a whole does."""
        rows = self._rows(reply.body, count)
        truncated = truncated_positions(reply)
        results: list[Result] = []
        for position, row in enumerate(rows):
            try:
                results.append(self.row(row, position in truncated))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                results.append(RowError(f"the model's answer does not fit the task: {error}; it was {_cut(row)}"))
        return results

    def _rows(self, body: bytes, count: int) -> list[Any]:
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

    @abstractmethod
    def row(self, row: Any, truncated: bool) -> Result:
        """One row of the reply; raises ValueError, TypeError or KeyError where it does not fit."""

    @abstractmethod
    def blank(self) -> Result:
        """The answer for a text with nothing in it, which is never sent."""


class TextFormat(Format):
    """Text in, text out: translation, normalisation, summarization."""

    key: ClassVar[str]

    def row(self, row: Any, truncated: bool) -> str:  # noqa: ARG002  a text carries no flag
        text = row[self.key]
        if not isinstance(text, str):
            raise ValueError(f"{self.key} is not a text")
        return text

    def blank(self) -> str:
        return ""


class TranslationFormat(TextFormat):
    key = "translation_text"
    defaults: Mapping[str, Any] = {"tgt_lang": "en"}
    required = ("src_lang",)


class NormalisationFormat(TextFormat):
    key = "generated_text"


class SummarizationFormat(TextFormat):
    key = "summary_text"
    defaults: Mapping[str, Any] = {"max_length": 300, "min_length": 50}


class ClassificationFormat(Format):
    """One label of several, as the Hugging Face toolkit answers: ``[[{"label", "score"}…]…]``."""

    defaults: Mapping[str, Any] = {"top_k": None, "truncation": True, "max_length": 512}

    def row(self, row: Any, truncated: bool) -> Scores:
        scores = {item["label"]: _unit(item["score"], item["label"]) for item in row}
        if set(scores) != set(self.entry.labels):
            raise ValueError(f"labels are {sorted(scores)}, the catalogue has {sorted(self.entry.labels)}")
        return _scores({label: scores[label] for label in self.entry.labels}, truncated)

    def blank(self) -> Scores:
        """``neutral`` for certain where the model has that label. Else every label scores the same: nothing
        speaks for any of them, and `label` is merely the first."""
        labels = self.entry.labels
        if "neutral" in labels:
            return _scores({label: float(label == "neutral") for label in labels})
        return _scores(dict.fromkeys(labels, 1 / len(labels)))


class MultiLabelFormat(Format):
    """Labels with a probability each, as BlazingText answers: ``[{"label": […], "prob": […]}…]``."""

    texts_key = "instances"
    parameters_key = "configuration"

    def __init__(self, entry: ModelEntry) -> None:
        super().__init__(entry)
        self.defaults = {"k": len(entry.labels)}
        self._labels = {f"__label__{label.replace(' ', '_')}": label for label in entry.labels}

    def row(self, row: Any, truncated: bool) -> Scores:
        scores = dict.fromkeys(self.entry.labels, 0.0)  # a label below the model's threshold may be left out
        for spelled, probability in zip(row["label"], row["prob"], strict=True):
            if spelled not in self._labels:
                raise ValueError(f"label {spelled!r} is not in the catalogue, which has {sorted(self._labels)}")
            scores[self._labels[spelled]] = _unit(probability, spelled)
        return _scores(scores, truncated)

    def blank(self) -> Scores:
        return _scores(dict.fromkeys(self.entry.labels, 0.0))


class AspectsFormat(MultiLabelFormat):
    """What a review says of one aspect."""

    def blank(self) -> Scores:
        return _scores({label: float(label == "not mentioned") for label in self.entry.labels})


class KeywordsFormat(Format):
    """Phrases with scores, best first."""

    defaults: Mapping[str, Any] = {"top_k": 10}

    def row(self, row: Any, truncated: bool) -> list[Keyword]:  # noqa: ARG002  phrases carry no flag
        keywords = [Keyword(item["phrase"], _number(item["score"], "score")) for item in row]
        for keyword in keywords:
            if not isinstance(keyword.phrase, str) or keyword.score < 0:
                raise ValueError("a phrase is not a text with a score of 0 or more")
        return sorted(keywords, key=lambda keyword: -keyword.score)

    def blank(self) -> list[Keyword]:
        return []


FORMATS: Mapping[Task, type[Format]] = {
    Task.TRANSLATION: TranslationFormat,
    Task.NORMALISATION: NormalisationFormat,
    Task.TEXT_CLASSIFICATION: ClassificationFormat,
    Task.MULTI_LABEL: MultiLabelFormat,
    Task.ASPECTS: AspectsFormat,
    Task.KEYWORDS: KeywordsFormat,
    Task.SUMMARIZATION: SummarizationFormat,
}


def truncated_positions(reply: Reply) -> frozenset[int]:
    """0-based positions of the texts that were cut to the model's length, from the reply's header."""
    attributes = reply.headers.get("x-amzn-sagemaker-custom-attributes", "")
    found = re.search(r"\btruncated=([\d,]+)", attributes)
    return frozenset(int(position) for position in found[1].split(",") if position) if found else frozenset()


def _as_it_is(text: str) -> str:
    return text


def _scores(scores: dict[str, float], truncated: bool = False) -> Scores:
    return Scores(scores, max(scores, key=scores.__getitem__), truncated)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is not a finite number")
    return float(value)


def _unit(value: Any, name: str) -> float:
    """A number from 0 to 1; fastText overshoots 1 by some 1e-5."""
    if type(value) is float and 0.0 <= value <= 1.0:  # nearly always, and asked for every label of every text
        return value
    number = _number(value, f"the score of {name}")
    if not -1e-4 <= number <= 1 + 1e-4:
        raise ValueError(f"the score of {name} is {number}, not from 0 to 1")
    return min(max(number, 0.0), 1.0)


def _cut(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
