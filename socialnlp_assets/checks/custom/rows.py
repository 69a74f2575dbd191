"""What is expected of each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from great_expectations.expectations.expectation import ColumnMapExpectation

from socialnlp_assets.checks import rows, scores, texts
from socialnlp_assets.checks.custom.metrics import OfColumns, OfPair, of_column, of_columns, of_pair


class ExpectColumnTextsToBeInEnglish(ColumnMapExpectation):
    """A text of six words or more has three in ten of its words of four letters or more in a list of 40,000 English
    ones."""

    map_metric: ClassVar = of_column("in_english", texts.in_english)


class ExpectColumnTextsToBeWithoutNoise(ColumnMapExpectation):
    """A text has no addresses, user names, emoji, spaces to spare, and nothing that programs leave in texts."""

    map_metric: ClassVar = of_column("without_noise", texts.without_noise)


class ExpectColumnTextsToBePlain(ColumnMapExpectation):
    """A text has nothing that programs leave in texts: letters decoded wrongly, marks of HTML or of a tokenizer,
    escapes."""

    map_metric: ClassVar = of_column("plain", texts.plain)


class ExpectColumnPairTextToStayPlain(OfPair):
    """The same of column_B, unless column_A has such marks."""

    map_metric: ClassVar = of_pair("kept_plain", texts.kept_plain)


class ExpectColumnPairTimeToBeOfHour(OfPair):
    """Column_A, a time, lies in the hour that begins at column_B."""

    map_metric: ClassVar = of_pair("of_hour", rows.of_hour)


class ExpectColumnPairKeywordsToBeScored(OfPair):
    """Column_A has at most `most` different phrases in lower case, column_B a score for each, best first."""

    most: int
    success_keys: ClassVar = ("mostly", "most")
    map_metric: ClassVar = of_pair("keywords_scored", rows.keywords_scored, "most")


class ExpectColumnPairTextToBeAnswered(OfPair):
    """Where column_A has words, column_B has a text."""

    map_metric: ClassVar = of_pair("answered", texts.answered)


class ExpectColumnPairTextToBeFreeOfLoops(OfPair):
    """Column_B does not say the same four times in a row, unless column_A does."""

    map_metric: ClassVar = of_pair("free_of_loops", texts.free_of_loops)


class ExpectColumnPairNumbersToBeKept(OfPair):
    """Every number of two digits or more of column_A is in column_B."""

    map_metric: ClassVar = of_pair("numbers_kept", texts.numbers_kept)


class ExpectColumnPairNegationsToBeKept(OfPair):
    """Where column_A negates, so does column_B. Both are in English."""

    map_metric: ClassVar = of_pair("negations_kept", texts.negations_kept)


class ExpectColumnPairWordsToBeKept(OfPair):
    """At least half of the words of column_A are in column_B, which does not have many more."""

    map_metric: ClassVar = of_pair("words_kept", texts.words_kept)


class ExpectColumnPairPhrasesToBeInText(OfPair):
    """Column_A, a text, has the words of the phrases of column_B, in whatever form: of the share `least_share` of a
    row's phrases."""

    least_share: float = 1.0
    success_keys: ClassVar = ("mostly", "least_share")
    map_metric: ClassVar = of_pair("phrases_in_text", texts.phrases_in_text, "least_share")


class ExpectColumnPairSummaryToBeOfText(OfPair):
    """Column_B is no longer than column_A, a text, and has no sentence whose content words are not in it."""

    map_metric: ClassVar = of_pair("summary_of_text", texts.summary_of_text)


class ExpectMulticolumnTranslationToDiffer(OfColumns):
    """Columns: language, text, translation. A text that is not in English is not handed on as it was."""

    map_metric: ClassVar = of_columns("translation_differs", texts.differs)


class ExpectMulticolumnEnglishToBeUntouched(OfColumns):
    """Columns: language, text, translation. An English text is handed on as it was."""

    map_metric: ClassVar = of_columns("english_untouched", texts.english_untouched)


class ExpectMulticolumnLengthToBePlausible(OfColumns):
    """Columns: language, text, translation. A translation is `least` to `most` times as long as its source, without
    noise; other bounds for Chinese, Japanese and Korean."""

    least: float
    most: float
    success_keys: ClassVar = ("mostly", "least", "most")
    map_metric: ClassVar = of_columns("length_plausible", texts.length_plausible, "least", "most")


class ExpectMulticolumnEnrichmentToFollowRule(OfColumns):
    """Columns: kind, text, text afterwards, whether it was replaced, what came of the page. Replaced only in an
    article, and only by a text that is at least 20 % longer; else untouched."""

    map_metric: ClassVar = of_columns("enrichment_follows_rule", texts.enrichment_follows_rule)


class ExpectMulticolumnPartitionsToAgreeWithTopics(OfColumns):
    """Columns: social, topics, the same two in `posts`, and partitions. A message lies in one partition for each of its
    topics, which are those of `posts`."""

    map_metric: ClassVar = of_columns("partitions_agree", texts.partitions_agree)


class ExpectMulticolumnEntitiesToStandAtOffsets(OfColumns):
    """Columns: text, entities, kinds, starts, ends (lists), and a list of names for each of `kinds`. Every entity is
    what the text has between its offsets, and is among the names of its kind."""

    kinds: Sequence[str]
    success_keys: ClassVar = ("mostly", "kinds")
    map_metric: ClassVar = of_columns("stand_at_offsets", rows.entities_agree, "kinds")


class ExpectMulticolumnTranslationToBeTold(OfColumns):
    """Columns: language, text, translation, whether it was translated, by which engine, the share of words that it
    knew, whether that is less than `least_known`. They agree with each other."""

    least_known: float
    success_keys: ClassVar = ("mostly", "least_known")
    map_metric: ClassVar = of_columns("translation_told", rows.translation_told, "least_known")


class ExpectMulticolumnSummaryToBeTold(OfColumns):
    """Columns: text, summary, whether it is one. A text of fewer than 25 words stays itself, one of more than 300
    does not."""

    map_metric: ClassVar = of_columns("summary_told", rows.summary_told)


class ExpectMulticolumnPageToBeOfMessage(OfColumns):
    """Columns: whether a page took the text's place, text, text afterwards. The page has a third of the words of the
    text."""

    map_metric: ClassVar = of_columns("page_of_message", texts.of_page)


class ExpectMulticolumnScoresToSumToOne(OfColumns):
    """The scores of a row are finite and sum to 1, but for their rounding to two decimals."""

    map_metric: ClassVar = of_columns("scores_sum_to_one", scores.sum_to_one)


class ExpectMulticolumnLabelToHaveBestScore(OfColumns):
    """Columns: a label, and the scores of all of `labels` in that order. No other label has a better score."""

    labels: Sequence[str]
    success_keys: ClassVar = ("mostly", "labels")
    map_metric: ClassVar = of_columns("label_has_best_score", scores.label_has_best, "labels")


class ExpectMulticolumnFlagsToAgreeWithScores(OfColumns):
    """Columns: a flag, its score, the next flag, its score, and so on. A flag is true where its score reaches
    `threshold`."""

    threshold: float
    success_keys: ClassVar = ("mostly", "threshold")
    map_metric: ClassVar = of_columns("flags_agree", scores.flags_agree, "threshold")
