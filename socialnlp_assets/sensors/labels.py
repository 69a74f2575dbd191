"""What asks for a retraining without anybody: new labels, a calendar, and each day whatever else has changed.

A drift of the messages alone asks for labels, not for a retraining: the same labels give the same model
(`socialnlp labels suggest` finds the texts). With any labels that are new, it asks for a retraining before there are as
many as one waits for otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import dagster as dg

from socialnlp_assets.assets.models.build import count_rows, is_up_to_date, job_name
from socialnlp_assets.assets.models.shelf import Shelf
from socialnlp_assets.assets.profile import HourProfile
from socialnlp_assets.models.catalogue import ModelEntry, Training
from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources.lake import Lake, is_message_file

SECONDS = 60
DAY = 24 * 3600
EVALUATIONS = 200  # of `drift`, the newest, in which the hours of a day are looked for
WHY = "socialnlp/why"  # the tag of a run that was asked for


def labels_arrived(
    models: Mapping[str, ModelEntry], jobs: Sequence[Any], workflows: Mapping[str, Sequence[str]]
) -> dg.SensorDefinition:
    """Requests the training of a model when so many new rows have come as its `retrain_after` says, when any have come
    and hours of the `workflows` that ask it drift, and when its calendar says so and something has changed. The cursor
    has the files that were seen, how many rows there were at the last request, and the calendar's last look."""

    @dg.sensor(
        name="labels_arrived",
        jobs=list(jobs),
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Trains a model when enough new labels have come, or some and its hours drift, or by a calendar.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: Lake) -> dg.SensorResult:
        now = datetime.now(UTC)
        seen: dict[str, Any] = json.loads(context.cursor or "{}")
        requests, waiting = [], []
        for name, entry in models.items():
            shelf, known = Shelf(lake, name), {"asked": 0, "looked": now.isoformat(), **seen.get(name, {})}
            files = dict(_counted(shelf, entry, known.get("files", {})))
            if not files:
                continue
            total, training = sum(files.values()), entry.training or Training()
            drifting = max((drifted(context.instance, each, now) for each in workflows[name]), default=0)
            why, told = asked_for(total - known["asked"], drifting, training)
            digest = blake2b(json.dumps(files, sort_keys=True).encode(), digest_size=8).hexdigest()
            if not why and training.every and now - datetime.fromisoformat(known["looked"]) >= training.every:
                known["looked"] = now.isoformat()
                if not is_up_to_date(shelf, entry):  # the same labels, code and seed give the same model
                    why, digest = f"every {training.every.days} days", f"{digest}-{now:%Y-%m-%d}"
            if why:
                requests.append(dg.RunRequest(f"{name}-{digest}", job_name=job_name(name), tags={WHY: why}))
                known |= {"asked": total, "looked": now.isoformat()}
            elif told:
                waiting.append(f"{name}: {told}")
            seen[name] = known | {"files": files}
        skipped = None if requests else "; ".join(waiting) or "no new labels"
        return dg.SensorResult(run_requests=requests, skip_reason=skipped, cursor=json.dumps(seen))

    return sensor


def asked_for(new: int, drifting: int, training: Training) -> tuple[str, str]:
    """Why a training is asked for that has so many new rows and hours of drift in the last day, and else, what is
    waited for; one of the two is empty, or both."""
    if new >= training.retrain_after:
        return f"{new} new rows", ""
    if drifting < training.drift_hours:
        return "", f"{new} of {training.retrain_after} new rows" if new > 0 else ""
    drift = f"{drifting} hours of drift in the last day"
    if new > 0:
        return f"{drift}, and {new} new rows", ""
    return "", f"{drift}, and no new labels to learn from; socialnlp labels suggest finds texts for them"


def drifted(instance: dg.DagsterInstance, workflow: str, now: datetime) -> int:
    """How many hours of the last day are not like those before them, as the newest check of each says."""
    key = dg.AssetCheckKey(dg.AssetKey([workflow, HourProfile.name]), "drift")
    passed: dict[str, bool] = {}
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=EVALUATIONS):
        evaluation = record.event.asset_check_evaluation if record.event else None
        if evaluation and record.partition:
            passed.setdefault(record.partition, evaluation.passed)
    return sum(not well and hour_of(hour) >= now - timedelta(days=1) for hour, well in passed.items())


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
