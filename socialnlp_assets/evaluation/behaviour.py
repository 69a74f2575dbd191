"""What a model must do whatever its figures are: say the same of a text when only a name, a place, a number or an
address changes, and less of a label when a sentence is negated.

Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, ACL 2020: invariance and directional
expectation tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from socialnlp_assets.models.catalogue import Behaviour

# Two fillings of one frame around a text, between which the answer should not change.
FRAMES: Mapping[str, tuple[str, str]] = {
    "names": ("Maria says: {}", "Peter says: {}"),
    "places": ("In Rome: {}", "In Kigali: {}"),
    "numbers": ("{} 27", "{} 31"),
    "addresses": ("{} https://a.example/one", "{} https://b.example/two"),
}
TEXTS = 100  # of each kind
MOST_CHANGED = 0.3  # share of answers; n-gram models of 2,000 texts, honestly trained, change up to 22 %
_VERB = re.compile(r"\b(is|was|am|are|were)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """Two texts to ask about. With a `label`, its score must be lower for the second; without, the answers equal."""

    kind: str
    first: str
    second: str
    label: str = ""


def pairs(behaviour: Behaviour, texts: Sequence[str]) -> list[Pair]:
    """What to ask; `texts` are held-back ones."""
    some = texts[:: max(1, len(texts) // TEXTS)][:TEXTS]
    found = [
        Pair(kind, *(frame.replace("{}", text) for frame in FRAMES[kind]))
        for kind in behaviour.ignores
        for text in some
    ]
    found += [
        Pair("negation", sentence, negated(sentence), label)
        for label, sentences in behaviour.negated.items()
        for sentence in sentences
    ]
    return found


def negated(sentence: str) -> str:
    """With "not" after its first form of to be. Raises ValueError for a sentence without one."""
    found, count = _VERB.subn(r"\1 not", sentence, count=1)
    if not count:
        raise ValueError(f"{sentence!r} cannot be negated: write one with is, was, am, are or were")
    return found


def judged(
    asked: Sequence[Pair], answers: Sequence[tuple[str, str]], scores: Sequence[tuple[Mapping[str, float], ...]]
) -> dict[str, float]:
    """By kind, the share of pairs on which the model does not behave. `answers` and `scores` are those of both texts
    of each pair."""
    wrong: dict[str, list[bool]] = {}
    for pair, (first, second), (before, after) in zip(asked, answers, scores, strict=True):
        is_wrong = after[pair.label] >= before[pair.label] if pair.label else first != second
        wrong.setdefault(pair.kind, []).append(is_wrong)
    return {kind: sum(found) / len(found) for kind, found in wrong.items()}
