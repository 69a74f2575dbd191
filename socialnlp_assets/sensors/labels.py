"""What asks for a retraining without anybody: enough new labels, and each day whatever else has changed.

A drift of the messages asks for labels, not for a retraining: the same labels give the same model
(`socialnlp labels suggest` finds the texts).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import dagster as dg

from socialnlp_assets.assets.models.build import count_rows, is_up_to_date, job_name
from socialnlp_assets.assets.models.shelf import Shelf
from socialnlp_assets.models.catalogue import ModelEntry, Training
from socialnlp_assets.resources.lake import Lake, is_message_file

SECONDS = 60
DAY = 24 * 3600


def labels_arrived(models: Mapping[str, ModelEntry], jobs: Sequence[Any]) -> dg.SensorDefinition:
    """Requests the training of a model when so many new rows have come as its `retrain_after` says. The cursor has the
    files that were seen, and how many rows there were at the last request."""

    @dg.sensor(
        name="labels_arrived",
        jobs=list(jobs),
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Trains a model when enough new labels have come.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: Lake) -> dg.SensorResult:
        seen: dict[str, Any] = json.loads(context.cursor or "{}")
        requests, waiting = [], []
        for name, entry in models.items():
            known = seen.get(name, {"files": {}, "asked": 0})
            files = dict(_counted(Shelf(lake, name), entry, known["files"]))
            total, least = sum(files.values()), (entry.training or Training()).retrain_after
            new = total - known["asked"]
            if files and new >= least:
                digest = blake2b(json.dumps(files, sort_keys=True).encode(), digest_size=8).hexdigest()
                requests.append(dg.RunRequest(run_key=f"{name}-{digest}", job_name=job_name(name)))
                known["asked"] = total
            elif new > 0:
                waiting.append(f"{name}: {new} of {least} new rows")
            if files:
                seen[name] = {"files": files, "asked": known["asked"]}
        told = "; ".join(waiting) or "no new labels"
        skipped = None if requests else told
        return dg.SensorResult(run_requests=requests, skip_reason=skipped, cursor=json.dumps(seen))

    return sensor


def _counted(shelf: Shelf, entry: ModelEntry, known: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Each file and its rows. One that cannot be read counts as enough: the run says what is wrong with it."""
    for file in shelf.lake.objects(f"{shelf.folder}/incoming"):
        if is_message_file(file.path):
            name = blake2b(f"{file.path}\0{file.etag}".encode(), digest_size=6).hexdigest()
            yield name, known[name] if name in known else count_rows(shelf, entry, file.path)


def changed_models(models: Mapping[str, ModelEntry], jobs: Sequence[Any]) -> dg.SensorDefinition:
    """Once a day, the models whose labels, recipe or code are not those of their last evaluation."""

    @dg.sensor(
        name="models_changed",
        jobs=list(jobs),
        minimum_interval_seconds=DAY,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Each day, trains the models whose labels, recipe or code have changed. Off until it is wanted.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: Lake) -> dg.SensorResult:  # noqa: ARG001
        day = datetime.now(UTC).date()
        shelves = {name: Shelf(lake, name) for name in models}
        changed = [
            name for name, shelf in shelves.items() if shelf.incoming() and not is_up_to_date(shelf, models[name])
        ]
        requests = [dg.RunRequest(run_key=f"{name}-{day}", job_name=job_name(name)) for name in changed]
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else "nothing has changed")

    return sensor
