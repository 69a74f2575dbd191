"""What is expected of each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from great_expectations.expectations.expectation import ColumnMapExpectation

from socialnlp_assets.checks.custom.metrics import OfColumns, OfPair, of_column, of_columns, of_pair


class ExpectColumnTextsToBeInEnglish(ColumnMapExpectation):
    """A text of six words or more has three in ten of its words of four letters or more in a list of 40,000 English
    ones."""

    map_metric: ClassVar = of_column("expect_column_texts_to_be_in_english")


class ExpectColumnTextsToBeWithoutNoise(ColumnMapExpectation):
    """A text has no addresses, user names, emoji, spaces to spare, and nothing that programs leave in texts."""

    map_metric: ClassVar = of_column("expect_column_texts_to_be_without_noise")


class ExpectColumnTextsToBePlain(ColumnMapExpectation):
    """A text has nothing that programs leave in texts: letters decoded wrongly, marks of HTML or of a tokenizer,
    escapes."""

    map_metric: ClassVar = of_column("expect_column_texts_to_be_plain")


class ExpectColumnPairTextToStayPlain(OfPair):
    """The same of column_B, unless column_A has such marks."""

    map_metric: ClassVar = of_pair("expect_column_pair_text_to_stay_plain")


class ExpectColumnPairTimeToBeOfHour(OfPair):
    """Column_A, a time, lies in the hour that begins at column_B."""

    map_metric: ClassVar = of_pair("expect_column_pair_time_to_be_of_hour")


class ExpectColumnPairKeywordsToBeScored(OfPair):
    """Column_A has at most `most` different phrases in lower case, column_B a score for each, best first."""

    most: int
    success_keys: ClassVar = ("mostly", "most")
    map_metric: ClassVar = of_pair("expect_column_pair_keywords_to_be_scored")


class ExpectColumnPairTextToBeAnswered(OfPair):
    """Where column_A has words, column_B has a text."""

    map_metric: ClassVar = of_pair("expect_column_pair_text_to_be_answered")


class ExpectColumnPairTextToBeFreeOfLoops(OfPair):
    """Column_B does not say the same four times in a row, unless column_A does."""

    map_metric: ClassVar = of_pair("expect_column_pair_text_to_be_free_of_loops")


class ExpectColumnPairNumbersToBeKept(OfPair):
    """Every number of two digits or more of column_A is in column_B."""

    map_metric: ClassVar = of_pair("expect_column_pair_numbers_to_be_kept")


class ExpectColumnPairNegationsToBeKept(OfPair):
    """Where column_A negates, so does column_B. Both are in English."""

    map_metric: ClassVar = of_pair("expect_column_pair_negations_to_be_kept")


class ExpectColumnPairWordsToBeKept(OfPair):
    """At least half of the words of column_A are in column_B, which does not have many more."""

    map_metric: ClassVar = of_pair("expect_column_pair_words_to_be_kept")


class ExpectColumnPairPhrasesToBeInText(OfPair):
    """Column_A, a text, has the words of the phrases of column_B, in whatever form: of the share `least_share` of a
    row's phrases."""

    least_share: float = 1.0
    success_keys: ClassVar = ("mostly", "least_share")
    map_metric: ClassVar = of_pair("expect_column_pair_phrases_to_be_in_text")


class ExpectColumnPairSummaryToBeOfText(OfPair):
    """Column_B is no longer than column_A, a text, and has no sentence whose content words are not in it."""

    map_metric: ClassVar = of_pair("expect_column_pair_summary_to_be_of_text")


class ExpectMulticolumnTranslationToDiffer(OfColumns):
    """Columns: language, text, translation. A text that is not in English is not handed on as it was."""

    map_metric: ClassVar = of_columns("expect_multicolumn_translation_to_differ")


class ExpectMulticolumnEnglishToBeUntouched(OfColumns):
    """Columns: language, text, translation. An English text is handed on as it was."""

    map_metric: ClassVar = of_columns("expect_multicolumn_english_to_be_untouched")


class ExpectMulticolumnLengthToBePlausible(OfColumns):
    """Columns: language, text, translation. A translation is `least` to `most` times as long as its source, without
    noise; other bounds for Chinese, Japanese and Korean."""

    least: float
    most: float
    success_keys: ClassVar = ("mostly", "least", "most")
    map_metric: ClassVar = of_columns("expect_multicolumn_length_to_be_plausible")


class ExpectMulticolumnEnrichmentToFollowRule(OfColumns):
    """Columns: kind, text, text afterwards, whether it was replaced, what came of the page. Replaced only in an
    article, and only by a text that is at least 20 % longer; else untouched."""

    map_metric: ClassVar = of_columns("expect_multicolumn_enrichment_to_follow_rule")


class ExpectMulticolumnPartitionsToAgreeWithTopics(OfColumns):
    """Columns: social, topics, the same two in `posts`, and partitions. A message lies in one partition for each of its
    topics, which are those of `posts`."""

    map_metric: ClassVar = of_columns("expect_multicolumn_partitions_to_agree_with_topics")


class ExpectMulticolumnEntitiesToStandAtOffsets(OfColumns):
    """Columns: text, entities, kinds, starts, ends (lists), and a list of names for each of `kinds`. Every entity is
    what the text has between its offsets, and is among the names of its kind."""

    kinds: Sequence[str]
    success_keys: ClassVar = ("mostly", "kinds")
    map_metric: ClassVar = of_columns("expect_multicolumn_entities_to_stand_at_offsets")


class ExpectMulticolumnTranslationToBeTold(OfColumns):
    """Columns: language, text, translation, whether it was translated, by which engine, the share of words that it
    knew, whether that is less than `least_known`. They agree with each other."""

    least_known: float
    success_keys: ClassVar = ("mostly", "least_known")
    map_metric: ClassVar = of_columns("expect_multicolumn_translation_to_be_told")


class ExpectMulticolumnSummaryToBeTold(OfColumns):
    """Columns: text, summary, whether it is one. A text of fewer than 25 words stays itself, one of more than 300
    does not."""

    map_metric: ClassVar = of_columns("expect_multicolumn_summary_to_be_told")


class ExpectMulticolumnPageToBeOfMessage(OfColumns):
    """Columns: whether a page took the text's place, text, text afterwards. The page has a third of the words of the
    text."""

    map_metric: ClassVar = of_columns("expect_multicolumn_page_to_be_of_message")


class ExpectMulticolumnScoresToSumToOne(OfColumns):
    """The scores of a row are finite and sum to 1, but for their rounding to two decimals."""

    map_metric: ClassVar = of_columns("expect_multicolumn_scores_to_sum_to_one")


class ExpectMulticolumnLabelToHaveBestScore(OfColumns):
    """Columns: a label, and the scores of all of `labels` in that order. No other label has a better score."""

    labels: Sequence[str]
    success_keys: ClassVar = ("mostly", "labels")
    map_metric: ClassVar = of_columns("expect_multicolumn_label_to_have_best_score")


class ExpectMulticolumnFlagsToAgreeWithScores(OfColumns):
    """Columns: a flag, its score, the next flag, its score, and so on. A flag is true where its score reaches
    `threshold`."""

    threshold: float
    success_keys: ClassVar = ("mostly", "threshold")
    map_metric: ClassVar = of_columns("expect_multicolumn_flags_to_agree_with_scores")
