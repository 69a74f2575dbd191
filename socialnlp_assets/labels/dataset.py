"""One immutable data set of all labelled texts of a model, named by its content.

Normalised, without personal data and duplicates, and split by a hash of the text: a text is held back or not, whatever
else there is, so nothing ever moves from one side to the other. What is nearly the same as a held-back text is put
aside: trained on, it would flatter the model.

Near duplicates are texts whose sets of words and pairs of words have a Jaccard index of `NEAR` or more. Candidates are
found by MinHash (Broder, On the Resemblance and Containment of Documents, 1997) in bands.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from socialnlp_assets.labels.labelled import Labelled
from socialnlp_assets.nlp.personal_data import replace_personal_data

HELD_BACK_PERCENT = 20
NEAR = 0.8
LANGUAGES = ("en", "it", "fr", "sw")  # in whose ways a telephone number may be written
TRAIN, HELD_BACK, ASIDE = "train", "held back", "aside"
_HIDDEN = re.compile(r"(?:https?://|www\.)\S+|@\w+")
_WORD = re.compile(r"\w+")
BANDS, ROWS = 12, 2
MOST_COMPARED = 50  # held-back texts of one band
_PRIME = (1 << 31) - 1


@dataclass(frozen=True)
class Example:
    """A text of a data set."""

    text: str
    labels: tuple[str, ...]
    split: str
    about: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Contradiction:
    """One text with several labels, all of which were left out."""

    text: str
    labels: tuple[tuple[str, ...], ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """The examples, in the order of their texts' hashes, and what became of all other rows."""

    examples: tuple[Example, ...]
    rows: int  # that were read
    duplicates: int = 0
    contradictions: tuple[Contradiction, ...] = ()
    replaced: Mapping[str, int] = field(default_factory=dict)  # personal data, by kind

    @property
    def version(self) -> str:
        """16 hex digits of what it holds."""
        lines = (f"{each.split}\t{'|'.join(each.labels)}\t{each.text}\n" for each in self.examples)
        return sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def of(self, split: str) -> list[Example]:
        return [example for example in self.examples if example.split == split]

    def counts(self, split: str) -> Counter[str]:
        """Examples of each label."""
        return Counter(label for example in self.of(split) for label in example.labels)


def make_dataset(rows: Iterable[Labelled]) -> Dataset:
    """The data set of all rows, whatever their order."""
    replaced: Counter[str] = Counter()
    groups: dict[str, list[Labelled]] = defaultdict(list)
    count = 0
    for row in rows:
        count += 1
        text, found = replace_personal_data(normalised(row.text), LANGUAGES)
        replaced += found
        groups[key_of(text)].append(Labelled(text, row.labels, row.file, row.line, row.about))
    kept: list[tuple[str, Labelled]] = []
    contradictions = []
    for key, group in groups.items():
        labels = _agreed([row.labels for row in group])
        if labels is None:
            different = tuple(dict.fromkeys(row.labels for row in group))
            places = tuple(f"{row.file}:{row.line}" for row in group)
            contradictions.append(Contradiction(group[0].text, different, places))
            continue
        first = min(group, key=lambda row: (row.text, row.file, row.line))
        kept.append((key, Labelled(first.text, labels, first.file, first.line, first.about)))
    kept.sort(key=lambda pair: _hash(pair[0]))
    keys = [key for key, _ in kept]
    splits = _splits(keys)
    examples = tuple(
        Example(row.text, row.labels, split, row.about, row.file, row.line)
        for (_, row), split in zip(kept, splits, strict=True)
    )
    duplicates = count - len(examples) - sum(len(each.places) for each in contradictions)
    return Dataset(examples, count, duplicates, tuple(contradictions), dict(replaced))


def normalised(text: str) -> str:
    """One line, composed characters, single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def key_of(text: str) -> str:
    """What two texts share that are the same: their lower-case words, without addresses and user names."""
    return " ".join(_WORD.findall(_HIDDEN.sub(" ", text).casefold())) or text


def _agreed(given: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The labels on which all rows of one text agree; of several targets, all that were labelled. None for none."""
    if any("=" in label for labels in given for label in labels):
        by_target: dict[str, set[str]] = defaultdict(set)
        for label in dict.fromkeys(label for labels in given for label in labels):
            by_target[label.partition("=")[0]].add(label)
        if any(len(labels) > 1 for labels in by_target.values()):
            return None
        return tuple(label for labels in by_target.values() for label in labels)
    return given[0] if len(set(given)) == 1 else None


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _splits(keys: Sequence[str]) -> list[str]:
    splits = [HELD_BACK if int(_hash(key)[:8], 16) % 100 < HELD_BACK_PERCENT else TRAIN for key in keys]
    held_back = [keys[number] for number, split in enumerate(splits) if split == HELD_BACK]
    near = near_duplicates([key for key, split in zip(keys, splits, strict=True) if split == TRAIN], held_back)
    training = iter(near)
    return [ASIDE if split == TRAIN and next(training) else split for split in splits]


def near_duplicates(keys: Sequence[str], others: Sequence[str]) -> list[bool]:
    """For each of `keys`, whether one of `others` is nearly the same."""
    bands: list[dict[bytes, list[int]]] = [defaultdict(list) for _ in range(BANDS)]
    sets = [_shingles(key) for key in others]
    for number, shingles in enumerate(sets):
        for band, signature in enumerate(_signature(shingles)):
            if len(bands[band][signature]) < MOST_COMPARED:
                bands[band][signature].append(number)
    found = []
    for key in keys:
        shingles = _shingles(key)
        candidates = {n for band, signature in enumerate(_signature(shingles)) for n in bands[band].get(signature, ())}
        found.append(any(_jaccard(shingles, sets[number]) >= NEAR for number in candidates))
    return found


def _shingles(key: str) -> frozenset[int]:
    words = key.split()
    pairs = (f"{first} {second}" for first, second in pairwise(words))
    return frozenset(crc32(part.encode("utf-8", "surrogatepass")) for part in (*words, *pairs))


_COEFFICIENTS: npt.NDArray[np.uint64] = np.random.default_rng(0).integers(
    1, _PRIME, size=(2, BANDS * ROWS, 1), dtype=np.uint64
)


def _signature(shingles: frozenset[int]) -> list[bytes]:
    """One value a band."""
    if not shingles:
        return []
    values = np.fromiter(shingles, np.uint64, len(shingles)) % _PRIME
    least = ((_COEFFICIENTS[0] * values + _COEFFICIENTS[1]) % _PRIME).min(axis=1)
    return [least[band * ROWS : (band + 1) * ROWS].tobytes() for band in range(BANDS)]


def _jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    return len(a & b) / (len(a | b) or 1)
