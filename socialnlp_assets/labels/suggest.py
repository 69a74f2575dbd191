"""Which texts are worth labelling next, and the files by which labelling tools take them.

A text is worth it where the model is unsure, where two versions disagree, and where its words are new (uncertainty
sampling: Lewis and Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from socialnlp_assets.labels.dataset import key_of
from socialnlp_assets.models.catalogue import ModelEntry

Scores = Mapping[str, float]  # label → score; of several targets, target=label → score
THRESHOLD = 0.5  # of labels that stand alone


@dataclass(frozen=True)
class Suggestion:
    """A text, what the model says of it, and why somebody should say better."""

    text: str
    labels: tuple[str, ...]
    worth: float
    why: str


def suggest(
    entry: ModelEntry,
    texts: Sequence[str],
    scores: Sequence[Scores],
    others: Sequence[Scores] | None,
    known: Collection[str],
    count: int,
) -> list[Suggestion]:
    """The `count` texts that are worth most, no two the same. `others` are another version's scores of the same texts,
    `known` the texts that are labelled already."""
    words = {word for text in known for word in key_of(text).split()}
    seen = {key_of(text) for text in known}
    found: dict[str, Suggestion] = {}
    for number, (text, row) in enumerate(zip(texts, scores, strict=True)):
        key = key_of(text)
        if key in seen or key in found or not key:
            continue
        labels = answered(entry, row)
        unsure = _unsure(entry, row)
        differs = others is not None and answered(entry, others[number]) != labels
        new = [word for word in key.split() if word not in words] if words else []
        share = len(new) / max(1, len(key.split()))
        reasons = [
            *(["the model is unsure"] if unsure > 0.5 else []),
            *(["two versions disagree"] if differs else []),
            *([f"new words: {', '.join(new[:3])}"] if share > 0.3 else []),
        ]
        worth = round(unsure + differs + share, 4)
        found[key] = Suggestion(text, labels, worth, "; ".join(reasons) or "seldom seen")
    return sorted(found.values(), key=lambda each: (-each.worth, each.text))[:count]


def answered(entry: ModelEntry, scores: Scores) -> tuple[str, ...]:
    """The labels that the model gives."""
    if entry.task == "multi-label":
        return tuple(label for label, score in scores.items() if score >= THRESHOLD)
    return tuple(max(group, key=scores.__getitem__) for group in _groups(entry, scores))


def _groups(entry: ModelEntry, scores: Scores) -> list[list[str]]:
    labels = list(scores)
    width = len(entry.labels)
    return [labels[start : start + width] for start in range(0, len(labels), width)]


def _unsure(entry: ModelEntry, scores: Scores) -> float:
    """From 0, certain, to 1."""
    if entry.task == "multi-label":
        return 1 - 2 * min(abs(score - THRESHOLD) for score in scores.values())
    margins = []
    for group in _groups(entry, scores):
        best, second = sorted((scores[label] for label in group), reverse=True)[:2]
        margins.append(best - second)
    return 1 - min(margins)


def as_label_studio(entry: ModelEntry, suggestions: Sequence[Suggestion], version: str) -> str:
    """Tasks to import, with what the model says as their predictions."""
    return json.dumps(
        [
            {
                "data": {"text": each.text, "why": each.why},
                "predictions": [{"model_version": version, "score": each.worth, "result": _choices(entry, each)}],
            }
            for each in suggestions
        ],
        ensure_ascii=False, indent=1,
    )  # fmt: skip


def _choices(entry: ModelEntry, suggestion: Suggestion) -> list[dict[str, object]]:
    by_question: dict[str, list[str]] = {}
    for label in suggestion.labels:
        target, _, value = label.rpartition("=")
        by_question.setdefault(target if entry.targets else "label", []).append(value)
    return [
        {"from_name": question, "to_name": "text", "type": "choices", "value": {"choices": values}}
        for question, values in by_question.items()
    ]


def as_argilla(entry: ModelEntry, suggestions: Sequence[Suggestion], version: str) -> str:
    """Records as `Dataset.records.from_json` reads them, with what the model says as suggestions."""

    def record(number: int, each: Suggestion) -> dict[str, object]:
        given: dict[str, object] = {}
        for choice in _choices(entry, each):
            values = choice["value"]["choices"]  # type: ignore[index]
            value = values if entry.task == "multi-label" else values[0]
            given[str(choice["from_name"])] = {"value": value, "score": None, "agent": version}
        return {
            "id": str(number),
            "fields": {"text": each.text},
            "metadata": {"why": each.why},
            "suggestions": given,
            "responses": {},
        }

    return json.dumps([record(n, each) for n, each in enumerate(suggestions)], ensure_ascii=False, indent=1)


def as_csv(entry: ModelEntry, suggestions: Sequence[Suggestion], version: str) -> str:  # noqa: ARG001
    """Text and an empty label to fill in, beside what the model says and why."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["text", "labels", "model_says", "why"])
    writer.writerows([each.text, "", "|".join(each.labels), each.why] for each in suggestions)
    return sink.getvalue()


FORMATS = {"label-studio": as_label_studio, "argilla": as_argilla, "csv": as_csv}
