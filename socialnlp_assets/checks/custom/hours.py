"""What is expected of an hour as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnAggregateExpectation,
)
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
    column_aggregate_value,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from socialnlp_assets.checks import kept, scores


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
    max_chance: float = 0.2
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


def _kept(detail: str) -> str:
    """Register the metric of one of `kept.DETAILS`: how many there were, and how many were kept."""

    class Metric(TableMetricProvider):
        metric_name = f"table.{detail}_kept"
        value_keys = ("column_list",)

        @metric_value(engine=PandasExecutionEngine)
        def _pandas(
            cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any
        ) -> kept.Kept:
            frame, *_rest = execution_engine.get_compute_domain(
                metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
            )
            read, written = (frame[column].fillna("").tolist() for column in metric_value_kwargs["column_list"])
            return kept.DETAILS[detail](read, written)

    return Metric.metric_name


class _ExpectKept(BatchExpectation):
    """Of what there is, twenty at least to ask at all, the share `min_share` is kept."""

    column_list: Sequence[str]
    min_share: float
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "min_share")
    least: ClassVar[int] = 20

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        had, kept_ = metrics[self.metric_dependencies[0]]
        success = had < self.least or kept_ >= self.min_share * had
        return {"success": success, "result": {"observed_value": f"{kept_} of {had}"}}


class ExpectTableNamesToBeKept(_ExpectKept):
    """Columns: a text, what was written of it. Of all names in the texts of an hour (capitalised words inside a
    sentence; twenty of them, to ask at all), the share `min_share` is in what was written of the same text."""

    metric_dependencies: ClassVar = (_kept("names"),)


class ExpectTableNumbersToBeKept(_ExpectKept):
    """The same of the numbers of two digits or more; three of them, to ask at all."""

    metric_dependencies: ClassVar = (_kept("numbers"),)
    least: ClassVar = 3


class ExpectTableNegationsToBeKept(_ExpectKept):
    """Of the texts in Italian, French, Spanish or German that deny something, ten at least, the share `min_share`
    does so in English."""

    metric_dependencies: ClassVar = (_kept("negations"),)
    least: ClassVar = 10


class ExpectTableEndingsToBeKept(_ExpectKept):
    """The same of the last words of texts: one that was cut has lost its own."""

    metric_dependencies: ClassVar = (_kept("endings"),)


class ExpectTableVocabularyToBeKept(_ExpectKept):
    """The same of all words, each with the one after it, two hundred at least."""

    metric_dependencies: ClassVar = (_kept("vocabulary"),)
    least: ClassVar = 200  # of one message of which much is noise, a quarter may go


class ExpectTableCapitalsToBeKept(_ExpectKept):
    """Of the texts in capital and small letters that were rewritten, twenty at least, the share `min_share` still is
    in both."""

    metric_dependencies: ClassVar = (_kept("capitals"),)


class ExpectTableBeginningsToDiffer(_ExpectKept):
    """Of the texts that were rewritten, twenty at least, the share `min_share` does not begin with the same three
    words, unless what they were made of does."""

    metric_dependencies: ClassVar = (_kept("beginnings"),)


class LanguagesTold(TableMetricProvider):
    metric_name = "table.languages_told"
    value_keys = ("column_list", "languages")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any) -> kept.Kept:
        frame, *_rest = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        texts, told = (frame[column].fillna("").tolist() for column in metric_value_kwargs["column_list"])
        return kept.languages(metric_value_kwargs["languages"], texts, told)


class ExpectTableLanguagesToBeTold(_ExpectKept):
    """Columns: a text, its language. Of a hundred texts of six words or more, twenty at least, the share `min_share`
    is in the language that is told, if they are in one of `languages`."""

    languages: Sequence[str]
    metric_dependencies: ClassVar = ("table.languages_told",)
    success_keys: ClassVar = ("column_list", "languages", "min_share")


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
