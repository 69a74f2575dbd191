"""Every embedded model of the catalogue, loaded as the server loads it: what it answers, and to what."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from model_servers import running

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.serving.handler import Predictions
from socialnlp_assets.serving.loaded_model import Model
from socialnlp_assets.tasks import BadInput, reply_body
from socialnlp_assets.tasks.request_body import parse

CATALOGUE = load_catalogue()
MODELS = [  # with the target, where there are several
    (name, target)
    for name in CATALOGUE.names()
    for target in CATALOGUE[name].targets or (CATALOGUE[name].target or "",)
]
SLOW = {"keywords", "entities"}  # spaCy takes its time to be imported
NAMES = [pytest.param(n, t, marks=[pytest.mark.slow] * (n in SLOW), id=f"{n} {t}".strip()) for n, t in MODELS]

ODD_TEXTS = [
    "",
    "   \n\t",
    "😀🔥👩‍👩‍👧",
    "lamp \ud83d",
    "a\x00b",
    "مصباح جديد",
    "!!! ??? ...",
    "@user #tag https://example.com/x",
    "x" * 100_000,
    "The lamp is new. " * 6_000,
]


@cache
def load(name: str, target: str = "") -> Model:
    return Model.load(CATALOGUE[name].embedded.path / target, threads=1)


def ask(name: str, texts: list[str], target: str = "", **parameters: Any) -> Predictions:
    model = load(name, target)
    if model.task.name == "translation":
        parameters = {"src_lang": "it", **parameters}
    return model.predict(parse(json.dumps({"inputs": texts, "parameters": parameters}).encode(), model.task))


@pytest.mark.parametrize(("name", "target"), NAMES)
def test_the_folder_is_what_the_catalogue_says(name: str, target: str) -> None:
    entry, settings = CATALOGUE[name], load(name, target).settings
    assert settings["task"] == entry.task
    assert set(settings.get("labels", ())) == set(entry.labels)  # each model has its own order


@pytest.mark.parametrize(("name", "target"), NAMES)
def test_odd_texts_have_results_in_order(name: str, target: str) -> None:
    entry = CATALOGUE[name]
    predictions = ask(name, ODD_TEXTS, target)
    assert len(predictions.results) == len(ODD_TEXTS)
    alone = [ask(name, [text], target).results[0] for text in ODD_TEXTS[:8]]
    assert list(predictions.results[:8]) == alone
    for result in predictions.results:
        if entry.labels:
            assert set(result) == set(entry.labels)
            assert all(0 <= score <= 1 for score in result.values())
            if entry.task != "multi-label":
                assert sum(result.values()) == pytest.approx(1, abs=1e-3)
        else:
            assert isinstance(result, list if entry.task in ("keywords", "entities") else str)
    given = {"src_lang": "it"} if entry.task == "translation" else {}
    request = parse(json.dumps({"inputs": [], "parameters": given}).encode(), load(name, target).task)
    assert json.loads(reply_body.write(request, predictions.results))


def best(name: str, text: str, target: str = "") -> str:
    scores: dict[str, float] = ask(name, [text], target).results[0]
    return max(scores, key=scores.__getitem__)


def test_sentiment_and_emotion_tell_good_from_bad() -> None:
    assert best("sentiment", "I love the new app, it is wonderful!") == "positive"
    assert best("sentiment", "Terrible service, I hate this company.") == "negative"
    assert best("emotion", "So happy today, what a wonderful party!") == "joy"
    assert best("emotion", "I am furious, this makes me so angry.") == "anger"


def test_aspects_of_a_review() -> None:
    assert best("aspects-stores", "staff kind helpful", "gentilezza") == "positive"
    assert best("aspects-stores", "staff rude", "gentilezza") == "negative"
    assert best("aspects-stores", "", "gentilezza") == "not mentioned"


def test_a_text_over_512_tokens_is_read_in_part_and_named() -> None:
    predictions = ask("sentiment", ["short", "word " * 600])
    assert list(predictions.truncated) == [1]
    with pytest.raises(BadInput) as caught:
        ask("sentiment", ["short", "word " * 600], truncation=False)
    assert caught.value.position == 1


def test_what_is_beyond_the_limit_counts_for_nothing() -> None:
    beginning = "The meeting was moved to Tuesday. " * 100
    good, bad = ask("sentiment", [beginning + "great love " * 2000, beginning + "awful hate " * 2000]).results
    assert good == bad


def test_translation_leaves_english_and_addresses_as_they_are() -> None:
    texts = ["La bolletta della luce è troppo cara", "The bill is  too high", "Guarda https://example.com/bolletta"]
    results = ask("translator", texts, src_lang=["it", "en", "it"]).results
    assert "bill" in results[0]
    assert "bolletta" not in results[0].lower()
    assert results[1] == texts[1]
    assert "https://example.com/bolletta" in results[2]


@pytest.mark.parametrize("language", ["de", "IT", "", "it-IT"])
def test_a_language_the_translator_does_not_read_is_refused(language: str) -> None:
    with pytest.raises(BadInput, match="is not a language of this model, which reads it") as caught:
        ask("translator", ["ciao", "hallo"], src_lang=["it", language])
    assert caught.value.position == 1
    with pytest.raises(BadInput, match="tgt_lang must be one of en"):
        ask("translator", ["ciao"], src_lang="it", tgt_lang="xx")


def test_the_normalizer_takes_noise_out() -> None:
    assert ask("normalizer", ["@enel u can't see it 😡 https://t.co/x"]).results[0] == "you cannot see it"


ARTICLE = " ".join(
    f"The {place} plant will close in {2030 + n}, said the company, and {n + 3} hundred workers move to wind farms."
    for n, place in enumerate(["Brindisi", "La Spezia", "Fusina", "Torre", "Civitavecchia", "Bari", "Genoa"] * 4)
)


def test_summaries_keep_the_rules() -> None:
    short = "The plant will close in 2030, said the company."
    assert ask("summarizer", [short]).results[0] == short
    summary = ask("summarizer", [ARTICLE]).results[0]
    assert 50 <= len(summary.split()) <= 300
    assert len(summary) < len(ARTICLE)
    assert all(sentence in ARTICLE for sentence in summary.split(". "))
    shorter = ask("summarizer", [ARTICLE], max_length=60, min_length=10).results[0]
    assert len(shorter.split()) <= 60


@pytest.mark.slow
def test_keywords_are_phrases_of_the_text_best_first() -> None:
    text = "Smart meters fail in Rome. The energy company replaces the smart meters of all customers."
    phrases = ask("keywords", [text], top_k=3).results[0]
    assert phrases[0][0] == "smart meters"
    assert all(phrase in text.lower() for phrase, _ in phrases)
    assert [score for _, score in phrases] == sorted((score for _, score in phrases), reverse=True)
    assert len(phrases) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE.names())
def test_every_model_serves_over_a_socket(name: str) -> None:
    entry = CATALOGUE[name]
    body: dict[str, Any] = {"inputs": ["The bill of our energy company is too high", ""]}
    if entry.task == "translation":
        body["parameters"] = {"src_lang": ["it", "en"]}
    with running("--model", str(entry.embedded.path)) as server:
        for target in entry.targets or (entry.target,):
            headers = {"X_Amzn_SageMaker_Target_Model": target} if target else {}
            reply = server.post(body, **headers)
            assert reply.status == 200
            assert len(reply.json()) == 2
