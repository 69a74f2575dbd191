"""Expectations of ours, registered with Great Expectations: what an hour's texts and scores must mean.

A class says what is expected and names its metric; the metric is a pure function of a row (`texts.py`) or of a column
(`scores.py`). Importing this imports Great Expectations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnAggregateExpectation,
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
    column_aggregate_value,
)
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import (
    column_pair_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_map_metric_provider import (
    ColumnPairMapMetricProvider,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_map_metric_provider import (
    MulticolumnMapMetricProvider,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from socialnlp_assets.checks import scores, texts


def _holds(rows: Sequence[tuple[Any, ...]], holds: Callable[..., bool], index: Any) -> pd.Series[bool]:
    return pd.Series([bool(holds(*row)) for row in rows], index=index, dtype=bool)


def _of_column(name: str, holds: Callable[[Any], bool]) -> str:
    """Register the metric `name`: whether a row of one column holds."""

    class Metric(ColumnMapMetricProvider):
        condition_metric_name = f"column_values.{name}"

        @column_condition_partial(engine=PandasExecutionEngine)
        def _pandas(cls, column: Any, **_: Any) -> Any:
            return _holds([(value,) for value in column], holds, column.index)

    return Metric.condition_metric_name


def _of_pair(name: str, holds: Callable[..., bool], *arguments: str) -> str:
    """The same of two columns, and of the expectation's `arguments`."""

    class Metric(ColumnPairMapMetricProvider):
        condition_metric_name = f"column_pair_values.{name}"
        condition_domain_keys = ("batch_id", "table", "column_A", "column_B", "row_condition", "condition_parser",
                                 "ignore_row_if")  # fmt: skip
        condition_value_keys = arguments

        @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_A: Any, column_B: Any, **given: Any) -> Any:
            asked = tuple(given[argument] for argument in arguments)
            return _holds([(*asked, *row) for row in zip(column_A, column_B, strict=True)], holds, column_A.index)

    return Metric.condition_metric_name


def _of_columns(name: str, holds: Callable[..., bool], *arguments: str) -> str:
    """The same of several columns, in the order of `column_list`, and of the expectation's `arguments`."""

    class Metric(MulticolumnMapMetricProvider):
        condition_metric_name = f"multicolumn_values.{name}"
        condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser",
                                 "ignore_row_if")  # fmt: skip
        condition_value_keys = arguments

        @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_list: Any, **given: Any) -> Any:
            asked = tuple(given[argument] for argument in arguments)
            rows = [(*asked, *row) for row in column_list.itertuples(index=False, name=None)]
            return _holds(rows, holds, column_list.index)

    return Metric.condition_metric_name


class _OfPair(ColumnPairMapExpectation):
    domain_keys: ClassVar[tuple[str, ...]] = (*ColumnPairMapExpectation.domain_keys, "ignore_row_if")  # type: ignore[assignment]
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "either_value_is_missing"


class _OfColumns(MulticolumnMapExpectation):
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"


class ExpectColumnTextsToBeInEnglish(ColumnMapExpectation):
    """A text of six words or more has three in ten of its words of four letters or more in a list of 40,000 English
    ones."""

    map_metric: ClassVar = _of_column("in_english", texts.in_english)


class ExpectColumnTextsToBeWithoutNoise(ColumnMapExpectation):
    """A text has no addresses, user names, control characters or wrongly decoded letters."""

    map_metric: ClassVar = _of_column("without_noise", texts.without_noise)


class ExpectColumnPairTextToBeAnswered(_OfPair):
    """Where column_A has words, column_B has a text."""

    map_metric: ClassVar = _of_pair("answered", texts.answered)


class ExpectColumnPairTextToBeFreeOfLoops(_OfPair):
    """Column_B does not say the same four times in a row, unless column_A does."""

    map_metric: ClassVar = _of_pair("free_of_loops", texts.free_of_loops)


class ExpectColumnPairNumbersToBeKept(_OfPair):
    """Every number of two digits or more of column_A is in column_B."""

    map_metric: ClassVar = _of_pair("numbers_kept", texts.numbers_kept)


class ExpectColumnPairNegationsToBeKept(_OfPair):
    """Where column_A negates, so does column_B. Both are in English."""

    map_metric: ClassVar = _of_pair("negations_kept", texts.negations_kept)


class ExpectColumnPairWordsToBeKept(_OfPair):
    """At least half of the words of column_A are in column_B, which does not have many more."""

    map_metric: ClassVar = _of_pair("words_kept", texts.words_kept)


class ExpectColumnPairPhrasesToBeInText(_OfPair):
    """Column_A, a text, has the words of the phrases of column_B, in whatever form: of the share `least_share` of a
    row's phrases."""

    least_share: float = 1.0
    success_keys: ClassVar = ("mostly", "least_share")
    map_metric: ClassVar = _of_pair("phrases_in_text", texts.phrases_in_text, "least_share")


class ExpectColumnPairSummaryToBeOfText(_OfPair):
    """Column_B is no longer than column_A, a text, and has no sentence whose content words are not in it."""

    map_metric: ClassVar = _of_pair("summary_of_text", texts.summary_of_text)


class ExpectMulticolumnTranslationToDiffer(_OfColumns):
    """Columns: language, text, translation. A text that is not in English is not handed on as it was."""

    map_metric: ClassVar = _of_columns("translation_differs", texts.differs)


class ExpectMulticolumnEnglishToBeUntouched(_OfColumns):
    """Columns: language, text, translation. An English text is handed on as it was."""

    map_metric: ClassVar = _of_columns("english_untouched", texts.english_untouched)


