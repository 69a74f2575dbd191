"""What is expected of an hour as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from socialnlp_assets.checks.custom.metrics import OfHour, of_hour


class ExpectColumnCommonestValueShareToBeAtMost(OfHour):
    """The commonest value of the column has at most the share `max_share` of its rows that have a value."""

    column: str
    max_share: float
    metric_dependencies: ClassVar = (of_hour("expect_column_commonest_value_share_to_be_at_most", "column"),)
    success_keys: ClassVar = ("column", "max_share")


class ExpectTableScoresToFollowTexts(OfHour):
    """Columns: a text, then scores. Texts of like words have like scores: no more than `max_chance` of what random
    orders of the scores would have to do with the texts is as much (a permutation test of the Hilbert-Schmidt
    independence criterion, Gretton et al. 2005). Answers that were given to other texts fail it."""

    column_list: Sequence[str]
    max_chance: float = 0.2
    metric_dependencies: ClassVar = (of_hour("expect_table_scores_to_follow_texts"),)
    success_keys: ClassVar = ("column_list", "max_chance")


class ExpectTableScoresToFollowTone(OfHour):
    """Columns: a text, a friendly score, an unfriendly one. Over the hour, friendlier words go with a greater
    difference of the two: Spearman's correlation is at least `min_correlation`. Swapped labels fail it."""

    column_list: Sequence[str]
    min_correlation: float = 0.0
    metric_dependencies: ClassVar = (of_hour("expect_table_scores_to_follow_tone"),)
    success_keys: ClassVar = ("column_list", "min_correlation")


class _OfKept(OfHour):
    """Of what there is, twenty at least to ask at all, the share `min_share` is kept."""

    column_list: Sequence[str]
    min_share: float
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "min_share")


class ExpectTableNamesToBeKept(_OfKept):
    """Columns: a text, what was written of it. Of all names in the texts of an hour (capitalised words inside a
    sentence; twenty of them, to ask at all), the share `min_share` is in what was written of the same text."""

    metric_dependencies: ClassVar = (of_hour("expect_table_names_to_be_kept"),)


class ExpectTableNumbersToBeKept(_OfKept):
    """The same of the numbers of two digits or more; three of them, to ask at all."""

    metric_dependencies: ClassVar = (of_hour("expect_table_numbers_to_be_kept"),)


class ExpectTableNegationsToBeKept(_OfKept):
    """Of the texts in Italian, French, Spanish or German that deny something, ten at least, the share `min_share`
    does so in English."""

    metric_dependencies: ClassVar = (of_hour("expect_table_negations_to_be_kept"),)


class ExpectTableEndingsToBeKept(_OfKept):
    """The same of the last words of texts: one that was cut has lost its own."""

    metric_dependencies: ClassVar = (of_hour("expect_table_endings_to_be_kept"),)


class ExpectTableVocabularyToBeKept(_OfKept):
    """The same of all words, each with the one after it, two hundred at least."""

    metric_dependencies: ClassVar = (of_hour("expect_table_vocabulary_to_be_kept"),)


class ExpectTableCapitalsToBeKept(_OfKept):
    """Of the texts in capital and small letters that were rewritten, twenty at least, the share `min_share` still is
    in both."""

    metric_dependencies: ClassVar = (of_hour("expect_table_capitals_to_be_kept"),)


class ExpectTableBeginningsToDiffer(_OfKept):
    """Of the texts that were rewritten, twenty at least, the share `min_share` does not begin with the same three
    words, unless what they were made of does."""

    metric_dependencies: ClassVar = (of_hour("expect_table_beginnings_to_differ"),)


class ExpectTableLanguagesToBeTold(_OfKept):
    """Columns: a text, its language. Of a hundred texts of six words or more, twenty at least, the share `min_share`
    is in the language that is told, if they are in one of `languages`."""

    languages: Sequence[str]
    metric_dependencies: ClassVar = (of_hour("expect_table_languages_to_be_told"),)
    success_keys: ClassVar = ("column_list", "languages", "min_share")
