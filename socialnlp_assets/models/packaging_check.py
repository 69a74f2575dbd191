"""The self-check of a converted model: the same texts through it and through the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.nlp.lexicon import Slot
from socialnlp_assets.nlp.noise import normalise
from socialnlp_assets.serving.handlers import engine_handler
from socialnlp_assets.tasks import task

SAME_LABEL, SCORE_DIFFERENCE, CHRF = 0.99, 0.02, 95.0  # what a conversion must reach
SAME_TEXT = 0.95

TEXTS = Path(__file__).parent / "packaging_texts.yaml"


def self_check(
    entry: ModelEntry, converted: Path, settings: Mapping[str, Any], original: Path, *, threads: int = 2
) -> dict[str, Any]:
    """How far the model in `converted` agrees with the one in `original`: figures, and `passed`."""
    texts, parameters = questions(entry.task, settings)
    engine = settings["engine"]
    fast = engine_handler(engine).load(converted, settings, threads).predict(texts, parameters)
    plain_engine = "reference-" + engine.partition("-")[2]
    plain = engine_handler(plain_engine).load(original, settings, threads).predict(texts, parameters)
    if task(entry.task).has_labels:
        figures = compare_scores(fast.results, plain.results)
        passed = figures["same_label"] >= SAME_LABEL and figures["score_difference"] <= SCORE_DIFFERENCE
    else:
        figures = compare_texts(fast.results, plain.results)
        # A noise filter that chooses wrongly still leaves most letters as they are.
        alike = figures["chrf"] >= CHRF and entry.task != "normalisation"
        passed = figures["same_text"] >= SAME_TEXT or alike
    return {"texts": len(texts), **{name: round(value, 4) for name, value in figures.items()}, "passed": passed}


def compare_scores(ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The share of texts with the same best label, and the mean absolute difference of all scores."""
    pairs = list(zip(ours, theirs, strict=True))
    same = sum(max(a, key=a.__getitem__) == max(b, key=b.__getitem__) for a, b in pairs)
    differences = [abs(a[label] - b[label]) for a, b in pairs for label in b]
    return {"same_label": same / len(pairs), "score_difference": sum(differences) / len(differences)}


def compare_texts(ours: Sequence[str], theirs: Sequence[str]) -> dict[str, float]:
    """The share of equal texts, and their chrF, 0 to 100."""
    from sacrebleu.metrics.chrf import CHRF

    pairs = list(zip(ours, theirs, strict=True))
    same = sum(a == b for a, b in pairs) / len(pairs)
    return {"same_text": same, "chrf": CHRF().corpus_score(list(ours), [list(theirs)]).score}


def questions(name: str, settings: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Texts on which the models may differ: each is one that the model has to work on."""
    given: dict[str, Any] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    parameters = task(name).defaults()
    if name == "summarization":
        articles: list[str] = given["articles"]
        return [*articles, " ".join(articles[:2]), " ".join(articles)], parameters  # one chunk, and several
    if name == "translation":
        known = [
            (text, language)
            for language, texts in given["translation"].items()
            for text in texts
            if language in settings["languages"]
        ]
        languages = [language for _, language in known]
        return [text for text, _ in known], {**parameters, "src_lang": languages, "max_length": 64}
    if name == "normalisation":
        return [text for text in given["noisy"] + given["english"] if has_choice(text)], parameters
    return given["english"] + given["noisy"] + given["articles"], parameters


def has_choice(text: str) -> bool:
    """Whether the noise filter asks its model anything about `text`."""
    slots: list[Slot] = []

    def choose(found: Sequence[Slot]) -> list[str]:
        slots.extend(found)
        return [slot.candidates[0].text for slot in found]

    normalise([text], choose)
    return bool(slots)
