"""Every task, as client and server use it: what the one writes the other reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from socialnlp_assets.models.catalogue import Catalogue, CatalogueError, load_catalogue
from socialnlp_assets.tasks import BadInput, Keyword, RowError, Scores, reply_body, request_body, task, task_names
from socialnlp_assets.tasks.entities import Entity

LABELS = ("negative", "neutral", "not mentioned")
SCORES = dict(zip(LABELS, (0.2, 0.5, 0.3), strict=True))
READ = Scores(SCORES, "neutral")
# An engine's result and what the client makes of it.
RESULTS: dict[str, tuple[Any, Any]] = {
    "translation": ("the house", "the house"),
    "normalisation": ("you", "you"),
    "summarization": ("All about wind.", "All about wind."),
    "text-classification": (SCORES, READ),
    "multi-label": (SCORES, READ),
    "aspects": (SCORES, READ),
    "keywords": ([("wind", 0.5)], [Keyword("wind", 0.5)]),
    "entities": ([Entity("Rome", "place", 3, 7)], [Entity("Rome", "place", 3, 7)]),
}


@pytest.mark.parametrize("name", task_names())
def test_the_client_reads_what_the_server_writes(name: str) -> None:
    its, (result, read) = task(name, LABELS), RESULTS[name]
    given = {"src_lang": "it"} if name == "translation" else {}
    request = request_body.parse(request_body.write(its, ["a", "b"], given), its)
    assert request.texts == ["a", "b"]
    assert request.parameters.keys() == its.parameters.keys()
    body = reply_body.write(request, [result, its.blank()])
    assert reply_body.read(its, body, {}, 2) == [read, its.read_blank()]


@pytest.mark.parametrize(
    ("name", "labels", "scores"),
    [
        ("text-classification", ["joy", "neutral"], {"joy": 0.0, "neutral": 1.0}),
        ("text-classification", ["joy", "anger"], {"joy": 0.5, "anger": 0.5}),
        ("aspects", ["positive", "not mentioned"], {"positive": 0.0, "not mentioned": 1.0}),
        ("multi-label", ["Legal", "News"], {"Legal": 0.0, "News": 0.0}),
    ],
)
def test_a_blank_text_says_nothing(name: str, labels: list[str], scores: dict[str, float]) -> None:
    assert task(name, labels).read_blank().scores == scores


def test_a_text_that_is_in_the_wanted_language_is_its_own_translation() -> None:
    translation, settings = task("translation"), {"languages": ["it", "fr"]}
    given = {"src_lang": ["en", "it", "fr"], "tgt_lang": "en"}
    assert translation.known(["a house", "una casa", " "], given, settings) == ["a house", None, ""]
    with pytest.raises(BadInput, match=r"'de' is not a language of this model, which reads it, fr") as caught:
        translation.known(["una casa", "ein Haus"], {"src_lang": ["it", "de"], "tgt_lang": "en"}, settings)
    assert caught.value.position == 1
    for targets, told in (({}, "en"), ({"target_languages": ["en", "pt"]}, "en, pt")):
        with pytest.raises(BadInput, match=rf"parameters.tgt_lang must be one of {told}$"):
            translation.known(["una casa"], {"src_lang": ["it"], "tgt_lang": "nl"}, settings | targets)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([{"phrase": 7, "score": 0.5}], "a phrase is not a text with a score of 0 or more"),
        ([{"phrase": "wind", "score": -0.5}], "a phrase is not a text with a score of 0 or more"),
    ],
)
def test_a_phrase_that_cannot_be_is_a_row_error(row: Any, reason: str) -> None:
    (result,) = reply_body.read(task("keywords"), json.dumps([row]).encode(), {}, 1)
    assert isinstance(result, RowError)
    assert reason in result.reason


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        ({"kind": "date"}, "'date' is none of person, organisation, place"),
        ({"end": 5}, "does not stand at 0:5"),
        ({"start": -1, "end": 3}, "does not stand at -1:3"),
    ],
)
def test_an_entity_that_cannot_be_is_a_row_error(entity: dict[str, Any], reason: str) -> None:
    row = asdict(Entity("Rome", "place", 0, 4)) | entity
    (result,) = reply_body.read(task("entities"), json.dumps([[row]]).encode(), {}, 1)
    assert isinstance(result, RowError)
    assert reason in result.reason


def test_cut_texts_are_named_in_a_header_that_is_read_again() -> None:
    header = reply_body.truncated_header([17, 3])
    assert header == {"X-Amzn-SageMaker-Custom-Attributes": "truncated=3,17"}
    assert reply_body.truncated_positions({name.lower(): value for name, value in header.items()}) == {3, 17}


def test_the_header_names_as_many_cut_texts_as_sagemaker_lets_through() -> None:
    ((name, value),) = reply_body.truncated_header(range(1000, 2000)).items()
    assert len(value) <= 1024
    assert reply_body.truncated_positions({name.lower(): value}) == set(range(1000, 1202))


def test_the_catalogue_knows_the_tasks_and_the_endpoints_that_are_shared(tmp_path: Path) -> None:
    def load(models: dict[str, Any]) -> Catalogue:
        load_catalogue.cache_clear()
        (tmp_path / "ours.yaml").write_text(yaml.safe_dump(models))
        return load_catalogue(tmp_path)

    keywords = {"description": "", "task": "keywords", "embedded": {"model": "phrases"}}
    entities = {"description": "", "task": "entities", "endpoint_of": "keywords"}
    with pytest.raises(CatalogueError, match=r"poems.task: no task is called 'poetry'; there are aspects, entities"):
        load({"poems": {**keywords, "task": "poetry"}})
    for host in ("nothing", "entities"):
        with pytest.raises(CatalogueError, match=f"'{host}' is no model of this file with an endpoint of its own"):
            load({"keywords": keywords, "entities": {**entities, "endpoint_of": host}})
    catalogue = load({"keywords": keywords, "entities": entities})
    assert catalogue["entities"].embedded == catalogue["keywords"].embedded
    assert catalogue.endpoint_of("entities") == catalogue.endpoint_of("keywords") == "keywords"
