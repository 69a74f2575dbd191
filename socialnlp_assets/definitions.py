"""The code location: everything that Dagster runs, assembled from the workflow files and the settings.

Pure at import: nothing here opens a connection, starts a process or asks a secret store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from socialnlp_assets.assets import build_assets
from socialnlp_assets.assets.landing import Fed, build_landing
from socialnlp_assets.assets.retention import build_retention
from socialnlp_assets.partitions import hourly_partitions
from socialnlp_assets.resources.build import build_resources
from socialnlp_assets.sensors import build_sensors
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.sources_file import configured_sources
from socialnlp_assets.workflow import Workflow, load_workflows

# What a forked step process needs and would otherwise import again for every step.
PRELOADED = ["socialnlp_assets.definitions", "pandas", "great_expectations"]


def build_definitions(settings: Settings, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Fresh definitions for `settings`; `overrides` replaces resources by name, as tests and tools need."""
    partitions = hourly_partitions(settings.start)
    workflows = load_workflows(*([settings.workflows] if settings.workflows else []))
    fed = {workflow.name: Fed(workflow.source, workflow.owners) for workflow in workflows.values()}
    landing = build_landing(fed, partitions, configured_sources(settings))
    retention, nightly = build_retention(settings.raw_retention_days)
    return dg.Definitions(
        assets=[
            *landing.assets,
            *(asset for workflow in workflows.values() for asset in build_assets(workflow, partitions)),
        ],
        jobs=[*map(_hour_job, workflows.values()), *landing.jobs, retention],
        schedules=[*landing.schedules, nightly],
        sensors=build_sensors(settings, workflows.values()),
        resources={**build_resources(settings), **(overrides or {})},
        executor=_executor(settings),
    )


def _hour_job(workflow: Workflow) -> Any:
    """One job a workflow, named as the workflow: an hour from `posts` to `output`."""
    assets = ["posts", *workflow.steps.named(), "output"]
    return dg.define_asset_job(
        workflow.name,
        selection=dg.AssetSelection.assets(*(dg.AssetKey([workflow.name, name]) for name in assets)),
        description=f"An hour of {workflow.name}, from posts to output.",
    )


def _executor(settings: Settings) -> dg.ExecutorDefinition:
    """In one process by default, where steps share an interpreter; in several where the models are remote."""
    if settings.runs_steps_in_one_process:
        return dg.in_process_executor
    return dg.multiprocess_executor.configured(
        {"max_concurrent": 4, "start_method": {"forkserver": {"preload_modules": PRELOADED}}}
    )


defs = build_definitions(Settings())
