"""The body of a request: written by the client, read by the server.

Whatever arrives is either a `Request` that an engine can take as it is, or a `BadInput` that says which
field or text is wrong and what would be right.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from socialnlp_assets.tasks.task import BadInput, Task, shown

JSON, JSON_LINES = "application/json", "application/jsonlines"
CONTENT_TYPES = {JSON: JSON, JSON_LINES: JSON_LINES, "application/x-ndjson": JSON_LINES}
SHAPES = (("inputs", "parameters"), ("instances", "configuration"))  # Hugging Face's and BlazingText's
MOST_TEXTS = 50_000  # in one request; bounds the memory that a body of empty texts could cost

MOST_VALUES = 4 * MOST_TEXTS
LARGE = 2**16  # bytes of a body that is not parsed in passing
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

# NUL and lone surrogates: legal in JSON, but not in UTF-8 or in the engines' C strings.
UNENCODABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Request:
    """A valid request: `parameters` hold every parameter of the task."""

    task: Task
    texts: Sequence[str]
    parameters: Mapping[str, Any]
    field: str = "inputs"  # what the caller called the texts, for messages

    def only(self, positions: Sequence[int]) -> Request:
        """The request for some of its texts."""
        parameters = dict(self.parameters)
        for name, parameter in self.task.parameters.items():
            if parameter.per_text:
                parameters[name] = [parameters[name][position] for position in positions]
        return Request(self.task, [self.texts[position] for position in positions], parameters, self.field)


def write(task: Task, texts: Sequence[str], parameters: Mapping[str, Any]) -> bytes:
    """The body of one request: UTF-8 JSON. A list in `parameters` holds one value a text."""
    body = {task.texts_field: list(texts), task.parameters_field: {**task.sent(), **parameters}}
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def parse(body: bytes, task: Task, content_type: str = JSON) -> Request:
    """The request in `body`; raises `BadInput`."""
    if content_type == JSON_LINES:
        texts, given = _parse_lines(body, task)
        field = "lines"
    else:
        content = load(body, "the body")
        field, names = _shape(content)
        texts, given = content[field], content.get(names)
    if not isinstance(texts, list):
        raise BadInput(f"{field} must be a list of texts, not {shown(texts)}")
    _check_count(len(texts))
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadInput(f"{field}[{position}]: must be a text, not {shown(text)}")
    parameters = _parameters({} if given is None else given, task, len(texts))
    if b"\\u" in body:  # only an escape can bring them in
        texts = [UNENCODABLE.sub("\ufffd", text) for text in texts]
    return Request(task, texts, parameters, field)


def load(body: bytes, where: str) -> Any:
    """The JSON value in `body`; raises `BadInput` that begins with `where`."""
    if len(body) > LARGE:
        # Python's parser stops all threads while it makes lists and objects of megabytes.
        outside = _STRING.sub(b"", body)
        if sum(map(outside.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise BadInput(f"{where} has over {MOST_VALUES} values; send fewer texts in a request", status=413)
    try:
        return json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{where} is not UTF-8: byte {error.start} is {body[error.start]:#04x}") from None
    except RecursionError:
        raise BadInput(f"{where} is nested too deeply") from None
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}") from None


def _shape(content: Any) -> tuple[str, str]:
    """The names of the texts' field and the parameters' field."""
    if not isinstance(content, dict):
        raise BadInput(f'the body must be an object such as {{"inputs": ["…"]}}, not {shown(content)}')
    for texts, parameters in SHAPES:
        if texts in content:
            if unknown := sorted(content.keys() - {texts, parameters}):
                raise BadInput(f"unknown field {unknown[0]!r}; beside {texts!r} there may be {parameters!r}")
            return texts, parameters
    raise BadInput("the body has neither 'inputs' nor 'instances': put the texts there, as a list")


def _parse_lines(body: bytes, task: Task) -> tuple[list[Any], dict[str, Any]]:
    """One text a line: ``"text"``, ``{"inputs": "text", "parameters": {…}}`` or BlazingText's
    ``{"source": "text", "k": 3}``. Parameters agree on all lines, but for those that go by text."""
    texts: list[Any] = []
    lines: list[dict[str, Any]] = []
    merged: dict[str, Any] = {}
    for number, line in enumerate(line for line in io.BytesIO(body) if line.strip()):
        _check_count(number + 1)
        content = load(line, f"line {number}")
        given: Any = {}
        if isinstance(content, dict) and "source" in content:
            given = {name: value for name, value in content.items() if name != "source"}
            content = content["source"]
        elif isinstance(content, dict):
            field, names = _shape(content)
            given, content = content.get(names) or {}, content[field]
        if not isinstance(given, dict):
            raise BadInput(f"line {number}: the parameters must be an object, not {shown(given)}")
        _check_known(given, task)
        for name, value in given.items():
            if merged.setdefault(name, value) != value and not task.parameters[name].per_text:
                raise BadInput(f"{name} must be the same on every line that gives it")
        texts.append(content)
        lines.append(given)
    for name in merged:
        if task.parameters[name].per_text:
            merged[name] = [given.get(name) for given in lines]
    return texts, merged


def _check_count(texts: int) -> None:
    if texts > MOST_TEXTS:
        raise BadInput(f"over {MOST_TEXTS} texts in one request; send fewer", status=413)


def _check_known(given: Mapping[str, Any], task: Task) -> None:
    if unknown := given.keys() - task.parameters.keys():
        takes = ", ".join(task.parameters) or "none"
        raise BadInput(f"unknown parameter {min(unknown)!r}; the parameters of {task.name} are: {takes}")


def _parameters(given: Any, task: Task, count: int) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadInput(f"parameters must be an object, not {shown(given)}")
    _check_known(given, task)
    values: dict[str, Any] = {}
    for name, parameter in task.parameters.items():
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
