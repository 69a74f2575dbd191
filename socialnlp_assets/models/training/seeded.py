"""Reputation, themes and the aspects of reviews, from the project's own sentences in `seeds/`."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.models.training.classifier import SMALL, Floats, scores, train, train_alone
from socialnlp_assets.models.training.classifier import matrix as feature_matrix
from socialnlp_assets.nlp.cleaning import prepare_for_classification, prepare_review

SEEDS = Path(__file__).parent / "seeds"
FOLDS = 5
REVIEWS = 1500  # composed for each place type


class Clause(NamedTuple):
    aspect: str  # or "other"
    polarity: str
    text: str


def topics(_: Path, folder: Path) -> dict[str, float]:
    """Yes or no for each label of `folder`'s name; the figures are cross-validated at the threshold 0.5."""
    labels = load_catalogue()[folder.name].labels
    texts, members = read_topics(SEEDS / f"{folder.name}.tsv", labels)
    held_out = np.zeros_like(members)
    fold = np.random.default_rng(0).permutation(len(texts)) % FOLDS
    for number in range(FOLDS):
        seen = [text for text, other in zip(texts, fold, strict=True) if other != number]
        unseen = [text for text, other in zip(texts, fold, strict=True) if other == number]
        part = train_alone(seen, members[fold != number], strength=1, balance=0.7, ngrams=SMALL)
        held_out[fold == number] = part.model.margins(feature_matrix(unseen, part.idf, SMALL)) > 0
    train_alone(texts, members, strength=1, balance=0.7, ngrams=SMALL).save(folder, folder.name, labels, "multi-label")
    hits = (held_out * members).sum(axis=0)
    f1 = 2 * hits / np.maximum(held_out.sum(axis=0) + members.sum(axis=0), 1)
    precision, recall = hits.sum() / held_out.sum(), hits.sum() / members.sum()
    return {
        name: round(float(value), 3)
        for name, value in {"macro F1": f1.mean(), "micro precision": precision, "micro recall": recall}.items()
    }


def read_topics(path: Path, labels: tuple[str, ...]) -> tuple[list[str], Floats]:
    """The prepared texts of a seeds file, and texts × labels, 0 or 1. Raises `ValueError` at an unknown label."""
    texts, rows = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            continue
        names, text = line.split("\t")
        given = set() if names == "-" else set(names.split(","))
        if unknown := given - set(labels):
            raise ValueError(f"{path.name}, line {number}: no label is called {sorted(unknown)[0]!r}")
        texts.append(prepare_for_classification(text))
        rows.append([float(label in given) for label in labels])
    return texts, np.array(rows)


def aspects(_: Path, folder: Path) -> dict[str, float]:
    """Five classifiers, one an aspect; the figures are those of reviews composed of clauses that the model did
    not see, averaged over aspects."""
    entry = load_catalogue()[folder.name]
    place = folder.name.removeprefix("aspects-")
    clauses = read_clauses(SEEDS / "aspects.tsv", place)
    unseen = [clause for number, clause in enumerate(clauses) if number % 5 == 0]
    seen = [clause for number, clause in enumerate(clauses) if number % 5]
    figures: dict[str, list[float]] = defaultdict(list)
    for target in entry.targets:
        texts, classes = _labelled(compose(seen, seed=1), target, entry.labels)
        tests, truth = _labelled(compose(unseen, seed=2)[:400], target, entry.labels)
        model = train(texts, classes, len(entry.labels), strength=1, balance=0.5, ngrams=SMALL)
        for name, value in scores(truth, model.probabilities(tests).argmax(axis=1), len(entry.labels)).items():
            figures[name].append(value)
        texts, classes = _labelled(compose(clauses, seed=1), target, entry.labels)
        whole = train(texts, classes, len(entry.labels), strength=1, balance=0.5, ngrams=SMALL)
        whole.save(folder / target, f"{folder.name}/{target}", entry.labels, "aspects")
    settings = {
        "name": folder.name,
        "task": "aspects",
        "engine": "linear",
        "labels": entry.labels,
        "targets": entry.targets,
    }
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return {name: round(float(np.mean(values)), 3) for name, values in figures.items()}


def read_clauses(path: Path, place: str) -> list[Clause]:
    """The clauses that reviews of `place` may hold."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Clause(aspect, polarity, text) for where, aspect, polarity, text in rows if where in ("all", place)]


def compose(clauses: list[Clause], seed: int) -> list[list[Clause]]:
    """Each clause alone, then reviews of two to four clauses, of which no two are of one aspect."""
    rng = np.random.default_rng(seed)
    reviews = [[clause] for clause in clauses]
    while len(reviews) < REVIEWS:
        drawn = [clauses[row] for row in rng.permutation(len(clauses))[: rng.integers(2, 5)]]
        reviews.append(list({clause.aspect: clause for clause in drawn}.values()))
    return reviews


def _labelled(
    reviews: list[list[Clause]], target: str, labels: tuple[str, ...]
) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Prepared texts, and what each says of `target`."""
    joints = (". ", ", ", " and ", " but ", "! ")
    texts, classes = [], []
    for number, review in enumerate(reviews):
        texts.append(prepare_review(joints[number % len(joints)].join(clause.text for clause in review)))
        polarity = next((clause.polarity for clause in review if clause.aspect == target), "not mentioned")
        classes.append(labels.index(polarity))
    return texts, np.array(classes, np.int64)
