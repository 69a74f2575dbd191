"""What can be told of a text beside another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from socialnlp_assets.checks import kept, rows, scores, texts
from socialnlp_assets.checks.digests import digests
from socialnlp_assets.checks.scores import Texts

SOURCE = "La bolletta di gennaio è arrivata a Modena con 120 euro in più"
ENGLISH = "The January bill came to Modena with 120 euros more"


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        (ENGLISH, True),
        ("bill bill bill bill bill bill", False),
        ("it came and it came and it came and it came and it came", False),
        ("no no no, never", True),
    ],
)
def test_loops(written: str, holds: bool) -> None:
    assert texts.free_of_loops(SOURCE, written) is holds


def test_a_text_may_repeat_what_its_source_repeats() -> None:
    chant = "no no no no no no"
    assert texts.free_of_loops(chant, chant)
    assert texts.repetitions(chant) == 6


def test_an_answer_may_be_empty_only_where_there_were_no_words() -> None:
    assert not texts.answered(SOURCE, " ")
    assert texts.answered("😡 @enel https://t.example/x", "")


def test_numbers_and_negations_and_words() -> None:
    assert texts.numbers_kept("dal 2027 costa 1.200,50", "from 2027 it costs 1,200.50")
    assert not texts.numbers_kept(SOURCE, "the bill came with euros more")
    assert texts.negations_kept("it isn't fair", "it is not fair")
    assert not texts.negations_kept("they never answer", "they answer")
    assert texts.words_kept(ENGLISH, ENGLISH.lower())
    assert not texts.words_kept(ENGLISH, "The January bill")


def test_names_are_counted_in_what_was_rewritten() -> None:
    assert kept.names([SOURCE, ENGLISH], [ENGLISH, ENGLISH]) == (1, 1)
    assert kept.names([SOURCE], ["The bill came"]) == (1, 0)


@pytest.mark.parametrize(
    ("language", "read", "written", "holds"),
    [
        ("it", SOURCE, ENGLISH, True),
        ("it", SOURCE, SOURCE, False),
        ("en", ENGLISH, ENGLISH, True),
        ("it", ENGLISH, ENGLISH, True),  # its source was wrong about the language
        ("it", "#Roma #governo #crisi #monti #tasse #blog", "#Roma #governo #crisi #monti #tasse #blog", True),
    ],
)
def test_a_translation_differs(language: str, read: str, written: str, holds: bool) -> None:
    assert texts.differs(language, read, written) is holds


def test_lengths_are_judged_by_language() -> None:
    assert texts.length_plausible(0.4, 2.5, "it", SOURCE, ENGLISH)
    assert not texts.length_plausible(0.4, 2.5, "it", SOURCE, ENGLISH[:15])
    chinese = "电费单一月份寄到了摩德纳多收了一百二十欧元请问这是怎么回事"
    assert texts.length_plausible(0.4, 2.5, "zh", chinese, 4 * chinese)


def test_english_and_noise() -> None:
    assert texts.in_english(ENGLISH)
    assert not texts.in_english("nessuno risponde al numero verde dalla settimana scorsa, purtroppo")
    assert texts.in_english("Enervia Modena")  # too short to tell
    assert texts.without_noise(ENGLISH)
    assert not any(map(texts.without_noise, ("see https://x.example", "ask @enel", "Ã©lectricité", "a\ufffdb")))


def test_keywords_and_summaries_are_of_their_text() -> None:
    assert texts.phrases_in_text(1.0, "The old meters were broken", ["old meter", "break"]) is False
    assert texts.phrases_in_text(1.0, "The old meters were broken", ["old meter", "broken"])
    assert texts.phrases_in_text(0.5, "The old meters were broken", ["old meter", "zebra"])
    text = "The grid failed on Monday. Nobody told the customers. The company apologised."
    assert texts.summary_of_text(text, "The grid failed on Monday.")
    assert not texts.summary_of_text(text, "Aliens landed near ancient pyramids.")
    assert not texts.summary_of_text(text, text + " Indeed.")


def test_enrichments_partitions_and_offsets() -> None:
    assert texts.enrichment_follows_rule("article", "x" * 10, "x" * 12, True, "enriched")
    assert not texts.enrichment_follows_rule("social", "x" * 10, "x" * 12, True, "enriched")
    assert not texts.enrichment_follows_rule("article", "x" * 10, "x" * 11, True, "enriched")
    assert not texts.enrichment_follows_rule("article", "x", "y", False, "not longer")
    assert texts.enrichment_follows_rule("article", "x", "x", False, "not longer")
    assert not texts.enrichment_follows_rule("article", "x", "x", False, "enriched")
    assert not texts.enrichment_follows_rule("article", "x", "x", False, "not_article")
    assert texts.partitions_agree("WEB", ["1"], "WEB", ["1"], ["WEB/1"])
    assert texts.partitions_agree("WEB", [], "WEB", [], ["WEB/none"])
    assert not texts.partitions_agree("WEB", ["2"], "WEB", ["1"], ["WEB/2"])


def test_scores_and_labels() -> None:
    assert scores.sum_to_one(0.33, 0.33, 0.33)
    assert not scores.sum_to_one(0.5, 0.2)
    assert not scores.sum_to_one(float("nan"), 1.0)
    assert scores.label_has_best(["a", "b"], "b", 0.2, 0.8)
    assert not scores.label_has_best(["a", "b"], "a", 0.2, 0.8)
    assert scores.flags_agree(0.5, True, 0.5, False, 0.4)
    assert not scores.flags_agree(0.5, True, 0.4)
    assert scores.tone("what a wonderful friendly team") > 0 > scores.tone("a rude and horrible service")
    opinions = ["a wonderful friendly team", "the bill came on Monday", "a rude and horrible service"]
    assert scores.follows_tone(opinions, [0.9, 0.5, 0.1], [0.1, 0.5, 0.9]) == pytest.approx(1)
    assert scores.follows_tone(opinions, [0.1, 0.5, 0.9], [0.9, 0.5, 0.1]) == pytest.approx(-1)
    assert scores.follows_tone(opinions, [0.5] * 3, [0.5] * 3) == 0


def agree(text: str = "Ada in Modena", **changes: list[Any]) -> bool:
    """Whether two entities that are right agree, with some columns changed."""
    found: dict[str, list[Any]] = {
        "entities": ["Ada", "Modena"], "kinds": ["person", "place"], "starts": [0, 7], "ends": [3, 13],
        "people": ["Ada"], "places": ["Modena"],
    }  # fmt: skip
    return rows.entities_agree(("person", "place"), text, *(found | changes).values())


@pytest.mark.parametrize(
    "changes",
    [
        {"starts": [1, 8], "ends": [4, 14]},
        {"starts": [0]},
        {"kinds": ["person", "LOC"]},
        {"kinds": ["place", "person"]},
        {"people": []},
        {"entities": ["Ada", "Ada"], "starts": [0, 0], "ends": [3, 3], "kinds": ["person", "person"], "places": []},
    ],
)
def test_entities_agree_with_text_and_with_names(changes: dict[str, list[Any]]) -> None:
    assert agree()
    assert not agree(**changes)


@pytest.mark.parametrize(
    ("phrases", "numbers", "holds"),
    [
        (["old meter", "bill"], [0.4, 0.2], True),
        ([], [], True),
        (["old meter", "bill"], [0.4], False),
        (["old meter", "bill"], [0.2, 0.4], False),
        (["old meter", "bill"], [0.4, float("nan")], False),
        (["old meter", "bill"], [0.4, -0.2], False),
        (["bill", "bill"], [0.4, 0.2], False),
        (["BILL"], [0.4], False),
        (["the", "and", "of"], [0.4, 0.2, 0.1], False),
        (["a", "b", "bill", "c"], [0.4, 0.2, 0.1, 0.1], False),  # more than asked for
    ],
)
def test_keywords_are_scored(phrases: list[str], numbers: list[float], holds: bool) -> None:
    assert rows.keywords_scored(3, phrases, numbers) is holds


def test_what_is_said_of_a_translation_is_said_of_this_one() -> None:
    right: list[Any] = ["it", "la bolletta", "the bill", True, "google", 1.0, False]
    assert rows.translation_told(0.75, *right)
    assert rows.translation_told(0.75, "en", "the bill", "the bill", False, None, float("nan"), False)
    for place, wrong in ((0, "en"), (3, False), (4, None), (5, None), (5, 0.2), (6, True)):
        assert not rows.translation_told(0.75, *right[:place], wrong, *right[place + 1 :])


def test_short_texts_stay_themselves_and_long_ones_do_not() -> None:
    short, long = "The bill came.", "It was cold. " * 120
    assert rows.summary_told(short, short, False)
    assert not rows.summary_told(short, "The bill", True)
    assert not rows.summary_told(short, short, True)
    assert rows.summary_told(long, "It was cold.", True)
    assert not rows.summary_told(long, long, False)
    assert not texts.summary_of_text(f"{long} in 2027", "It was cold in 2031.")


def test_a_message_is_of_its_hour() -> None:
    start = datetime(2026, 11, 20, 8, tzinfo=UTC)
    inside = [rows.of_hour(start + timedelta(minutes=minutes), start) for minutes in (-1, 0, 59, 60)]
    assert inside == [False, True, True, False]


@pytest.mark.parametrize(
    "marked",
    ["it&#39;s", "<p>so</p>", "▁it▁is", "a <unk> bill", "[MASK] bill", "bill ##s", "cittÃ\xa0", "__en__ so", "\\u2019"],
)
def test_marks_of_programs(marked: str) -> None:
    assert not texts.plain(marked)
    assert not texts.kept_plain("so", marked)
    assert texts.kept_plain(marked, marked)
    assert texts.plain("5 < 6 & so > 4: a_b [sic], 100 %")


def test_what_an_hour_keeps() -> None:
    read = ["Non arriva la bolletta da Modena e costa 120 euro", ENGLISH]
    written = ["The bill from Modena does not come and costs 120 euro", ENGLISH]
    for detail in ("names", "numbers", "negations", "endings", "capitals"):
        had, still = kept.DETAILS[detail](read, written)
        assert had == still == 1, detail
        assert kept.DETAILS[detail](read, ["the bill came", ENGLISH]) == (1, 0), detail
    assert kept.vocabulary(["the old bill came"], ["came bill old the"]) == (3, 0)
    assert kept.beginnings(["a", "b", "c"], ["Here it is: a", "Here it is: b", "So they say"]) == (3, 1)
    assert kept.languages(("it", "en"), [SOURCE, ENGLISH], ["it", "it"]) == (2, 1)


def test_digests_tell_rows_apart() -> None:
    table = pa.table({"a": ["x", None, "x"], "b": [["1", "2"], [], None], "c": [0.5, None, 0.5]})
    assert len(set(digests(table).tolist())) == 3
    assert digests(table.take([2, 0])).tolist() == digests(table)[[2, 0]].tolist()


def test_scores_of_labels_follow_their_names() -> None:
    about = Texts(["the court and its judges", "a match of football", "a law and a trial", "the goal of the season"])
    assert about.follow("legal", [0.9, 0.1, 0.8, 0.2]) > 0.8 > 0.5 > about.follow("legal", [0.1, 0.9, 0.2, 0.8])
    assert about.follow("legal", [0.5] * 4) == 0.5
    assert about.association([[0.9], [0.1], [0.8], [0.2]]) > about.association([[0.9], [0.8], [0.1], [0.2]])
