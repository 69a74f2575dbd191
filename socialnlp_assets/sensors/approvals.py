"""What somebody decides of a version in SageMaker, taken over."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from socialnlp_assets.resources.registry.resource import ModelRegistry

SECONDS = 5 * 60


def approvals(models: Sequence[str]) -> dg.SensorDefinition:
    """Keeps the lake's registry and SageMaker's in step: an approval there is one here, and new hours take it."""

    @dg.sensor(
        name="approvals",
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Takes over what was approved or rejected in SageMaker's Model Registry; starts no run.",
    )
    def sensor(context: dg.SensorEvaluationContext, registry: ModelRegistry) -> dg.SkipReason:  # noqa: ARG001
        opened = registry.open()
        told = [sentence for model in models for sentence in opened.keep_in_step(model)]
        return dg.SkipReason("; ".join(told) or "nothing was decided in SageMaker")

    return sensor
