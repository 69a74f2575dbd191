"""One module a step kind, and the factory that makes the assets of a workflow."""

from __future__ import annotations

import dagster as dg

from socialnlp_assets.assets import (
    classifications,
    enrichments,
    filtered_text,
    keywords,
    posts,
    sentiments,
    summaries,
    translations,
)
from socialnlp_assets.assets.output import output_step
from socialnlp_assets.assets.step import Step, build_asset
from socialnlp_assets.workflow import Workflow

# The steps a workflow may name, in data order.
STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        translations.STEP,
        filtered_text.STEP,
        enrichments.STEP,
        classifications.CLASSIFICATIONS_STEP,
        sentiments.STEP,
        keywords.STEP,
        classifications.THEMES_STEP,
        summaries.STEP,
    )
}


def build_assets(workflow: Workflow, partitions: dg.HourlyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Every asset of a workflow from `posts` to `output`, in data order."""
    named = [STEPS[name] for name in workflow.steps.named()]
    return [build_asset(step, workflow, partitions) for step in (posts.STEP, *named, output_step(STEPS))]
