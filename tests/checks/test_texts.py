"""What can be told of a text beside another."""

from __future__ import annotations

import pytest

from socialnlp_assets.checks import scores, texts

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
    assert texts.names_kept([SOURCE, ENGLISH], [ENGLISH, ENGLISH]) == (1, 1)
    assert texts.names_kept([SOURCE], ["The bill came"]) == (1, 0)


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
    assert texts.enrichment_follows_rule("article", "x" * 10, "x" * 12, True)
    assert not texts.enrichment_follows_rule("social", "x" * 10, "x" * 12, True)
    assert not texts.enrichment_follows_rule("article", "x" * 10, "x" * 11, True)
    assert not texts.enrichment_follows_rule("article", "x", "y", False)
    assert texts.partitions_agree("WEB", ["1"], "WEB", ["1"], ["WEB/1"])
    assert texts.partitions_agree("WEB", [], "WEB", [], ["WEB/none"])
    assert not texts.partitions_agree("WEB", ["2"], "WEB", ["1"], ["WEB/2"])
    assert texts.stand_at_offsets("In Modena", ["Modena"], [3], [9])
    assert not texts.stand_at_offsets("In Modena", ["Modena"], [2], [8])


def test_scores_and_labels() -> None:
    assert scores.sum_to_one(0.33, 0.33, 0.33)
    assert not scores.sum_to_one(0.5, 0.2)
    assert not scores.sum_to_one(float("nan"), 1.0)
    assert scores.label_has_best(["a", "b"], "b", 0.2, 0.8)
    assert not scores.label_has_best(["a", "b"], "a", 0.2, 0.8)
    assert scores.flags_agree(0.5, True, 0.5, False, 0.4)
    assert not scores.flags_agree(0.5, True, 0.4)
    assert scores.tone("what a wonderful friendly team") > 0 > scores.tone("a rude and horrible service")
