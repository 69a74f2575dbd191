"""A model server's stand-in: answers every task of docs/contracts.md, in form if not in substance."""

from __future__ import annotations

import json
from typing import Any

from socialnlp_assets.models.catalogue import ModelEntry


def answer(entry: ModelEntry, body: bytes) -> bytes:
    """The reply to one request; each row's answer can be told from its text."""
    request = json.loads(body)
    texts = request.get("inputs", request.get("instances"))
    return json.dumps([_row(entry, text, request, position) for position, text in enumerate(texts)]).encode()


def _row(entry: ModelEntry, text: str, request: dict[str, Any], position: int) -> Any:
    best = len(text) % len(entry.labels) if entry.labels else 0
    scores = [0.9 if index == best else 0.1 for index in range(len(entry.labels))]
    match entry.task:
        case "translation":
            languages = request["parameters"]["src_lang"]
            language = languages if isinstance(languages, str) else languages[position]
            return {"translation_text": f"{language}:{text}"}
        case "normalisation":
            return {"generated_text": text.lower()}
        case "summarization":
            return {"summary_text": text[:50]}
        case "keywords":
            return [{"phrase": word, "score": 0.5} for word in text.split()[:3]]
        case "entities":
            return [{"text": text.split()[0], "kind": "person", "start": 0, "end": len(text.split()[0])}]
        case "text-classification":
            ranked = sorted(zip(entry.labels, scores, strict=True), key=lambda pair: -pair[1])
            return [{"label": label, "score": score} for label, score in ranked]
        case "multi-label" | "aspects":
            labels = [f"__label__{label.replace(' ', '_')}" for label in entry.labels]
            return {"label": labels, "prob": scores}
