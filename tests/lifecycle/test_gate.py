"""Figures of a classifier, and the rules by which a model may go into service."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from socialnlp_assets.evaluation.behaviour import Pair, judged, negated, pairs
from socialnlp_assets.evaluation.figures import (
    Answers,
    Interval,
    calibration,
    class_f1,
    confusion,
    difference,
    macro_f1,
    telling_errors,
)
from socialnlp_assets.evaluation.gate import Measured, rulings
from socialnlp_assets.models.catalogue import Behaviour, Floors


def answers(truth: list[int], given: list[int], sure: float = 0.9, labels: int = 2) -> Answers:
    """Of a model that gives one label."""
    true, scores = np.zeros((len(truth), labels), bool), np.full((len(truth), labels), (1 - sure) / (labels - 1))
    for row, (right, answer) in enumerate(zip(truth, given, strict=True)):
        true[row, right], scores[row, answer] = True, sure
    names = tuple("abcdef"[:labels])
    return Answers(names, true, scores, np.ones_like(true), (tuple(range(labels)),))


def test_f1_is_that_of_the_textbook() -> None:
    found = answers([0, 0, 0, 1, 1], [0, 0, 1, 1, 0])
    assert class_f1(found) == pytest.approx({"a": 2 / 3, "b": 1 / 2})
    assert macro_f1(found).value == pytest.approx(7 / 12)
    assert confusion(found) == {"a": {"a": 2, "b": 1}, "b": {"a": 1, "b": 1}}


def test_labels_that_stand_alone_are_counted_each() -> None:
    truth = np.array([[True, True], [False, False], [True, False]])
    scores = np.array([[0.9, 0.2], [0.1, 0.1], [0.6, 0.7]])
    found = Answers(("a", "b"), truth, scores, np.ones_like(truth))
    assert class_f1(found) == {"a": 1.0, "b": 0.0}
    assert confusion(found)["b"] == {"right": 0, "wrongly given": 1, "missed": 1}
    assert telling_errors(found)[0] == (0, "a, b", "a", 0.8)


def test_what_a_text_was_not_labelled_for_does_not_count() -> None:
    found = answers([0, 1], [0, 0])
    asked = np.array([[True, True], [False, False]])
    assert class_f1(replace(found, asked=asked)) == {"a": 1.0}


def test_an_interval_narrows_with_texts_and_a_difference_is_measured_on_the_same_ones() -> None:
    dice = np.random.default_rng(0)
    truth = dice.integers(0, 2, 2000).tolist()
    good = [right if dice.random() < 0.9 else 1 - right for right in truth]
    bad = [right if dice.random() < 0.8 else 1 - right for right in truth]
    few, many = macro_f1(answers(truth[:100], good[:100])), macro_f1(answers(truth, good))
    assert many.high - many.low < few.high - few.low
    assert many.low < many.value < many.high
    assert difference(answers(truth, good), answers(truth, bad)).low > 0.05
    assert difference(answers(truth, good), answers(truth, good)) == Interval(0, 0, 0)


def test_a_model_that_is_sure_and_wrong_is_ill_calibrated() -> None:
    error, bins = calibration(answers([0, 1, 0, 1], [0, 0, 0, 0], sure=0.95))
    assert error == pytest.approx(0.45)
    assert bins == [(pytest.approx(0.95), 0.5, 4)]


def test_a_sentence_is_negated_and_names_are_exchanged() -> None:
    assert negated("The service was good.") == "The service was not good."
    with pytest.raises(ValueError, match="write one with is, was"):
        negated("Good!")
    asked = pairs(Behaviour(ignores=("names",), negated={"joy": ("I am happy",)}), ["so happy"])
    assert asked == [
        Pair("names", "Maria says: so happy", "Peter says: so happy"),
        Pair("negation", "I am happy", "I am not happy", "joy"),
    ]
    scores = [({"joy": 0.9}, {"joy": 0.9}), ({"joy": 0.5}, {"joy": 0.6})]
    assert judged(asked, [("joy", "anger"), ("joy", "joy")], scores) == {"names": 1.0, "negation": 1.0}


GOOD = Measured(
    macro_f1=Interval(0.8, 0.78, 0.82),
    class_f1={"a": 0.8, "b": 0.8},
    calibration_error=0.05,
    milliseconds=1,
    megabytes=1,
    behaviour={"names": 0.0, "negation": 0.0},
    rows=1000,
    trained_on_labels=True,
    service_rows=900,
    against_service=Interval(0.01, -0.01, 0.03),
    class_against_service={"a": Interval(0.01, -0.02, 0.03)},
    fresh_f1=0.75,
    known_f1=0.8,
    known_against_service=Interval(-0.01, -0.04, 0.02),
)


def test_an_honest_model_passes_every_rule() -> None:
    assert [ruling.rule for ruling in rulings(GOOD, Floors()) if not ruling.passed] == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"known_against_service": Interval(-0.2, -0.3, -0.1)}, "what was known is not unlearned"),
        ({"trained_on_labels": False}, "trained on these labels"),
        ({"rows": 450}, "texts to learn from"),
        ({"macro_f1": Interval(0.4, 0.3, 0.5)}, "macro F1"),
        ({"class_f1": {"a": 0.9, "b": 0.0}}, "F1 of the worst label"),
        ({"calibration_error": 0.4}, "calibration error"),
        ({"milliseconds": 900}, "milliseconds a text"),
        ({"megabytes": 900}, "megabytes"),
        ({"behaviour": {"names": 0.4}}, "behaviour: names"),
        ({"fresh_f1": 0.3}, "new labels can be learned"),
        ({"against_service": Interval(-0.04, -0.06, -0.01)}, "not worse than the version in service"),
        ({"class_against_service": {"a": Interval(-0.3, -0.4, -0.2)}}, "no label is lost"),
    ],
)
def test_each_rule_stops_what_it_is_for_and_says_what_to_do(change: dict[str, object], rule: str) -> None:
    failed = [ruling for ruling in rulings(replace(GOOD, **change), Floors()) if not ruling.passed]  # type: ignore[arg-type]
    assert [ruling.rule for ruling in failed] == [rule]
    assert failed[0].remedy
