"""What each step makes of an hour, with models whose answers a test writes: no Dagster, no process, no checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from socialnlp_assets.assets.step import Result
from socialnlp_assets.assets.translations import EMBEDDED, Translations
from socialnlp_assets.resources.articles import Article, Enrichment
from socialnlp_assets.resources.endpoints.metering import Usage
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.schemas import POSTS
from socialnlp_assets.settings import Settings
from socialnlp_assets.tasks import Keyword, RowError, Scores
from socialnlp_assets.tasks.entities import Entity
from socialnlp_assets.workflow import load_workflows
from tests.assets.tables import table
from tests.checks.scripted import Answer, ScriptedEndpoints, hour_of_step
from tests.platform.conftest import HOUR

WORKFLOWS = load_workflows()


class Desk:
    """A lake with the tables that a test writes, and steps that read them."""

    def __init__(self, folder: Path, workflow: str = "sprinklr") -> None:
        self.settings = Settings(lake=str(folder / "lake"), state=folder / "state")
        self.lake = Lake(uri=self.settings.lake_uri)
        self.workflow = workflow
        self.steps = {step.name: step for step in WORKFLOWS[workflow].all_steps()}

    def write(self, asset: str, **columns: Sequence[Any]) -> None:
        schema = POSTS if asset == "posts" else self.steps[asset].table()
        self.lake.write_table(self.lake.table_path(self.workflow, asset, HOUR), table(schema, **columns))

    def compute(self, name: str, answers: Mapping[str, Answer] | None = None, **resources: Any) -> Result:
        step = self.steps[name]
        hour = hour_of_step(self.workflow, name, self.lake, self.settings, ScriptedEndpoints(answers))
        for resource, value in resources.items():
            setattr(hour.resources, resource, value)
        return step.compute(hour)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def column(result: Result, name: str) -> list[Any]:
    found: list[Any] = result.table[name].to_pylist()
    return found


def scores(*labels: str, **given: float) -> Scores:
    """Scores of all `labels`, 0 where none is given."""
    return Scores.of(dict.fromkeys(labels, 0.0) | given, truncated=False)


def test_a_label_is_there_from_its_threshold_on_and_each_score_is_its_own(desk: Desk) -> None:
    labels = desk.steps["classifications"].catalogue["reputation"].labels
    by_text = {"a": 0.5, "b": 0.4999, "c": 0.91234}
    desk.write("posts", message_id=["1", "2", "3", "4"], kind=["social", "social", "social", "article"])
    desk.write("enrichments", message_id=["1", "2", "3", "4"], text_enriched=["a", "b", "c", "d"])

    def answer(text: str) -> Scores:
        return scores(*labels, **{labels[0]: by_text[text]})

    found = desk.compute("classifications", {"reputation": answer})
    name = labels[0].lower()
    assert column(found, "message_id") == ["1", "2", "3"]
    assert column(found, name) == [True, False, True]
    assert column(found, f"{name}_score") == [0.5, 0.4999, 0.9123]
    assert (found.rows_in, found.dropped) == (4, Counter({"not social": 1}))


def test_every_aspect_of_a_review_has_the_label_that_its_own_model_gave(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "gmaps_stores")
    entry = desk.steps["classifications"].catalogue["aspects-stores"]
    desk.write("filtered_text", message_id=["1"], text_clean=["cheap but slow"])

    @contextmanager
    def lease(model: str, **_: Any) -> Iterator[Any]:
        def predict(texts: Sequence[str], target: str) -> list[Scores]:
            label = entry.labels[entry.targets.index(target) % len(entry.labels)]
            return [scores(*entry.labels, **{label: 0.75}) for _ in texts]

        yield SimpleNamespace(predict=predict, usage=Usage(model, "classifications"))

    endpoints = ScriptedEndpoints()
    endpoints.lease = lease  # type: ignore[method-assign, assignment]
    found = desk.compute("classifications", endpoints=endpoints)
    (row,) = found.table.to_pylist()
    assert [row[target] for target in entry.targets] == [
        entry.labels[number % len(entry.labels)] for number in range(len(entry.targets))
    ]
    assert {row[f"{target}_score"] for target in entry.targets} == {0.75}


def test_a_sentiment_is_cut_where_either_of_its_models_read_the_beginning_alone(desk: Desk) -> None:
    catalogue = desk.steps["sentiments"].catalogue
    desk.write("translations", message_id=["1", "2", "3"], text_en=["none", "sentiment", "emotion"])

    def answer(model: str) -> Answer:
        labels = catalogue[model].labels
        return lambda text: Scores.of(dict.fromkeys(labels, 0.1) | {labels[0]: 0.456}, text == model)

    found = desk.compute("sentiments", {model: answer(model) for model in ("sentiment", "emotion")})
    assert column(found, "truncated") == [False, True, True]
    assert set(column(found, "emotion")) == {catalogue["emotion"].labels[0]}
    assert set(column(found, f"sent_{catalogue['sentiment'].labels[0]}")) == {0.46}


def test_what_a_translation_says_of_itself(desk: Desk) -> None:
    messages = {"en": "All is well", "und": "12", "it": "buongiorno bolletta", "fr": "bonjour facture"}
    desk.write("posts", message_id=[*messages], message=[*messages.values()], language=[*messages])
    desk.steps["translations"] = Translations(model="translator", google=("fr",))
    google = SimpleNamespace(predict=lambda _, src_lang: [f"in English {code}" for code in src_lang])

    found = desk.compute(
        "translations", {"translator": lambda text: text.replace("buongiorno", "good morning")}, google_translate=google
    )
    rows = {row["message_id"]: row for row in found.table.to_pylist()}
    assert {key: row["translation_engine"] for key, row in rows.items()} == {
        "en": None, "und": None, "it": "scripted", "fr": "google",
    }  # fmt: skip
    assert {key for key, row in rows.items() if row["translated"]} == {"it", "fr"}
    assert (rows["en"]["text_en"], rows["fr"]["text_en"]) == ("All is well", "in English fr")
    assert (rows["it"]["translation_known"], rows["it"]["translation_doubtful"]) == (0.5, True)  # half of it stayed
    assert (rows["fr"]["translation_known"], rows["fr"]["translation_doubtful"]) == (1.0, False)
    assert rows["en"]["translation_known"] is None
    assert found.metadata["translations/translated"] == 2
    assert found.metadata["translations/doubtful"] == 1
    assert EMBEDDED not in column(found, "translation_engine")
    assert "translations/stand_in" not in found.metadata


def test_keywords_entities_and_summaries_are_what_was_answered(desk: Desk) -> None:
    desk.write("enrichments", message_id=["1", "2"], text_enriched=["Rome is in Italy, says Rome", "nothing"])
    phrases = desk.compute("keywords", {"keywords": lambda text: [Keyword(text[:4], 0.123456), Keyword("x", 0.1)]})
    assert column(phrases, "keywords") == [["Rome", "x"], ["noth", "x"]]
    assert column(phrases, "keyword_scores") == [[0.1235, 0.1]] * 2

    def places(text: str) -> list[Entity]:
        at = [("Rome", 0), ("Italy", 11), ("Rome", 23)] if "Rome" in text else []
        return [Entity(name, "place", start, start + len(name)) for name, start in at]

    named = desk.compute("entities", {"entities": places}).table.to_pylist()[0]
    assert (named["places"], named["people"], named["organisations"]) == (["Rome", "Italy"], [], [])
    assert (named["entities"], named["entity_kinds"]) == (["Rome", "Italy", "Rome"], ["place"] * 3)
    assert (named["entity_starts"], named["entity_ends"]) == ([0, 11, 23], [4, 16, 27])

    told = desk.compute("summaries", {"summarizer": lambda text: text[:7]})
    assert (column(told, "summary"), column(told, "summarised")) == (["Rome is", "nothing"], [True, False])


def test_a_text_that_a_model_cannot_take_is_rejected_with_its_reason_and_no_other_is(desk: Desk) -> None:
    desk.write("enrichments", message_id=["1", "2"], text_enriched=["good", "bad"])
    refuse: Answer = lambda text: RowError("too strange") if text == "bad" else text  # noqa: E731
    found = desk.compute("summaries", {"summarizer": refuse})
    assert column(found, "message_id") == ["1"]
    assert [(each.message_id, each.reason, each.record) for each in found.rejected] == [("2", "too strange", "bad")]
    accounts = found.accounts()
    assert (accounts.rows_in, accounts.rows_out, accounts.quarantined) == (2, 1, 1)


def test_only_articles_are_read_and_their_page_stands_in_the_row_of_its_message(desk: Desk) -> None:
    links = {"1": "https://a.example/1", "2": "https://a.example/2", "3": None}
    desk.write("posts", message_id=[*links], kind=["article", "social", "article"], permalink=[*links.values()])
    desk.write("filtered_text", message_id=["3", "2", "1"], text_clean=["three", "two", "one"])
    asked: list[str] = []

    def enrich_all(urls: Sequence[str]) -> dict[str, Enrichment]:
        asked.extend(urls)
        return {url: Enrichment("fetched", Article("A title", "page " * 9, "en", url)) for url in urls}

    found = desk.compute("enrichments", articles=SimpleNamespace(enrich_all=enrich_all))
    assert asked == ["https://a.example/1"]
    assert column(found, "article_status") == ["no permalink", "not_article", "enriched"]
    assert column(found, "text_enriched") == ["three", "two", "page " * 9]
    assert found.metadata == {"articles/no permalink": 1, "articles/enriched": 1}
    assert found.read
    assert found.read["kind"].to_pylist() == ["article", "social", "article"]


def test_output_joins_by_message_and_counts_why_the_others_are_not_in_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "gmaps_stores")
    keys = ["1", "2", "3", "4"]
    desk.write("posts", message_id=keys, social=["GOOGLE_MAPS"] * 4, topic_ids=[[]] * 4, rating=[1, 2, 3, 4])
    desk.write("filtered_text", message_id=["4", "2", "1"], text_clean=["four", "  ", "one"])  # 3 was rejected
    desk.write("classifications", message_id=["4"])
    desk.write("sentiments", message_id=["1", "4"], sentiment=["positive", "negative"])
    found = desk.compute("output")
    rows = [(row["message_id"], row["text_clean"], row["sentiment"], row["rating"]) for row in found.table.to_pylist()]
    assert rows == [("1", "one", "positive", 1), ("4", "four", "negative", 4)]
    assert found.dropped == Counter({"did not reach filtered_text": 1, "no usable English text": 1})
    assert found.read
    assert found.read["partitions"].to_pylist() == [["GOOGLE_MAPS/none"]] * 2


def test_the_hour_is_warned_when_it_is_late(desk: Desk) -> None:
    assert desk.steps["posts"].late_after == timedelta(hours=2)
