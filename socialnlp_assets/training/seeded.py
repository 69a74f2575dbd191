"""Reputation, themes and the aspects of reviews, from the project's own sentences in `seeds/`."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import f1_score, precision_score, recall_score

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.nlp.cleaning import prepare_for_classification, prepare_review
from socialnlp_assets.training.classifier import SMALL, Classes, Floats, folds, scores, train, train_alone

SEEDS = Path(__file__).parent / "seeds"
REVIEWS = 1500  # composed for each place type


class Clause(NamedTuple):
    aspect: str  # or "other"
    polarity: str
    text: str


def topics(_: Path, folder: Path) -> dict[str, float]:
    """Yes or no for each label of `folder`'s name; the figures are cross-validated at the threshold 0.5."""
    labels = load_catalogue()[folder.name].labels
    texts, members = read_topics(SEEDS / f"{folder.name}.tsv", labels)
    predicted = np.zeros_like(members)
    for seen, unseen in folds(len(texts)):
        part = train_alone([texts[row] for row in seen], members[seen], strength=2, balance=0.7, ngrams=SMALL)
        predicted[unseen] = part.margins([texts[row] for row in unseen]) > 0
    train_alone(texts, members, strength=2, balance=0.7, ngrams=SMALL).save(folder, folder.name, labels, "multi-label")
    return {
        "macro F1": round(float(f1_score(members, predicted, average="macro", zero_division=0)), 3),
        "micro precision": round(float(precision_score(members, predicted, average="micro")), 3),
        "micro recall": round(float(recall_score(members, predicted, average="micro")), 3),
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
        model = train(texts, classes, strength=1, balance=0.5, ngrams=SMALL)
        for name, value in scores(truth, model.margins(tests).argmax(axis=1)).items():
            figures[name].append(value)
        texts, classes = _labelled(compose(clauses, seed=1), target, entry.labels)
        whole = train(texts, classes, strength=1, balance=0.5, ngrams=SMALL)
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


def _labelled(reviews: list[list[Clause]], target: str, labels: tuple[str, ...]) -> tuple[list[str], Classes]:
    """Prepared texts, and what each says of `target`."""
    joints = (". ", ", ", " and ", " but ", "! ")
    texts, classes = [], []
    for number, review in enumerate(reviews):
        texts.append(prepare_review(joints[number % len(joints)].join(clause.text for clause in review)))
        polarity = next((clause.polarity for clause in review if clause.aspect == target), "not mentioned")
        classes.append(labels.index(polarity))
    return texts, np.array(classes, np.int64)
