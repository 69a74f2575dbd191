"""The self-check of a converted model: from which figures on it has passed, and what its card says of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from socialnlp_assets.models import load_catalogue, packaging_check
from socialnlp_assets.models.packaging import card
from socialnlp_assets.models.packaging_check import compare_scores, compare_texts, has_choice, questions, self_check

CATALOGUE = load_catalogue()


def test_scores_are_compared_by_their_best_label_and_by_how_far_they_lie_apart() -> None:
    ours = [{"a": 0.9, "b": 0.1}, {"a": 0.4, "b": 0.6}]
    theirs = [{"a": 0.8, "b": 0.2}, {"a": 0.6, "b": 0.4}]
    assert compare_scores(ours, theirs) == pytest.approx({"same_label": 0.5, "score_difference": 0.15})
    assert compare_scores(theirs, theirs) == {"same_label": 1.0, "score_difference": 0.0}


def test_texts_are_compared_as_wholes_and_by_their_letters() -> None:
    texts = ["the power is back", "nobody answers"]
    assert compare_texts(texts, texts) == {"same_text": 1.0, "chrf": pytest.approx(100.0)}
    other = compare_texts(["the power is back", "nobody answered"], texts)
    assert other["same_text"] == 0.5
    assert 60 < other["chrf"] < 100


@pytest.mark.parametrize("name", ["summarization", "normalisation", "text-classification"])
def test_each_question_is_one_that_the_model_has_to_work_on(name: str) -> None:
    texts, _ = questions(name, {})
    assert len(set(texts)) == len(texts) >= 5
    if name == "normalisation":
        assert all(map(has_choice, texts))
    if name == "summarization":
        assert max(map(len, texts)) > 2 * min(map(len, texts))  # one chunk, and several


def test_only_languages_that_the_model_reads_are_asked_about() -> None:
    texts, parameters = questions("translation", {"languages": ["it"]})
    assert set(parameters["src_lang"]) == {"it"}
    assert len(parameters["src_lang"]) == len(texts) > 0
    assert len(questions("translation", {"languages": ["it", "sw"]})[0]) > len(texts)


def engines(monkeypatch: pytest.MonkeyPatch, ours: Any, theirs: Any) -> list[tuple[str, Path]]:
    """Engines that answer each text as `ours` and `theirs` do; what was loaded."""
    loaded: list[tuple[str, Path]] = []

    def engine_handler(engine: str) -> Any:
        answer = theirs if engine.startswith("reference-") else ours

        def load(folder: Path, settings: Any, threads: int) -> Any:
            assert (settings["engine"], threads) == ("ct2-any", 2)
            loaded.append((engine, folder))
            return SimpleNamespace(predict=lambda texts, _: SimpleNamespace(results=[*map(answer, range(len(texts)))]))

        return SimpleNamespace(load=load)

    monkeypatch.setattr(packaging_check, "engine_handler", engine_handler)
    return loaded


@pytest.mark.parametrize(
    ("model", "ours", "passed"),
    [
        ("emotion", lambda _: {"a": 0.9, "b": 0.1}, True),
        ("emotion", lambda _: {"a": 0.885, "b": 0.115}, True),
        ("emotion", lambda _: {"a": 0.875, "b": 0.125}, False),  # the scores lie too far apart
        ("emotion", lambda n: {"a": 0.9, "b": 0.1 if n else 0.91}, False),  # one other label
        ("summarizer", lambda _: "the power is back in our street", True),
        ("summarizer", lambda _: "the power is back in our street.", True),  # nearly every letter
        ("summarizer", lambda _: "no power in the street", False),
        ("normalizer", lambda _: "the power is back in our street.", False),  # which leaves most letters as they are
        ("normalizer", lambda _: "the power is back in our street", True),
    ],
)
def test_a_conversion_passes_that_says_what_the_original_says(
    monkeypatch: pytest.MonkeyPatch, model: str, ours: Any, passed: bool
) -> None:
    theirs = {"a": 0.9, "b": 0.1} if model == "emotion" else "the power is back in our street"
    loaded = engines(monkeypatch, ours, lambda _: theirs)
    found = self_check(CATALOGUE[model], Path("converted"), {"engine": "ct2-any"}, Path("original"))
    assert found["passed"] is passed
    assert found["texts"] == len(questions(CATALOGUE[model].task, {})[0])
    assert loaded == [("ct2-any", Path("converted")), ("reference-any", Path("original"))]


def test_the_card_says_where_a_model_is_from_under_which_licence_and_how_far_it_agrees() -> None:
    provenance = {
        "source": "someone/model", "revision": "abc", "licence": "mit", "quantisation": "int8",
        "self_check": {"same_label": 0.99, "passed": True},
    }  # fmt: skip
    entry = CATALOGUE["emotion"]
    shown = card(entry, {"name": "emotion", "engine": "onnx", "provenance": provenance})
    assert shown.startswith(
        f"# emotion\n\n{entry.description}\n\n- source: someone/model, revision abc\n- licence: mit\n"
    )
    assert "- engine: onnx, weights int8\n" in shown
    assert shown.endswith("## Agreement with the original\n\n- same_label: 0.99\n- passed: True\n")
    nameless = card(entry, {"name": "emotion", "engine": "onnx", "provenance": provenance | {"licence": ""}})
    assert "licence: its card names none; ask its authors" in nameless
