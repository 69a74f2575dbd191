"""The wire, without HTTP: bodies to texts and parameters, results to bodies (docs/contracts.md).

Whatever arrives is either a `Request` that a handler can take as it is, or a `BadInput` that says which
field or text is wrong and what would be right.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from socialnlp_assets.serving.handler import BadInput

JSON, JSON_LINES = "application/json", "application/jsonlines"
CONTENT_TYPES = {JSON: JSON, JSON_LINES: JSON_LINES, "application/x-ndjson": JSON_LINES}
MOST_TEXTS = 50_000  # in one request; bounds the memory that a body of empty texts could cost

# NUL and lone surrogates: legal in JSON, but not in UTF-8 or in the engines' C strings.
UNENCODABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Parameter:
    """One entry of a request's `parameters`: what it may be, and what it is when the caller says nothing."""

    default: Any
    kind: type[int] | type[bool] | type[str]
    least: int = 1
    most: int = 1024
    required: bool = False
    per_text: bool = False  # one for all texts, or a list, one a text; a handler always gets the list

    def check(self, name: str, value: Any) -> Any:
        """`value`, or `BadInput` naming the parameter."""
        if value is None and self.default is None and not self.required:
            return None
        fits = type(value) is self.kind  # not isinstance: True is no whole number
        if fits and isinstance(value, int) and self.kind is int:
            fits = self.least <= value <= self.most
        if not fits:
            raise BadInput(f"{name} must be {self.description}, not {describe(value)}")
        return value

    @property
    def description(self) -> str:
        if self.kind is int:
            return f"a whole number from {self.least} to {self.most}"
        return "true or false" if self.kind is bool else "a text"


BEAMS = Parameter(1, int, most=16)

# What each task takes. An engine that does not search ignores `num_beams`.
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "translation": {
        "src_lang": Parameter(None, str, required=True, per_text=True),
        "tgt_lang": Parameter("en", str),
        "num_beams": BEAMS,
        "max_length": Parameter(512, int),
    },
    "normalisation": {},
    "text-classification": {
        "top_k": Parameter(None, int),
        "truncation": Parameter(True, bool),
        "max_length": Parameter(512, int, least=3, most=512),
    },
    "multi-label": {"k": Parameter(None, int)},
    "aspects": {"k": Parameter(None, int)},
    "keywords": {"top_k": Parameter(10, int)},
    "summarization": {
        "max_length": Parameter(300, int),
        "min_length": Parameter(50, int, least=0),
        "num_beams": BEAMS,
    },
}


@dataclass(frozen=True)
class Request:
    """A valid request: `parameters` hold every parameter of the task."""

    texts: Sequence[str]
    parameters: Mapping[str, Any]
    field: str = "inputs"  # what the caller called the texts, for messages

    def only(self, positions: Sequence[int]) -> Request:
        """The request for some of its texts."""
        parameters = dict(self.parameters)
        if "src_lang" in parameters:
            parameters["src_lang"] = [parameters["src_lang"][position] for position in positions]
        return Request([self.texts[position] for position in positions], parameters, self.field)


def parse(body: bytes, task: str, content_type: str = JSON) -> Request:
    """The request in `body`; raises `BadInput`."""
    if content_type == JSON_LINES:
        texts, given = _parse_lines(body, task)
        field = "lines"
    else:
        content = _load(body, "the body")
        field, names = _shape(content)
        texts, given = content[field], content.get(names)
    if not isinstance(texts, list):
        raise BadInput(f"{field} must be a list of texts, not {describe(texts)}")
    _check_count(len(texts))
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadInput(f"{field}[{position}]: must be a text, not {describe(text)}")
    parameters = _parameters({} if given is None else given, task, len(texts))
    if b"\\u" in body:  # only an escape can bring them in
        texts = [UNENCODABLE.sub("\ufffd", text) for text in texts]
    return Request(texts, parameters, field)


def parse_load(body: bytes) -> tuple[str, Path]:
    """Name and folder in the body of a request to load a model; raises `BadInput`."""
    content = _load(body, "the body")
    values = [content.get(field) for field in ("model_name", "url")] if isinstance(content, dict) else []
    texts = [value for value in values if isinstance(value, str) and value and value.isprintable()]
    if len(texts) != 2:
        raise BadInput('the body must be {"model_name": "…", "url": "…"}')
    return texts[0], Path(texts[1])


def _shape(content: Any) -> tuple[str, str]:
    """The names of the texts' field and the parameters' field: Hugging Face's or BlazingText's."""
    if not isinstance(content, dict):
        raise BadInput(f'the body must be an object such as {{"inputs": ["…"]}}, not {describe(content)}')
    for texts, parameters in (("inputs", "parameters"), ("instances", "configuration")):
        if texts in content:
            if unknown := sorted(content.keys() - {texts, parameters}):
                raise BadInput(f"unknown field {unknown[0]!r}; beside {texts!r} there may be {parameters!r}")
            return texts, parameters
    raise BadInput("the body has neither 'inputs' nor 'instances': put the texts there, as a list")


