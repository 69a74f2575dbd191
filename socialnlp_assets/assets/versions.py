"""What an hour was made of: the files that had landed, and of each step the code, the options and the models
(`made_by.py`).

Each is on record with the step's materialisation, so that it can be told which hours would come out the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import dagster as dg

from socialnlp_assets.assets.step import Step
from socialnlp_assets.checks import Checks
from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources.endpoints.local_resource import folder_digest
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.landed import Landed

LANDED, MODELS = "landed", "models"  # entries in a step's metadata
CODE_TAG = "dagster/code_version"
ROOMS = ("assets", "checks", "landing", "nlp", "sources", "tasks", "resources/articles")  # what rows depend on
PAGE = 1000  # events in one answer of Dagster's storage


def code_version(step: Step, strictness: Checks) -> str:
    """Changes with what the step's rows depend on, but for its inputs and models; Dagster shows it."""
    own = Path(inspect.getfile(type(step))).read_text(encoding="utf-8")  # it may be of another package
    return blake2b(f"{_code()} {own} {step!r} {strictness!r}".encode(), digest_size=8).hexdigest()


@cache
def _code() -> str:
    package = Path(__file__).parents[1]
    return " ".join(folder_digest(package / room) for room in ROOMS)


def unchanged_hours(
    instance: dg.DagsterInstance,
    lake: Lake,
    endpoints: Endpoints,
    workflow: str,
    steps: Sequence[Step],
    strictness: Checks,
    hours: Collection[str],
) -> set[str]:
    """Those of `hours` that would come out the same: every step was published by the code and the models of today, and
    after what it reads; and the files in landing are those that were read."""
    published = {step.name: _published(instance, dg.AssetKey([workflow, step.name]), hours) for step in steps}
    code = {step.name: code_version(step, strictness) for step in steps}
    label = cache(endpoints.version_label)

    def is_unchanged(hour: str) -> bool:
        for step in steps:
            record = published[step.name].get(hour)
            event = record.asset_materialization if record else None
            if record is None or event is None or (event.tags or {}).get(CODE_TAG) != code[step.name]:
                return False
            if any(label(model) != made_by for model, made_by in (_value(event.metadata.get(MODELS)) or {}).items()):
                return False
            read = [published[name].get(hour) for name in step.inputs() if name in published]
            if any(each is None or each.storage_id > record.storage_id for each in read):
                return False
            if step is steps[0] and _value(event.metadata.get(LANDED)) != _landed(lake, workflow, hour):
                return False
        return True

    return {hour for hour in hours if is_unchanged(hour)}


def _published(
    instance: dg.DagsterInstance, key: dg.AssetKey, hours: Collection[str]
) -> Mapping[str, dg.EventLogRecord]:
    """The last materialisation of each of these hours."""
    wanted = dg.AssetRecordsFilter(key, asset_partitions=list(hours))
    found: dict[str, dg.EventLogRecord] = {}
    page = instance.fetch_materializations(wanted, PAGE)  # the newest come first
    while page.records:
        for record in page.records:
            found.setdefault(str(record.partition_key), record)
        if len(found) == len(hours) or not page.has_more:
            break
        page = instance.fetch_materializations(wanted, PAGE, page.cursor)
    return found


def _landed(lake: Lake, workflow: str, hour: str) -> str:
    return Landed.all(lake.landed(workflow, hour_of(hour))).digest


def _value(entry: Any) -> Any:
    return entry.value if entry else None
