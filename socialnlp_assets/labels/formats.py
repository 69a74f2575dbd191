"""Files of labels: fastText's lines, CSV, JSON lines, and the JSON exports of Label Studio and Argilla.

Which one it is, is told by the content. Whatever cannot be read is a mistake with its line, never a lost row.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from socialnlp_assets.labels.labelled import Labelled, Labels, LabelsError

MOST_BYTES = 256 * 1024**2
MOST_ROWS = 200_000  # of one model, in all
MOST_TOLD = 5  # mistakes of one file
MOST_CHARACTERS = 20_000  # of one text
ABOUT = ("language", "channel", "translated")
TEXTS = ("text", "message", "sentence", "comment", "review")

Raw = tuple[int, Any, Sequence[str], Mapping[str, Any]]  # line, text, labels, about


def read_labels(data: bytes, name: str, labels: Labels) -> list[Labelled]:
    """The rows of a file called `name`. Raises `LabelsError` naming the first mistakes, each with its line."""
    if len(data) > MOST_BYTES:
        raise LabelsError(f"{name}: has {len(data) >> 20} MB; split it into files of {MOST_BYTES >> 20} MB at most")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelsError(f"{name}: is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    if not text.strip():
        raise LabelsError(f"{name}: is empty; export it again, with its annotations")
    rows: list[Labelled] = []
    mistakes: list[str] = []
    for count, (line, value, names, about) in enumerate(_reader(text, name)(text, name, labels), 1):
        if count > MOST_ROWS:
            raise LabelsError(f"{name}: has more than {MOST_ROWS} rows; keep those that are worth learning from")
        try:
            rows.append(Labelled(_text(value), labels.read(names), name, line, _about(about)))
        except LabelsError as error:
            mistakes.append(f"{name}:{line}: {error}")
    if mistakes:
        more = [f"{name}: and {len(mistakes) - MOST_TOLD} more such lines"] if len(mistakes) > MOST_TOLD else []
        raise LabelsError("\n".join([*mistakes[:MOST_TOLD], *more]))
    if not rows:
        raise LabelsError(f"{name}: no text in it is labelled; finish some annotations and export again")
    return rows


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise LabelsError("has no text; take the row out")
    if len(value) > MOST_CHARACTERS:
        raise LabelsError(f"has a text of {len(value)} characters; cut it to {MOST_CHARACTERS}")
    return value


def _about(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(found[name]).lower() for name in ABOUT if found.get(name) not in (None, "")}


def _reader(text: str, name: str) -> Callable[[str, str, Labels], Iterator[Raw]]:
    start = text.lstrip()
    if start[0] == "[" or (start[0] == "{" and name.lower().endswith(".json") and "\n{" not in start):
        return _json
    if start[0] == "{":
        return _json_lines
    if start.startswith("__label__"):
        return _fasttext
    return _csv


def _fasttext(text: str, name: str, labels: Labels) -> Iterator[Raw]:  # noqa: ARG001
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        names = [word for word in words if word.startswith("__label__")]
        if words:
            yield number, " ".join(word for word in words if not word.startswith("__label__")), names, {}


def _csv(text: str, name: str, labels: Labels) -> Iterator[Raw]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    columns = {column.strip().lower(): column for column in reader.fieldnames or () if column}
    of_text = next((columns[column] for column in TEXTS if column in columns), None)
    of_labels = next((columns[column] for column in ("labels", "label") if column in columns), None)
    of_targets = {target: columns[target.lower()] for target in labels.targets if target.lower() in columns}
    if of_text is None or not (of_labels or of_targets):
        raise LabelsError(
            f"{name}:1: the columns are {', '.join(columns) or 'none'}; name them text and label"
            + (f", or text and {', '.join(labels.targets)}" if labels.targets else "")
        )
    try:
        for row in reader:
            lowered = {column: row[spelled] for column, spelled in columns.items()}
            if of_targets:
                names = [f"{target}={row[column]}" for target, column in of_targets.items() if row[column]]
            else:
                names = (row[of_labels or ""] or "").split("|")
            yield reader.line_num, row[of_text], names, lowered
    except csv.Error as error:
        raise LabelsError(f"{name}:{reader.line_num}: is no CSV: {error}; save it again as CSV with quotes") from None


def _json_lines(text: str, name: str, labels: Labels) -> Iterator[Raw]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield from _record(_loaded(line, name, number), number, name, labels)


def _json(text: str, name: str, labels: Labels) -> Iterator[Raw]:
    found = _loaded(text, name, 1)
    if isinstance(found, dict) and isinstance(found.get("tasks"), list):  # Label Studio's API puts them there
        found = found["tasks"]
    for number, record in enumerate(found if isinstance(found, list) else [found], 1):
        yield from _record(record, number, name, labels)


def _loaded(text: str, name: str, line: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LabelsError(f"{name}:{line}: is no JSON: {error}; export it again") from None
    except RecursionError:
        raise LabelsError(f"{name}:{line}: is nested too deeply to be an export of labels") from None


def _record(record: Any, number: int, name: str, labels: Labels) -> Iterator[Raw]:
    if not isinstance(record, dict):
        raise LabelsError(f"{name}:{number}: is no object but {type(record).__name__}; one object a text")
    if "annotations" in record or "completions" in record:
        yield from _label_studio(record, number, name, labels)
    elif "responses" in record or any(str(key).endswith(".responses") for key in record):
        yield from _argilla(record, number, name, labels)
    elif "annotation_id" in record:
        raise LabelsError(f"{name}:{number}: is Label Studio's JSON-MIN, which drops labels; export it as JSON")
    elif "annotation" in record and "annotation_agent" in record:
        raise LabelsError(
            f"{name}:{number}: is an export of Argilla 1; open the data set in Argilla 2, export it there"
        )
    else:
        text = next((record[key] for key in TEXTS if key in record), None)
        given = record["labels"] if "labels" in record else record.get("label")
        of_targets = [f"{target}={record[target]}" for target in labels.targets if record.get(target)]
        if text is None or (given is None and not of_targets):
            known = ", ".join(map(str, list(record)[:8]))
            raise LabelsError(f"{name}:{number}: has the fields {known}; write text and label, or text and labels")
        yield number, text, of_targets or _names(given, labels), record


def _label_studio(record: dict[str, Any], number: int, name: str, labels: Labels) -> Iterator[Raw]:
    """One row an annotation that was not cancelled; a task without one is not labelled yet."""
    if "completions" in record:
        raise LabelsError(f"{name}:{number}: is an export of Label Studio before 1.0; import it there and export again")
    data = record.get("data")
    if not isinstance(data, dict):
        raise LabelsError(f"{name}:{number}: has no data; export as JSON, with the tasks' data")
    text = next((data[key] for key in TEXTS if key in data), None)
    for annotation in record["annotations"]:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        names: list[str] = []
        for result in annotation.get("result", ()):
            chosen = result.get("value", {}).get("choices", ()) if isinstance(result, dict) else ()
            target = f"{result['from_name']}=" if labels.targets and "from_name" in result else ""
            names += [f"{target}{choice}" for choice in chosen]
        yield number, text, names or (NOTHING if labels.is_multiple else ()), data


def _argilla(record: dict[str, Any], number: int, name: str, labels: Labels) -> Iterator[Raw]:  # noqa: ARG001
    """One row a user who has submitted; nested, and as `to_list(flatten=True)` writes it."""
    fields = record.get("fields", record)
    text = next((fields[key] for key in TEXTS if key in fields), None)
    about = {**record, **(record.get("metadata") or {})}
    by_user: dict[str, list[str]] = {}
    for question, user, value in _responses(record):
        target = f"{question}=" if labels.targets else ""
        by_user.setdefault(user, []).extend(f"{target}{each}" for each in _names(value, labels))
    for names in by_user.values():
        yield number, text, names, about


def _responses(record: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Question, user and value of each response that was submitted."""
    nested = record.get("responses")
    if isinstance(nested, dict):
        for question, given in nested.items():
            for response in given if isinstance(given, list) else ():
                if response.get("status", "submitted") == "submitted":
                    yield question, str(response.get("user_id")), response.get("value")
        return
    for key, values in record.items():
        if not key.endswith(".responses") or not values:
            continue
        question = key.removesuffix(".responses")
        users = record.get(f"{key}.users") or [str(number) for number in range(len(values))]
        states = record.get(f"{key}.status") or ["submitted"] * len(values)
        for user, value, state in zip(users, values, states, strict=False):
            if state == "submitted":
                yield question, str(user), value


NOTHING = ("-",)


def _names(value: Any, labels: Labels) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        names = [str(each) for each in value]
        return names or (NOTHING if labels.is_multiple else ())
    return () if value is None else [str(value)]
