"""Stories: messages on one event, near-duplicates among them, grouped hour by hour and followed over time.

One pass over time, as in topic detection and tracking (Allan and others, On-line New Event Detection and Tracking,
SIGIR 1998): a message joins the open story that it is nearest to; those of an hour that join none open stories where
some of them are alike. Texts are compared by the cosine of their TF-IDF vectors, for which scikit-learn hashes words:
no vocabulary has to be kept from hour to hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

JOIN = 0.3  # cosine with a story's mean, from which a message joins it
ALIKE = 0.2  # mean cosine, from which messages are together
LEAST = 3  # messages that open a story
MOST = 3_000  # texts that are compared with one another at once
FEATURES = 2**18


@dataclass(frozen=True)
class Message:
    """A message as stories see it; `key` is its own, `text` is in English."""

    key: str
    text: str


@dataclass(frozen=True)
class OpenStory:
    """A story that messages may join, with texts of its latest messages."""

    story: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A message tells a story; `nearness` is its cosine with the story's mean."""

    key: str
    story: str
    nearness: float


def group(messages: Sequence[Message], stories: Sequence[OpenStory], usual: Iterable[str]) -> list[Told]:
    """Which of `messages` tell one of the open `stories`, or together a new one, in their order.

    `usual` are texts of the days before, by which words weigh little that all of them have, such as the company's name.
    A new story is named by a digest of its first message's key. The same arguments give the same answer.
    """
    if not messages:
        return []
    vectors = _Vectors([*usual, *(message.text for message in messages)])
    rows = vectors.of([message.text for message in messages])
    found: dict[int, Told] = {}
    if stories:
        means = _unit(np.vstack([vectors.of(story.texts).mean(axis=0).A1 for story in stories]))
        nearness = np.asarray(rows @ means.T)
        for place, best in enumerate(nearness.argmax(axis=1)):
            if nearness[place, best] >= JOIN:
                found[place] = Told(messages[place].key, stories[best].story, float(nearness[place, best]))
    left = [place for place in range(len(messages)) if place not in found]
    for start in range(0, len(left), MOST):
        for members in _alike(rows, left[start : start + MOST]):
            story = blake2b(messages[members[0]].key.encode(), digest_size=8).hexdigest()
            mean = _unit(rows[members].mean(axis=0).A1[None, :])
            for place, near in zip(members, np.asarray(rows[members] @ mean.T)[:, 0], strict=True):
                found[place] = Told(messages[place].key, story, float(near))
    return [found[place] for place in sorted(found)]


def _alike(rows: csr_matrix, places: Sequence[int]) -> list[list[int]]:
    """Groups of at least `LEAST` of `places`, whose texts are alike, in the order of their first."""
    from sklearn.cluster import AgglomerativeClustering

    worded = [place for place in places if rows[place].nnz]
    if len(worded) < LEAST:
        return []
    chosen = rows[worded]
    distances = np.clip(1 - np.asarray((chosen @ chosen.T).todense()), 0, 1)
    clustering = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - ALIKE
    )
    groups: dict[int, list[int]] = {}
    for place, label in zip(worded, clustering.fit_predict(distances), strict=True):
        groups.setdefault(int(label), []).append(place)
    return sorted(group for group in groups.values() if len(group) >= LEAST)


class _Vectors:
    """Makes vectors of texts: words and pairs of words, weighted by how few of the texts known have them."""

    def __init__(self, known: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

        self._hash = HashingVectorizer(
            n_features=FEATURES, ngram_range=(1, 2), stop_words="english", norm=None, alternate_sign=False, binary=True
        )
        self._weigh = TfidfTransformer(sublinear_tf=True).fit(self._hash.transform(known))

    def of(self, texts: Sequence[str]) -> csr_matrix:
        """A row of length 1 for each text; of length 0 for one without words."""
        return self._weigh.transform(self._hash.transform(texts))


def _unit(rows: Any) -> Any:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def name_of(terms: Iterable[str], usual: Mapping[str, float], most: int = 3) -> list[str]:
    """The terms that tell a story best from the rest: how many of its messages have one, weighted by how rare it is.

    `terms` has each phrase and name once for each of the story's messages that has it; `usual` has the share of all
    messages that have a term.
    """
    counted = Counter(terms)
    weights = {term: count * np.log(1 / max(usual.get(term, 0.0), 1e-4)) for term, count in counted.items()}
    chosen: list[str] = []
    for term in sorted(weights, key=lambda term: (-weights[term], term)):
        words = set(term.lower().split())
        if not any(words & set(other.lower().split()) for other in chosen):
            chosen.append(term)
        if len(chosen) == most:
            break
    return chosen