def _parse_lines(body: bytes, task: str) -> tuple[list[Any], dict[str, Any]]:
    """One text a line: ``"text"``, ``{"inputs": "text", "parameters": {…}}`` or BlazingText's
    ``{"source": "text", "k": 3}``. Parameters agree on all lines, but for those that go by text."""
    texts: list[Any] = []
    lines: list[dict[str, Any]] = []
    merged: dict[str, Any] = {}
    for number, line in enumerate(line for line in io.BytesIO(body) if line.strip()):
        _check_count(number + 1)
        content = _load(line, f"line {number}")
        given: Any = {}
        if isinstance(content, dict) and "source" in content:
            given = {name: value for name, value in content.items() if name != "source"}
            content = content["source"]
        elif isinstance(content, dict):
            field, names = _shape(content)
            given, content = content.get(names) or {}, content[field]
        if not isinstance(given, dict):
            raise BadInput(f"line {number}: the parameters must be an object, not {describe(given)}")
        _check_known(given, task)
        for name, value in given.items():
            if merged.setdefault(name, value) != value and not PARAMETERS[task][name].per_text:
                raise BadInput(f"{name} must be the same on every line that gives it")
        texts.append(content)
        lines.append(given)
    for name in merged:
        if PARAMETERS[task][name].per_text:
            merged[name] = [given.get(name) for given in lines]
    return texts, merged


def _check_count(texts: int) -> None:
    if texts > MOST_TEXTS:
        raise BadInput(f"over {MOST_TEXTS} texts in one request; send fewer", status=413)


def _check_known(given: Mapping[str, Any], task: str) -> None:
    if unknown := given.keys() - PARAMETERS[task].keys():
        takes = ", ".join(PARAMETERS[task]) or "none"
        raise BadInput(f"unknown parameter {min(unknown)!r}; the parameters of {task} are: {takes}")


def _load(body: bytes, where: str) -> Any:
    """The JSON value in `body`; raises `BadInput` that begins with `where`."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{where} is not UTF-8: byte {error.start} is {body[error.start]:#04x}") from None
    except RecursionError:
        raise BadInput(f"{where} is nested too deeply") from None
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}") from None


def _parameters(given: Any, task: str, count: int) -> dict[str, Any]:
    known = PARAMETERS[task]
    if not isinstance(given, dict):
        raise BadInput(f"parameters must be an object, not {describe(given)}")
    _check_known(given, task)
    values: dict[str, Any] = {}
    for name, parameter in known.items():
        value = given.get(name, parameter.default)
        where = f"parameters.{name}"
        if value is None and parameter.required:
            raise BadInput(f"{where} is missing: one for all texts, or a list, one a text")
        if not parameter.per_text:
            values[name] = parameter.check(where, value)
        elif isinstance(value, list):
            if len(value) != count:
                raise BadInput(f"{where} has {len(value)} entries for {count} texts; give one a text")
            values[name] = [parameter.check(f"{where}[{n}]", entry) for n, entry in enumerate(value)]
        else:
            values[name] = [parameter.check(where, value)] * count
    return values


def describe(value: Any) -> str:
    """`value` as JSON in a message, cut short."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "…"


def _best_first(scores: Mapping[str, float], most: int | None) -> list[str]:
    return sorted(scores, key=scores.__getitem__, reverse=True)[:most]


def _labels(scores: Mapping[str, float], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"label": label, "score": scores[label]} for label in _best_first(scores, parameters["top_k"])]


@cache
def spelled(label: str) -> str:
    """The label as fastText and BlazingText write it: ``__label__Foreign_news``."""
    return "__label__" + label.replace(" ", "_")


def _blazing_text(scores: Mapping[str, float], parameters: Mapping[str, Any]) -> dict[str, Any]:
    best = _best_first(scores, parameters["k"])
    return {"label": [*map(spelled, best)], "prob": [*map(scores.__getitem__, best)]}


def _phrases(phrases: Sequence[tuple[str, float]], _: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"phrase": phrase, "score": score} for phrase, score in phrases]


# How one result of each task is written.
WRITERS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "translation": lambda text, _: {"translation_text": text},
    "normalisation": lambda text, _: {"generated_text": text},
    "text-classification": _labels,
    "multi-label": _blazing_text,
    "aspects": _blazing_text,
    "keywords": _phrases,
    "summarization": lambda text, _: {"summary_text": text},
}


def render(task: str, results: Sequence[Any], parameters: Mapping[str, Any], content_type: str = JSON) -> bytes:
    """The reply's body."""
    replies = [WRITERS[task](result, parameters) for result in results]
    if content_type == JSON_LINES:
        return b"".join(to_json(reply) + b"\n" for reply in replies)
    return to_json(replies)  # pydantic's writes numbers six times as fast as the standard library's
