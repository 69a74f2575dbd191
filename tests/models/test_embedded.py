"""The models that ship: each loads through its own engine and does what a user expects of it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets.models.catalogue import EMBEDDED_MODELS, load_catalogue
from socialnlp_assets.nlp.cleaning import prepare_for_classification, prepare_review
from socialnlp_assets.serving.handler import Handler
from socialnlp_assets.serving.handlers import engine_handler
from socialnlp_assets.tasks import task

FOLDERS = sorted(path.parent for path in EMBEDDED_MODELS.rglob("model.json") if "targets" not in path.read_text())


@cache
def load(folder: Path) -> tuple[Handler, dict[str, Any]]:
    settings = json.loads((folder / "model.json").read_text())
    return engine_handler(settings["engine"]).load(folder, settings, threads=1), settings


def predict(name: str, *texts: str, **parameters: Any) -> list[Any]:
    handler, settings = load(EMBEDDED_MODELS / name)
    defaults = task(settings["task"]).defaults()
    return list(handler.predict(texts, {**defaults, **parameters}).results)


def test_entities_of_html_are_read_before_a_text_is_translated() -> None:
    told = english("it", "l&#39;energia &egrave; cara &amp; la bolletta \\u00e8 alta")
    assert told == english("it", "l'energia è cara & la bolletta è alta")
    assert "egrave" not in told


def best(scores: dict[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def english(language: str, text: str) -> str:
    return str(predict("translator", text, src_lang=[language])[0])


def test_every_model_of_the_catalogue_has_a_folder_a_card_and_its_labels() -> None:
    for name, entry in load_catalogue().root.items():
        settings = json.loads((entry.embedded.path / (entry.target or "") / "model.json").read_text())
        assert (settings["name"], settings["task"]) == (name, entry.task)
        assert sorted(settings.get("labels", ())) == sorted(entry.labels)
        assert tuple(settings.get("targets", ())) == entry.targets
        assert "## Terms" in (entry.embedded.path / "README.md").read_text()


def test_who_and_what_a_text_names_and_where() -> None:
    text = "😀 Mario Rossi visited Rome with Microsoft Corporation in May."
    (entities,) = predict("keywords/entities", text)
    assert [(entity.text, entity.kind) for entity in entities] == [
        ("Mario Rossi", "person"),
        ("Rome", "place"),
        ("Microsoft Corporation", "organisation"),
    ]
    assert all(text[entity.start : entity.end] == entity.text for entity in entities)


def test_names_are_found_after_what_is_no_word_and_where_they_stand() -> None:
    text = "(" * 20_000 + " Mario Rossi lives in Rome."
    (entities,) = predict("keywords/entities", text)
    assert {text[entity.start : entity.end] for entity in entities} >= {"Mario Rossi", "Rome"}


def test_a_name_with_an_unreadable_character_is_none() -> None:
    (entities,) = predict("keywords/entities", "Mario Ro\ufffdsi met Paolo Bianchi in Rome.")
    assert [entity.text for entity in entities if entity.kind == "place"] == ["Rome"]
    assert not any("\ufffd" in entity.text for entity in entities)


def test_the_models_stay_small() -> None:
    sizes = [path.stat().st_size for path in EMBEDDED_MODELS.rglob("*") if path.is_file()]
    assert max(sizes) < 2_000_000
    assert sum(sizes) < 15_000_000


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(EMBEDDED_MODELS)))
def test_one_result_a_text_whatever_the_text(folder: Path) -> None:
    texts = ["Great service today", "🙂🙂", "a", "مرحبا", "x" * 5000]
    results = predict(str(folder.relative_to(EMBEDDED_MODELS)), *texts, **({"src_lang": ["it"] * 5}
                      if folder.name == "translator" else {}))  # fmt: skip
    assert len(results) == len(texts)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this, what a wonderful day!", "positive"),
        ("worst service ever, I hate them", "negative"),
        ("The meeting is on Tuesday at 10 am", "neutral"),
    ],
)
def test_sentiment(text: str, label: str) -> None:
    scores = predict("sentiment", text)[0]
    assert best(scores) == label
    assert sum(scores.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I'm furious, this is an outrage!", "anger"),
        ("So happy and laughing all day #smile", "joy"),
        ("I feel so depressed and lonely, crying again", "sadness"),
    ],
)
def test_emotion(text: str, label: str) -> None:
    assert best(predict("emotion", text)[0]) == label


@pytest.mark.parametrize(
    ("model", "text", "label"),
    [
        ("reputation", "The workers of the refinery went on strike for higher wages", "Workplace"),
        ("reputation", "Shares jumped after the quarterly profit beat forecasts", "Performance"),
        ("themes", "Parliament voted on the government's confidence motion", "Politics"),
        ("themes", "The striker scored in the final and won the cup", "Sports - Culture - Entertainment"),
    ],
)
def test_topics_that_a_text_is_about_pass_one_half(model: str, text: str, label: str) -> None:
    assert predict(model, prepare_for_classification(text))[0][label] > 0.5


@pytest.mark.parametrize("model", ["reputation", "themes"])
def test_small_talk_is_about_no_topic(model: str) -> None:
    assert max(predict(model, prepare_for_classification("Happy birthday my dear friend, big hug"))[0].values()) < 0.5


@pytest.mark.parametrize("place", ["stores", "service-points"])
@pytest.mark.parametrize(
    ("aspect", "text", "label"),
    [
        ("prezzi", "Prices are too high, a rip off", "negative"),
        ("prezzi", "Cheap, I saved a lot of money", "positive"),
        ("gentilezza", "They are not kind", "negative"),
        ("gentilezza", "They were not rude at all, friendly staff", "positive"),
        ("tempestivita", "I waited two hours in an endless queue", "negative"),
        ("competenza", "Very professional and competent", "positive"),
        ("accessibilita", "Easy to reach, plenty of parking", "positive"),
        ("prezzi", "The staff is friendly", "not mentioned"),
    ],
)
def test_aspects_and_their_negations(place: str, aspect: str, text: str, label: str) -> None:
    assert best(predict(f"aspects-{place}/{aspect}", prepare_review(text))[0]) == label


@pytest.mark.parametrize(
    ("language", "text", "translated"),
    [
        ("it", "Non mi piace questa azienda", "I do not like this company"),
        ("it", "Buongiorno a tutti!", "Good morning to everyone!"),
        (
            "it",
            "@enel_it ho parlato con un tecnico gentile #energia https://t.co/x1",
            "@enel_it I talked with a kind technician #energia https://t.co/x1",
        ),
        (
            "it",
            "Il personale è gentile, mi hanno rimborsato e i prezzi sono bassi",
            "The staff is kind, they refunded me and the prices are low",
        ),
        ("it", "Non sono capaci, non tornerò mai più", "I am not able, I will never come back again"),
        ("it", "USA: l'app non ha mai funzionato", "USA: the app never worked"),
        ("it", "La realta' in Italia", "The reality in Italy"),
        ("fr", "Merci beaucoup!", "Thank you very much!"),
        ("fr", "Je ne le regrette pas", "I do not regret it"),
        ("sw", "Asante sana", "Thank you very much"),
        ("sw", "Sijapata huduma nzuri", "I have not got good service"),
        ("sw", "Hakuna umeme leo", "There is no power today"),
    ],
)
def test_translations(language: str, text: str, translated: str) -> None:
    assert english(language, text) == translated
