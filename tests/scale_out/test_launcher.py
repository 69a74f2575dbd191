"""The launcher for workers, on a real Redis: whose runs it holds for dead, and how it ends them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext

from tests.scale_out.servers import Redis, program

PATIENCE = 120.0
STARTED = "file that says that the run has started"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not program("redis-server"), reason="no redis-server of Debian on this machine"),
]


class Touches(dg.Config):
    file: str


@dg.op
def waits(config: Touches) -> None:
    Path(config.file).touch()
    time.sleep(PATIENCE)


@dg.job(executor_def=dg.in_process_executor)
def waiting() -> None:
    waits()


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    pytest.importorskip("dagster_celery", reason="extra celery")
    (tmp_path / "redis").mkdir()
    server = Redis(tmp_path / "redis")
    server.start()
    monkeypatch.setenv("SOCIALNLP_BROKER", f"redis://127.0.0.1:{server.port}/0")
    yield server
    server.stop()


@pytest.fixture
def instance(tmp_path: Path, redis: Redis) -> Iterator[dg.DagsterInstance]:  # noqa: ARG001
    launcher = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "launcher-celery.yaml").read_text("utf-8"))
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(launcher | {"telemetry": {"enabled": False}}), "utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def config(touches: Path) -> dict[str, Any]:
    return {"ops": {"waits": {"config": {"file": str(touches)}}}}


def launched(instance: dg.DagsterInstance, touches: Path) -> dg.DagsterRun:
    """A run in Redis, for whichever worker there is."""
    job = dg.reconstructable(waiting)
    run = instance.create_run_for_job(
        waiting,
        run_config={"ops": {"waits": {"config": {"file": str(touches)}}}},
        job_code_origin=job.get_python_origin(),
    )
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    return now(instance, run)


def now(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> CheckRunHealthResult:
    return instance.run_launcher.check_run_worker_health(now(instance, run))


def test_a_worker_that_says_nothing_is_given_a_minute(
    instance: dg.DagsterInstance, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis import exceptions as redis_errors

    from socialnlp_assets.runs import workers

    monkeypatch.setattr(workers, "ANSWER_SECONDS", 0.1)
    clock = [1000.0]
    monkeypatch.setattr(workers, "monotonic", lambda: clock[0])
    run = launched(instance, tmp_path / STARTED)
    assert health(instance, run).status.name == "RUNNING"
    clock[0] += 59
    assert health(instance, run).status.name == "RUNNING"
    redis.stop()
    with pytest.raises(Exception, match=r"refused|closed"):
        health(instance, run)
    redis.start()
    with suppress(redis_errors.ConnectionError):  # on the connection from before
        health(instance, run)
    clock[0] += 2
    assert health(instance, run).status.name == "RUNNING", "without Redis nobody could have answered"
    clock[0] += 61
    assert health(instance, run).status.name == "NOT_FOUND"


def test_a_run_that_no_worker_was_asked_for_is_left_alone(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = instance.create_run_for_job(waiting, run_config=config(tmp_path))
    assert health(instance, run).status.name == "RUNNING"
    assert not instance.run_launcher.terminate(run.run_id)


def test_cancelling_ends_the_run_on_its_worker(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    command = ["-m", "celery", "-A", "socialnlp_assets.runs.worker", "worker", "--concurrency", "1"]
    mine = os.environ | {"DAGSTER_HOME": str(tmp_path), "SOCIALNLP_STATE": str(tmp_path / "state")}
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, *command], env=mine, stdout=log, stderr=log, start_new_session=True)
    try:
        run = launched(instance, tmp_path / STARTED)
        wait_for(lambda: (tmp_path / STARTED).exists(), tmp_path)
        assert health(instance, run).status.name == "RUNNING"
        assert instance.run_launcher.terminate(run.run_id)
        wait_for(lambda: now(instance, run).is_finished, tmp_path)
        assert now(instance, run).status is dg.DagsterRunStatus.CANCELED
        assert not instance.run_launcher.terminate(run.run_id)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def wait_for(condition: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, (folder / "worker.log").read_text()[-2000:]
        time.sleep(0.2)
