"""Phrases of two languages learned from sentences that translate each other.

IBM model 1 with a preference for the diagonal (Dyer, Chahuneau and Smith, A Simple, Fast, and Effective
Reparameterization of IBM Model 2, NAACL 2013), fitted in both directions, joined by grow-diag (Och and Ney, 2003),
then all phrases that agree with the joined alignment (Koehn, Och and Marcu, 2003).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

ROUNDS = 6
TENSION = 4.0  # how strongly words align to words at the same relative place
NULL_SHARE = 0.08  # how often a word stands for nothing
LONGEST = 4  # words of a phrase on the source side; one or two more on the other
Sentence = Sequence[str]
Links = set[tuple[int, int]]
Phrase = tuple[str, str]


def phrase_counts(sources: Sequence[Sentence], targets: Sequence[Sentence]) -> Counter[Phrase]:
    """How often each source phrase stands beside each target phrase."""
    forward, backward = align(sources, targets), align(targets, sources)
    counts: Counter[Phrase] = Counter()
    for source, target, one, other in zip(sources, targets, forward, backward, strict=True):
        links = grow_diagonal(one, {(s, t) for t, s in other})
        counts.update(phrases(source, target, links))
    return counts


def align(sources: Sequence[Sentence], targets: Sequence[Sentence]) -> list[Links]:
    """For each pair the links (source position, target position): each target word's likeliest source word."""
    numbers: dict[str, int] = {}
    source_ids = [[numbers.setdefault(word, len(numbers)) for word in ("", *sentence)] for sentence in sources]
    names: dict[str, int] = {}
    target_ids = [[names.setdefault(word, len(names)) for word in sentence] for sentence in targets]
    # One cell for each source word (or none) beside each target word of each pair.
    pair_keys, places, priors, columns = [], [], [], 0
    for source, target in zip(source_ids, target_ids, strict=True):
        width, height = len(source), len(target)
        pair_keys.append((np.array(source)[:, None] * len(names) + np.array(target)[None, :]).ravel())
        places.append(np.tile(np.arange(columns, columns + height), width))
        priors.append(_priors(width, height).ravel())
        columns += height
    cells, inverse = np.unique(np.concatenate(pair_keys), return_inverse=True)
    place, prior, source_of = np.concatenate(places), np.concatenate(priors), cells // len(names)
    table = np.full(len(cells), 1.0)
    for _ in range(ROUNDS):
        share = table[inverse] * prior
        share /= np.bincount(place, share, minlength=columns)[place]
        expected = np.bincount(inverse, share, minlength=len(cells))
        table = expected / np.bincount(source_of, expected)[source_of]
    likelihood = table[inverse] * prior
    links, start = [], 0
    for source, target in zip(source_ids, target_ids, strict=True):
        block = likelihood[start : start + len(source) * len(target)].reshape(len(source), len(target))
        start += block.size
        links.append({(int(s) - 1, t) for t, s in enumerate(block.argmax(axis=0)) if s})
    return links


def _priors(width: int, height: int) -> npt.NDArray[np.float64]:
    """(Source words and, first, none) × target words: how likely a link is by its place alone."""
    source, target = np.arange(width - 1) / max(width - 1, 1), np.arange(height) / height
    diagonal = np.exp(-TENSION * np.abs(source[:, None] - target[None, :]))
    diagonal *= (1 - NULL_SHARE) / diagonal.sum(axis=0)
    return np.vstack([np.full(height, NULL_SHARE), diagonal])


def grow_diagonal(one: Links, other: Links) -> Links:
    """What both directions say, and what one says next to it for a word that has no link yet."""
    links, union = one & other, one | other
    grown = True
    while grown:
        grown = False
        for s, t in sorted(union - links):
            free = all(s != a for a, _ in links) or all(t != b for _, b in links)
            if free and any((s + a, t + b) in links for a in (-1, 0, 1) for b in (-1, 0, 1)):
                links.add((s, t))
                grown = True
    return links


def phrases(source: Sentence, target: Sentence, links: Links) -> Iterator[Phrase]:
    """Every pair of phrases whose words are linked only to one another."""
    for start in range(len(source)):
        for end in range(start, min(start + LONGEST, len(source))):
            inside = [t for s, t in links if start <= s <= end]
            if not inside:
                continue
            low, high = min(inside), max(inside)
            if high - low > LONGEST + 1 or any(low <= t <= high and not start <= s <= end for s, t in links):
                continue
            yield " ".join(source[start : end + 1]), " ".join(target[low : high + 1])
            # An English article before the phrase that nothing is linked to belongs to it.
            if low and target[low - 1] in ("the", "a", "an") and all(t != low - 1 for _, t in links):
                yield " ".join(source[start : end + 1]), " ".join(target[low - 1 : high + 1])
