"""What must hold of a data set before anything is trained on it. Each finding says what was observed and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from socialnlp_assets.labels.dataset import HELD_BACK, TRAIN, Dataset
from socialnlp_assets.labels.labelled import Labels
from socialnlp_assets.nlp.language import detect

LEAST_TRAINING, LEAST_HELD_BACK = 20, 5  # texts of each label
MOST_CONTRADICTORY = 0.02  # share of rows
MOST_FOREIGN = 0.1  # share of texts that are surely not English
SURE = 0.95
LEAST_WORDS = 5  # that a language is told by
TELL_TALE = 0.95  # a word in so many texts of one label, and in so few others, tells the label instead of the text
MOST_DETECTED = 2000


@dataclass(frozen=True)
class Finding:
    """One check of a data set: whether it passed, what was observed, and what to do. A warning does not block."""

    check: str
    passed: bool
    told: str
    is_warning: bool = False


CHECKS: dict[str, str] = {
    "class_counts": "Every label has texts to learn from and texts to measure on.",
    "contradictions": "Hardly any text has two answers.",
    "leakage": "No word gives the label away, and no held-back text is trained on.",
    "language": "The texts are in English, as the model reads them.",
    "personal_data": "E-mail addresses, telephone numbers and the like were replaced.",
}


def findings(dataset: Dataset, labels: Labels) -> list[Finding]:
    """All checks, in the order of `CHECKS`."""
    of_each: dict[str, Callable[[Dataset, Labels], Finding]] = {
        "class_counts": _class_counts,
        "contradictions": _contradictions,
        "leakage": _leakage,
        "language": _language,
        "personal_data": _personal_data,
    }
    return [of_each[name](dataset, labels) for name in CHECKS]


def _class_counts(dataset: Dataset, labels: Labels) -> Finding:
    training, held_back = dataset.counts(TRAIN), dataset.counts(HELD_BACK)
    few = [
        f"{label}: {training[label]} and {held_back[label]}"
        for label in labels.all()
        if training[label] < LEAST_TRAINING or held_back[label] < LEAST_HELD_BACK
    ]
    if not few:
        least = min((training[label] for label in labels.all()), default=0)
        return Finding("class_counts", True, f"at least {least} texts to learn from of each label")
    return Finding(
        "class_counts", False,
        f"too few texts to learn from, and to measure on, of {'; '.join(few)}. Each label needs {LEAST_TRAINING} and "
        f"{LEAST_HELD_BACK}: label about {LEAST_TRAINING * 2} texts of each",
    )  # fmt: skip


def _contradictions(dataset: Dataset, labels: Labels) -> Finding:  # noqa: ARG001
    rows = sum(len(each.places) for each in dataset.contradictions)
    share = rows / max(1, dataset.rows)
    if not rows:
        return Finding("contradictions", True, "no text has two answers")
    shown = "; ".join(
        f"{' and '.join(each.places[:2])}: {' or '.join(', '.join(names) or '-' for names in each.labels)}"
        for each in dataset.contradictions[:3]
    )
    told = f"{rows} of {dataset.rows} rows contradict one another and were left out: {shown}"
    if share <= MOST_CONTRADICTORY:
        return Finding("contradictions", True, told)
    return Finding("contradictions", False, f"{told}. Decide these texts, or take the worse file out")


def _leakage(dataset: Dataset, labels: Labels) -> Finding:
    telling = list(_telling_words(dataset, labels))
    aside = sum(1 for example in dataset.examples if example.split not in (TRAIN, HELD_BACK))
    put = f"{aside} texts that are nearly held-back ones were put aside"
    if telling:
        return Finding("leakage", False, f"words that give a label away: {'; '.join(telling[:5])}. Take them out")
    return Finding("leakage", True, put)


def _telling_words(dataset: Dataset, labels: Labels) -> Iterator[str]:
    """A word that nearly all texts of a label have and nearly no other text."""
    training = dataset.of(TRAIN)
    everywhere: Counter[str] = Counter()
    by_label: dict[str, Counter[str]] = {label: Counter() for label in labels.all()}
    for example in training:
        words = set(example.text.lower().split())
        everywhere.update(words)
        for label in example.labels:
            by_label[label].update(words)
    totals = dataset.counts(TRAIN)
    for label, words_of in by_label.items():
        for word, count in words_of.most_common(3):
            if totals[label] >= LEAST_TRAINING and len(training) > totals[label]:
                others = everywhere[word] - count
                if count >= TELL_TALE * totals[label] and others <= (1 - TELL_TALE) * (len(training) - totals[label]):
                    yield f"{word!r} is in {count} of {totals[label]} texts of {label}, and in {others} others"


def _language(dataset: Dataset, labels: Labels) -> Finding:  # noqa: ARG001
    texts = [example.text for example in dataset.examples if len(example.text.split()) >= LEAST_WORDS]
    texts = texts[:: max(1, len(texts) // MOST_DETECTED)]
    foreign = Counter(code for code, sure in map(detect, texts) if code not in ("en", "und") and sure >= SURE)
    share = sum(foreign.values()) / max(1, len(texts))
    told = f"{share:.0%} of the texts are surely not English"
    if share > MOST_FOREIGN:
        most = ", ".join(f"{code} {count}" for code, count in foreign.most_common(3))
        return Finding(
            "language", False, f"{told} ({most}); label what the model reads, which is translated", is_warning=True
        )
    return Finding("language", True, told)


def _personal_data(dataset: Dataset, labels: Labels) -> Finding:  # noqa: ARG001
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(dataset.replaced.items())) or "none"
    return Finding("personal_data", True, f"replaced: {counts}")
