"""One data set of all labelled texts: immutable, split for good, checked."""

from __future__ import annotations

import random
import re

import pytest

from socialnlp_assets.labels.checks import findings
from socialnlp_assets.labels.dataset import ASIDE, HELD_BACK, TRAIN, Dataset, make_dataset, near_duplicates
from socialnlp_assets.labels.labelled import Labelled, Labels
from socialnlp_assets.models import load_catalogue

EMOTION = Labels(load_catalogue()["emotion"])
ITALIAN = "la bolletta di questo mese è arrivata in ritardo e nessuno del servizio clienti ha saputo dirmi il perché"
TOLD = {
    "joy": "happy glad smiling",
    "optimism": "hope soon better",
    "anger": "furious rude shouting",
    "sadness": "lost",
}


def labelled(count: int, seed: int = 0) -> list[Labelled]:
    """Texts of a few words each, of all labels in turn; no two are nearly the same."""
    dice = random.Random(seed)
    words = [f"word{number}" for number in range(400)]
    rows = []
    for number in range(count):
        label = list(TOLD)[number % len(TOLD)]
        told = dice.choice(TOLD[label].split()) if number % 3 else dice.choice(words)
        rows.append(Labelled(" ".join([told, *dice.sample(words, 9)]), (label,), "a.csv", number))
    return rows


def of_split(dataset: Dataset, split: str) -> set[str]:
    return {example.text for example in dataset.of(split)}


def test_the_order_of_rows_and_files_does_not_matter() -> None:
    rows = labelled(200)
    assert make_dataset(rows).version == make_dataset(rows[::-1]).version
    assert make_dataset(rows).version != make_dataset(rows[1:]).version


def test_nothing_moves_between_splits_when_labels_are_added() -> None:
    before, after = make_dataset(labelled(300)), make_dataset(labelled(300) + labelled(300, seed=1))
    for split in (TRAIN, HELD_BACK):
        assert of_split(before, split) <= of_split(after, split)
    share = len(after.of(HELD_BACK)) / len(after.examples)
    assert 0.15 < share < 0.25


def test_what_is_nearly_a_held_back_text_is_not_trained_on() -> None:
    rows = labelled(200)
    held_back = make_dataset(rows).of(HELD_BACK)[:20]
    variants = [Labelled(f"{example.text} {'again' * n}", example.labels) for example in held_back for n in (1, 2)]
    dataset = make_dataset(rows + variants)
    assert not of_split(dataset, TRAIN) & {variant.text for variant in variants}
    assert dataset.of(ASIDE)
    texts = [example.text for example in dataset.of(TRAIN)]
    assert not any(near_duplicates(texts, [example.text for example in dataset.of(HELD_BACK)]))


def test_the_same_text_counts_once_and_two_answers_count_as_none() -> None:
    rows = [
        Labelled("So  happy!", ("joy",), "a.csv", 2),
        Labelled("so happy https://a.example", ("joy",), "b.csv", 2),
        Labelled("oh well", ("anger",), "a.csv", 3),
        Labelled("Oh well.", ("sadness",), "b.csv", 3),
    ]
    dataset = make_dataset(rows)
    assert [example.labels for example in dataset.examples] == [("joy",)]
    assert dataset.duplicates == 1
    (contradiction,) = dataset.contradictions
    assert contradiction.places == ("a.csv:3", "b.csv:3")


def test_targets_of_one_review_come_together() -> None:
    rows = [Labelled("cheap", ("prezzi=positive",)), Labelled("cheap", ("gentilezza=negative",))]
    (example,) = make_dataset(rows).examples
    assert set(example.labels) == {"prezzi=positive", "gentilezza=negative"}


def test_personal_data_is_replaced() -> None:
    dataset = make_dataset([Labelled("write to ada@example.org", ("joy",))])
    assert dataset.examples[0].text == "write to [email]"
    assert dataset.replaced == {"email": 1}


def failed(rows: list[Labelled]) -> dict[str, str]:
    return {finding.check: finding.told for finding in findings(make_dataset(rows), EMOTION) if not finding.passed}


def test_a_good_data_set_passes_every_check() -> None:
    assert not failed(labelled(600))


@pytest.mark.parametrize(
    ("rows", "check", "told"),
    [
        (labelled(3), "class_counts", "label about 40 texts of each"),
        ([row for row in labelled(800) if row.labels == ("joy",)], "class_counts", "too few texts .* of optimism: 0"),
        (
            labelled(600) + [Labelled(row.text, ("sadness",)) for row in labelled(200) if row.labels == ("joy",)],
            "contradictions",
            "Decide these texts, or take the worse file out",
        ),
        (
            [Labelled(f"mood:{row.labels[0]} {row.text}", row.labels) for row in labelled(600)],
            "leakage",
            "'mood:joy' is in 1[0-9]+ of",
        ),
        (
            [Labelled(f"{ITALIAN} {row.text}", row.labels) for row in labelled(600)],
            "language",
            "surely not English",
        ),
    ],
)
def test_what_is_wrong_with_a_data_set_is_told(rows: list[Labelled], check: str, told: str) -> None:
    found = failed(rows)
    assert check in found
    assert re.search(told, found[check])
