"""What each expectation of ours asks, by its name: a pure function of a row's values, or of an hour's columns.

`custom/` makes expectations of Great Expectations of them, `shortcut.py` asks them without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from socialnlp_assets.checks import kept, rows, scores, texts

Answer = tuple[bool, str]  # whether the hour is as expected, and what was observed


@dataclass(frozen=True)
class OfRow:
    """Whether one row holds: asked of the expectation's `arguments`, then of the values of its columns. A row that
    lacks a value is not asked, unless the expectation's `ignore_row_if` says otherwise. `defaults` has the arguments
    that may be left out."""

    holds: Callable[..., bool]
    arguments: tuple[str, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OfHour:
    """What an hour answers: asked of a list for each of its columns, and of the expectation's arguments by name."""

    answer: Callable[..., Answer]
    arguments: tuple[str, ...]
    defaults: dict[str, Any] = field(default_factory=dict)


ROWS = {
    "expect_column_texts_to_be_in_english": OfRow(texts.in_english),
    "expect_column_texts_to_be_without_noise": OfRow(texts.without_noise),
    "expect_column_texts_to_be_plain": OfRow(texts.plain),
    "expect_column_pair_text_to_stay_plain": OfRow(texts.kept_plain),
    "expect_column_pair_time_to_be_of_hour": OfRow(rows.of_hour),
    "expect_column_pair_keywords_to_be_scored": OfRow(rows.keywords_scored, ("most",)),
    "expect_column_pair_text_to_be_answered": OfRow(texts.answered),
    "expect_column_pair_text_to_be_free_of_loops": OfRow(texts.free_of_loops),
    "expect_column_pair_numbers_to_be_kept": OfRow(texts.numbers_kept),
    "expect_column_pair_negations_to_be_kept": OfRow(texts.negations_kept),
    "expect_column_pair_words_to_be_kept": OfRow(texts.words_kept),
    "expect_column_pair_phrases_to_be_in_text": OfRow(texts.phrases_in_text, ("least_share",), {"least_share": 1.0}),
    "expect_column_pair_summary_to_be_of_text": OfRow(texts.summary_of_text),
    "expect_multicolumn_translation_to_differ": OfRow(texts.differs),
    "expect_multicolumn_english_to_be_untouched": OfRow(texts.english_untouched),
    "expect_multicolumn_length_to_be_plausible": OfRow(texts.length_plausible, ("least", "most")),
    "expect_multicolumn_enrichment_to_follow_rule": OfRow(texts.enrichment_follows_rule),
    "expect_multicolumn_partitions_to_agree_with_topics": OfRow(texts.partitions_agree),
    "expect_multicolumn_entities_to_stand_at_offsets": OfRow(rows.entities_agree, ("kinds",)),
    "expect_multicolumn_translation_to_be_told": OfRow(rows.translation_told, ("least_known",)),
    "expect_multicolumn_summary_to_be_told": OfRow(rows.summary_told),
    "expect_multicolumn_page_to_be_of_message": OfRow(texts.of_page),
    "expect_multicolumn_scores_to_sum_to_one": OfRow(scores.sum_to_one),
    "expect_multicolumn_label_to_have_best_score": OfRow(scores.label_has_best, ("labels",)),
    "expect_multicolumn_flags_to_agree_with_scores": OfRow(scores.flags_agree, ("threshold",)),
}


def _kept(count: Callable[..., kept.Kept], least: int = 20) -> OfHour:
    """Of what there is, `least` of it to ask at all, the share `min_share` is kept."""

    def answer(*columns: Sequence[Any], min_share: float, **rest: Any) -> Answer:
        had, still = count(*rest.values(), *map(_texts, columns))
        return had < least or still >= min_share * had, f"{still} of {had}"

    return OfHour(answer, ("min_share",))


def _texts(values: Sequence[Any]) -> list[str]:
    """The texts; nothing for one that is missing."""
    return [value if isinstance(value, str) else "" for value in values]


def _commonest(values: Sequence[Any], max_share: float) -> Answer:
    value, share = scores.commonest(values)
    return share <= max_share, f"{value} in {share:.0%} of rows"


def _follow_texts(texts_: Sequence[str], *columns: Sequence[float], max_chance: float) -> Answer:
    chance = scores.chance_of_association(texts_, np.array(columns, float).T)
    return chance <= max_chance, f"a chance of {chance:.2f}"


def _follow_tone(*columns: Sequence[Any], min_correlation: float) -> Answer:
    found = scores.follows_tone(*columns)
    return found >= min_correlation, f"a correlation of {found:.2f}"


HOURS = {
    "expect_column_commonest_value_share_to_be_at_most": OfHour(_commonest, ("max_share",)),
    "expect_table_scores_to_follow_texts": OfHour(_follow_texts, ("max_chance",), {"max_chance": 0.2}),
    "expect_table_scores_to_follow_tone": OfHour(_follow_tone, ("min_correlation",), {"min_correlation": 0.0}),
    "expect_table_names_to_be_kept": _kept(kept.names),
    "expect_table_numbers_to_be_kept": _kept(kept.numbers_of, least=3),
    "expect_table_negations_to_be_kept": _kept(kept.negations, least=10),
    "expect_table_endings_to_be_kept": _kept(kept.endings),
    # Of one message of which much is noise, a quarter of the words may go.
    "expect_table_vocabulary_to_be_kept": _kept(kept.vocabulary, least=200),
    "expect_table_capitals_to_be_kept": _kept(kept.capitals),
    "expect_table_beginnings_to_differ": _kept(kept.beginnings),
    "expect_table_languages_to_be_told": OfHour(_kept(kept.languages).answer, ("languages", "min_share")),
}
