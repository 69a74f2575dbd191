"""The history of one machine: the same files as Dagster's own, told at once to whoever watches a run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
)

STORAGE = {"custom": {"module": "socialnlp_assets.runs.storage", "class": "Storage"}}


@dg.asset
def posts() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


def instance(home: Path, storage: dict[str, object] | None) -> dg.DagsterInstance:
    configuration = {"telemetry": {"enabled": False}} | ({"storage": storage} if storage else {})
    (home / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return dg.DagsterInstance.from_config(str(home))


def ours(home: Path) -> dg.DagsterInstance:
    return instance(home, {"custom": STORAGE["custom"] | {"config": {"base_dir": str(home)}}})


def told(found: dg.DagsterInstance) -> list[tuple[str, str, object]]:
    """Of each run: its status, and what it says of the asset."""
    event = found.get_latest_materialization_event(posts.key)
    assert event is not None
    assert event.asset_materialization is not None
    rows = event.asset_materialization.metadata["rows"].value
    return [(run.run_id, run.status.value, rows) for run in found.get_runs()]


def test_dagsters_own_reads_what_ours_wrote_and_the_other_way_round(tmp_path: Path) -> None:
    with ours(tmp_path) as written:
        dg.materialize([posts], instance=written)
        wrote = told(written)
    with instance(tmp_path, None) as own:
        assert told(own) == wrote
        dg.materialize([posts], instance=own)
        wrote = told(own)
    with ours(tmp_path) as read:
        assert len(told(read)) == 2
        assert told(read) == wrote


def test_a_history_that_was_wiped_begins_anew(tmp_path: Path) -> None:
    with ours(tmp_path) as wiped:
        dg.materialize([posts], instance=wiped)
        wiped.wipe()
        dg.materialize([posts], instance=wiped)
        wrote = told(wiped)
    assert len(wrote) == 1
    with instance(tmp_path, None) as own:
        assert told(own) == wrote


def test_what_was_switched_on_stays_on_whoever_wrote_it(tmp_path: Path) -> None:
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("ours"), "ours").get_instigator_origin("arrivals")
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData())
    with ours(tmp_path) as written:
        written.add_instigator_state(state)
    with instance(tmp_path, None) as own:
        assert [found.status for found in own.all_instigator_state()] == [InstigatorStatus.RUNNING]


def test_a_forked_process_writes_beside_the_one_that_it_comes_from(tmp_path: Path) -> None:
    with ours(tmp_path) as parent:
        dg.materialize([posts], instance=parent)
        if not (child := os.fork()):
            code = 1
            try:
                with ours(tmp_path) as mine:
                    code = int(not dg.materialize([posts], instance=mine).success)
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert status == 0
        assert len(told(parent)) == 2
        dg.materialize([posts], instance=parent)
        assert len(told(parent)) == 3


def test_who_watches_a_run_is_told_of_its_events(tmp_path: Path) -> None:
    with ours(tmp_path) as watched:
        run = watched.create_run_for_job(dg.Definitions([posts]).resolve_implicit_global_asset_job_def())
        seen: list[str] = []
        watched.report_engine_event("before", run)
        watched.watch_event_logs(run.run_id, None, lambda event, _: seen.append(event.message))
        watched.report_engine_event("the hour has begun", run)
        deadline = time.monotonic() + 60
        while "the hour has begun" not in seen:
            assert time.monotonic() < deadline, seen
            time.sleep(0.05)
