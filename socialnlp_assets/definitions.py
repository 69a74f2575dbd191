"""The code location: everything that Dagster runs, assembled from the workflow files and the settings.

Pure at import: nothing here opens a connection, starts a process or asks a secret store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg

from socialnlp_assets.assets.asset import build_asset
from socialnlp_assets.assets.landing import build_landing
from socialnlp_assets.assets.retention import build_retention
from socialnlp_assets.partitions import hourly_partitions
from socialnlp_assets.resources.build import build_resources
from socialnlp_assets.resources.sources_file import configured_sources
from socialnlp_assets.sensors import arrival_sensors, endpoint_reaper, hour_releases, run_end_hooks
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import Workflow, running_workflows

# What a forked step process needs and would otherwise import again for every step.
PRELOADED = ["socialnlp_assets.definitions", "pandas", "great_expectations"]


def build_definitions(settings: Settings, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Fresh definitions for `settings`; `overrides` replaces resources by name, as tests and tools need."""
    workflows = running_workflows(settings)
    return dg.Definitions.merge(
        workflow_definitions(workflows.values(), settings),
        installation_definitions(settings, overrides),
    )


def workflow_definitions(workflows: Collection[Workflow], settings: Settings) -> dg.Definitions:
    """What workflows bring: their assets from `landing` to `output`, their jobs, and what starts these."""
    partitions = hourly_partitions(settings.start)
    landing = build_landing(workflows, partitions, configured_sources(settings))
    return dg.Definitions(
        assets=[
            *landing.assets,
            *(
                build_asset(step, workflow.name, workflow.owners, partitions, workflow.checks)
                for workflow in workflows
                for step in workflow.assets()
            ),
        ],
        jobs=[*map(_hour_job, workflows), *landing.jobs],
        schedules=landing.schedules,
        sensors=arrival_sensors(settings, workflows),
    )


def installation_definitions(settings: Settings, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """What an installation has once, whatever its workflows: resources, their care, and how steps are run."""
    retention, nightly = build_retention(settings.raw_retention_days)
    return dg.Definitions(
        jobs=[retention],
        schedules=[nightly],
        sensors=[endpoint_reaper(), *run_end_hooks(), *hour_releases()],
        resources={**build_resources(settings), **(overrides or {})},
        executor=_executor(settings),
    )


def _hour_job(workflow: Workflow) -> Any:
    """One job a workflow, named as the workflow: an hour from `posts` to `profile`."""
    keys = [dg.AssetKey([workflow.name, step.name]) for step in workflow.assets()]
    return dg.define_asset_job(
        workflow.name,
        selection=dg.AssetSelection.assets(*keys),
        description=f"An hour of {workflow.name}, from posts to output, and what it was like.",
    )


def _executor(settings: Settings) -> dg.ExecutorDefinition:
    """In one process by default, where steps share an interpreter; in several where the models are remote."""
    if settings.runs_steps_in_one_process:
        return dg.in_process_executor
    return dg.multiprocess_executor.configured(
        {"max_concurrent": 4, "start_method": {"forkserver": {"preload_modules": PRELOADED}}}
    )


defs = build_definitions(Settings())