class ExpectMulticolumnLengthToBePlausible(_OfColumns):
    """Columns: language, text, translation. A translation is `least` to `most` times as long as its source, without
    noise; other bounds for Chinese, Japanese and Korean."""

    least: float
    most: float
    success_keys: ClassVar = ("mostly", "least", "most")
    map_metric: ClassVar = _of_columns("length_plausible", texts.length_plausible, "least", "most")


class ExpectMulticolumnEnrichmentToFollowRule(_OfColumns):
    """Columns: kind, text, text afterwards, whether it was replaced. Replaced only in an article, and only by a text
    that is at least 20 % longer; else untouched."""

    map_metric: ClassVar = _of_columns("enrichment_follows_rule", texts.enrichment_follows_rule)


class ExpectMulticolumnPartitionsToAgreeWithTopics(_OfColumns):
    """Columns: social, topics, the same two in `posts`, and partitions. A message lies in one partition for each of its
    topics, which are those of `posts`."""

    map_metric: ClassVar = _of_columns("partitions_agree", texts.partitions_agree)


class ExpectMulticolumnEntitiesToStandAtOffsets(_OfColumns):
    """Columns: text, entities, starts, ends (lists). Every entity is what the text has between its offsets."""

    map_metric: ClassVar = _of_columns("stand_at_offsets", texts.stand_at_offsets)


class ExpectMulticolumnScoresToSumToOne(_OfColumns):
    """The scores of a row are finite and sum to 1, but for their rounding to two decimals."""

    map_metric: ClassVar = _of_columns("scores_sum_to_one", scores.sum_to_one)


class ExpectMulticolumnLabelToHaveBestScore(_OfColumns):
    """Columns: a label, and the scores of all of `labels` in that order. No other label has a better score."""

    labels: Sequence[str]
    success_keys: ClassVar = ("mostly", "labels")
    map_metric: ClassVar = _of_columns("label_has_best_score", scores.label_has_best, "labels")


class ExpectMulticolumnFlagsToAgreeWithScores(_OfColumns):
    """Columns: a flag, its score, the next flag, its score, and so on. A flag is true where its score reaches
    `threshold`."""

    threshold: float
    success_keys: ClassVar = ("mostly", "threshold")
    map_metric: ClassVar = _of_columns("flags_agree", scores.flags_agree, "threshold")


class CommonestValueShare(ColumnAggregateMetricProvider):
    metric_name = "column.commonest_value_share"

    @column_aggregate_value(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, **_: Any) -> Any:
        return scores.commonest(column)


class ExpectColumnCommonestValueShareToBeAtMost(ColumnAggregateExpectation):
    """The commonest value of the column has at most the share `max_share` of its rows that have a value."""

    max_share: float
    metric_dependencies: ClassVar = ("column.commonest_value_share",)
    success_keys: ClassVar = ("max_share",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        value, share = metrics["column.commonest_value_share"]
        return {"success": share <= self.max_share, "result": {"observed_value": f"{value} in {share:.0%} of rows"}}


class ScoresFollowTexts(TableMetricProvider):
    metric_name = "table.scores_follow_texts"
    value_keys = ("column_list",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any) -> float:
        frame, *_rest = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        text, *columns = metric_value_kwargs["column_list"]
        return scores.chance_of_association(frame[text].tolist(), frame[columns].to_numpy(float))


class ExpectTableScoresToFollowTexts(BatchExpectation):
    """Columns: a text, then scores. Texts of like words have like scores: no more than `max_chance` of what random
    orders of the scores would have to do with the texts is as much (a permutation test of the Hilbert-Schmidt
    independence criterion, Gretton et al. 2005). Answers that were given to other texts fail it."""

    column_list: Sequence[str]
    max_chance: float = 0.05
    metric_dependencies: ClassVar = ("table.scores_follow_texts",)
    success_keys: ClassVar = ("column_list", "max_chance")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        chance = metrics["table.scores_follow_texts"]
        return {"success": chance <= self.max_chance, "result": {"observed_value": f"a chance of {chance:.2f}"}}


class NamesKept(TableMetricProvider):
    metric_name = "table.names_kept"
    value_keys = ("column_list",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any
    ) -> tuple[int, int]:
        frame, *_rest = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        read, written = (frame[column].fillna("").tolist() for column in metric_value_kwargs["column_list"])
        return texts.names_kept(read, written)


class ExpectTableNamesToBeKept(BatchExpectation):
    """Columns: a text, what was written of it. Of all names in the texts of an hour (capitalised words inside a
    sentence; twenty of them, to ask at all), the share `min_share` is in what was written of the same text."""

    column_list: Sequence[str]
    min_share: float
    metric_dependencies: ClassVar = ("table.names_kept",)
    success_keys: ClassVar = ("column_list", "min_share")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        names, kept = metrics["table.names_kept"]
        success = names < 20 or kept >= self.min_share * names
        return {"success": success, "result": {"observed_value": f"{kept} of {names} names"}}


class ScoresFollowTone(TableMetricProvider):
    metric_name = "table.scores_follow_tone"
    value_keys = ("column_list",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any) -> float:
        frame, *_rest = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        text, friendly, unfriendly = (frame[column].tolist() for column in metric_value_kwargs["column_list"])
        return scores.follows_tone(text, friendly, unfriendly)


class ExpectTableScoresToFollowTone(BatchExpectation):
    """Columns: a text, a friendly score, an unfriendly one. Over the hour, friendlier words go with a greater
    difference of the two: Spearman's correlation is at least `min_correlation`. Swapped labels fail it."""

    column_list: Sequence[str]
    min_correlation: float = 0.0
    metric_dependencies: ClassVar = ("table.scores_follow_tone",)
    success_keys: ClassVar = ("column_list", "min_correlation")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        found = metrics["table.scores_follow_tone"]
        return {"success": found >= self.min_correlation, "result": {"observed_value": f"a correlation of {found:.2f}"}}
