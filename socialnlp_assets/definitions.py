"""The code location: everything that Dagster runs, assembled from the workflow files and the settings.

Pure at import: nothing here opens a connection, starts a process or asks a secret store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from socialnlp_assets.alerts.resource import build_alerts
from socialnlp_assets.assets.asset import build_asset
from socialnlp_assets.assets.landing import Fed, build_landing
from socialnlp_assets.assets.models.build import build_model, decide_on_version, training_job
from socialnlp_assets.assets.profile import HourProfile
from socialnlp_assets.assets.retention import build_retention
from socialnlp_assets.hot_topics.asset import build_hot_topics
from socialnlp_assets.mart.asset import build_mart, is_installed
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.partitions import hourly_partitions
from socialnlp_assets.report.asset import build_reports
from socialnlp_assets.resources.build import build_registry, build_resources
from socialnlp_assets.sensors import (
    HOURS,
    alerts_sensor,
    approvals,
    changed_models,
    endpoint_reaper,
    hour_releases,
    hours_inventory,
    labels_arrived,
    run_end_hooks,
    workflow_sensors,
)
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.sources_file import configured_sources, source_resources
from socialnlp_assets.workflow import Workflow, running_workflows

# What a forked step process needs and would otherwise import again for every step.
PRELOADED = ["socialnlp_assets.definitions", "pandas", "great_expectations"]


def build_definitions(settings: Settings, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Fresh definitions for `settings`; `overrides` replaces resources by name, as tests and tools need."""
    workflows = running_workflows(settings).values()
    return dg.Definitions.merge(
        landing_definitions(workflows, settings),
        *(workflow_definitions(workflow, settings) for workflow in workflows),
        installation_definitions(workflows, settings),
        mart_definitions(workflows, settings),
        model_definitions(settings),
        dg.Definitions(resources={**all_resources(settings), **(overrides or {})}, executor=_executor(settings)),
    )


def all_resources(settings: Settings) -> dict[str, Any]:
    """The resources of an installation, by the names that assets and sensors ask for."""
    return {**build_resources(settings), **source_resources(settings), "alerts": build_alerts(settings)}


def workflow_definitions(workflow: Workflow, settings: Settings) -> dg.Definitions:
    """What one workflow brings: its assets from `posts` to `output`, its job, and what starts it."""
    partitions = hourly_partitions(settings.start)
    steps = workflow.all_steps(settings.keep_personal_data)
    return dg.Definitions(
        assets=[build_asset(step, workflow.name, workflow.owners, partitions, workflow.checks) for step in steps],
        jobs=[_hour_job(workflow, settings)],
        sensors=workflow_sensors(settings, workflow),
    )


def landing_definitions(workflows: Collection[Workflow], settings: Settings) -> dg.Definitions:
    """The landing areas of workflows, together, for a source is pulled once for all that it feeds."""
    fed = {workflow.name: Fed(workflow.source, workflow.owners) for workflow in workflows}
    landing = build_landing(fed, hourly_partitions(settings.start), configured_sources(settings))
    return dg.Definitions(assets=landing.assets, jobs=landing.jobs, schedules=landing.schedules)


def installation_definitions(workflows: Collection[Workflow], settings: Settings) -> dg.Definitions:
    """What an installation has once for all its workflows: the care of endpoints, of old messages and of hours that
    somebody must run again."""
    retention, nightly = build_retention(settings.raw_retention_days)
    sensors = [endpoint_reaper(), *run_end_hooks(), *hour_releases(), hours_inventory(workflows, settings.start)]
    if settings.alerts:
        sensors.append(alerts_sensor(workflows, settings.daily_budget_usd))
    return dg.Definitions(assets=[HOURS], jobs=[retention], schedules=[nightly], sensors=sensors)


def mart_definitions(workflows: Collection[Workflow], settings: Settings) -> dg.Definitions:
    """The mart over the output of all workflows, what is on the rise in it, and reports; nothing without the extra."""
    if not is_installed():
        return dg.Definitions()
    outputs = {workflow.name: workflow.output().table().arrow for workflow in workflows}
    folder = settings.state / "mart"
    hot_topics = build_hot_topics(folder, {each.name: each.warnings for each in workflows})
    steps = {
        each.name: [step for step in each.assets() if step != HourProfile.name] for each in workflows
    }  # of messages
    reports = [build_reports(each.name, each.description, steps[each.name], folder) for each in workflows]
    beside = [key for assets in (hot_topics, *reports) for key in assets.keys]
    lookback = timedelta(hours=settings.landing_lookback_hours)
    mart, job, automation = build_mart(outputs, folder, settings.mart_models, lookback, beside)
    return dg.Definitions(assets=[mart, hot_topics, *reports], jobs=[job], sensors=[automation])


def model_definitions(settings: Settings) -> dg.Definitions:
    """The models that the catalogue trains: their labels, training, evaluation and versions."""
    catalogue = load_catalogue(settings.models)
    trained = catalogue.trained()
    assets = [
        asset
        for name, training in trained.items()
        for asset in build_model(name, catalogue[name], training.approval == "automatic" or name in settings.approve)
    ]
    jobs = list(map(training_job, trained))
    entries = {name: catalogue[name] for name in trained}
    sensors = [labels_arrived(entries, jobs), changed_models(entries, jobs)] if jobs else []
    if build_registry(settings).is_on_sagemaker:
        sensors.append(approvals(list(trained)))
    return dg.Definitions(assets=assets, jobs=[*jobs, decide_on_version], sensors=sensors)


def _hour_job(workflow: Workflow, settings: Settings) -> Any:
    """One job a workflow, named as the workflow: an hour from `posts` to `profile`."""
    keys = [dg.AssetKey([workflow.name, name]) for name in workflow.assets()]
    return dg.define_asset_job(
        workflow.name,
        selection=dg.AssetSelection.assets(*keys),
        description=f"An hour of {workflow.name}, from posts to output, and what it was like.",
        # Said here, too: as a component of another project, an hour took a process a step, and four times as long.
        executor_def=_executor(settings),
    )


def _executor(settings: Settings) -> dg.ExecutorDefinition:
    """In one process by default, where steps share an interpreter; in several where the models are remote."""
    if settings.runs_steps_in_one_process:
        return dg.in_process_executor
    return dg.multiprocess_executor.configured(
        {"max_concurrent": 4, "start_method": {"forkserver": {"preload_modules": PRELOADED}}}
    )


defs = build_definitions(Settings())
