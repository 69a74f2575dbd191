"""Hours on two workers with history in PostgreSQL, queue in Redis and lake in S3, all of which go away for a while."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import boto3
import dagster as dg
import pytest
import yaml
from moto.server import ThreadedMotoServer

from socialnlp_assets.fakes.samples import sample_hours
from socialnlp_assets.partitions import HOUR, floor_hour, key_of
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings
from tests.scale_out.servers import PostgreSQL, Redis, program

DEPLOY = Path(__file__).parents[2] / "deploy"
WORKFLOW = "gmaps_stores"
ASSETS = ("posts", "filtered_text", "classifications", "sentiments")
HOURS = 4
PATIENCE = 300.0
NEEDED = ("redis-server", "initdb")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(program, NEEDED)), reason="Debian's redis-server and postgresql are not here"),
]


@dataclass
class Cluster:
    """An installation of several processes; its servers, and the environment that they share."""

    folder: Path
    redis: Redis
    postgres: PostgreSQL
    environment: dict[str, str]

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """A process in a session of its own, so that it can be killed with all that it has started."""
        log = (self.folder / f"{name}.log").open("ab")
        program = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
        return subprocess.Popen(program, env=self.environment, stdout=log, stderr=log, start_new_session=True)

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        app = ("celery", "-A", "socialnlp_assets.runs.worker", "worker", "--hostname", f"{name}@%h")
        return self.start(name, *app, "--concurrency", "1", "--max-tasks-per-child", "1")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    pytest.importorskip("dagster_celery", reason="extra celery")
    pytest.importorskip("dagster_postgres", reason="extra postgres")
    with ExitStack() as stack:
        shared = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shared.chmod(0o755)  # PostgreSQL's user must reach its folder
        for name in ("redis", "postgres", "home"):
            (shared / name).mkdir()
        redis, postgres = Redis(shared / "redis"), PostgreSQL(shared / "postgres")
        moto = ThreadedMotoServer(port=0)
        for server in (redis, postgres, moto):
            server.start()
            stack.callback(server.stop)
        host, port = moto.get_host_and_port()
        mine = {
            "DAGSTER_HOME": str(shared / "home"),
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_USERNAME": "dagster",
            "DAGSTER_PG_PASSWORD": "none",
            "DAGSTER_PG_DB": "dagster",
            "DAGSTER_LOG_BUCKET": "listening",
            "SOCIALNLP_BROKER": f"redis://127.0.0.1:{redis.port}/0",
            "SOCIALNLP_STATE": str(shared / "state"),
            "SOCIALNLP_LAKE": "s3://listening/lake",
            "SOCIALNLP_LEASES": "s3://listening/leases",
            "SOCIALNLP_AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "SOCIALNLP_WARM_SECONDS": "10",
            "SOCIALNLP_LEASE_SECONDS": "10",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
        for name, value in mine.items():
            monkeypatch.setenv(name, value)
        location = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3").create_bucket(Bucket="listening", CreateBucketConfiguration=location)  # type: ignore[arg-type]
        (shared / "home" / "dagster.yaml").write_text(yaml.safe_dump(production(postgres.port)), encoding="utf-8")
        cluster = Cluster(tmp_path, redis, postgres, dict(os.environ))
        try:
            yield cluster
        finally:
            kill_all(shared)


def production(port: int) -> dict[str, object]:
    """deploy/dagster.yaml with the launcher of Celery, which looks more often here whether runs live."""
    files = ("dagster.yaml", "launcher-celery.yaml")
    instance, launcher = (yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8")) for name in files)
    instance["storage"]["postgres"]["postgres_db"]["port"] = port
    instance["run_monitoring"]["poll_interval_seconds"] = 2
    instance["run_monitoring"]["start_timeout_seconds"] = 120
    return {**instance, **launcher}


def kill_all(folder: Path) -> None:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = str(folder).encode() in (process / "environ").read_bytes()
        except OSError:
            continue
        if mine and int(process.name) != os.getpid():
            with ExitStack() as quiet:
                quiet.callback(os.kill, int(process.name), signal.SIGKILL)


def until(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.5)


@contextmanager
def instance_of(cluster: Cluster) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(cluster.environment["DAGSTER_HOME"]) as instance:
        yield instance


def statuses(cluster: Cluster) -> Counter[str]:
    with instance_of(cluster) as instance:
        return Counter(run.status.value for run in instance.get_runs())


def succeeded(cluster: Cluster) -> Counter[str]:
    """How often each hour has succeeded."""
    done = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
    with instance_of(cluster) as instance:
        return Counter(run.tags["dagster/partition"] for run in instance.get_runs(done))


def test_hours_end_right_though_a_worker_redis_and_postgresql_go_away(cluster: Cluster) -> None:
    settings = Settings()
    lake = build_lake(settings)
    first = floor_hour(datetime.now(UTC)) - (HOURS + 1) * HOUR
    hours = [first + number * HOUR for number in range(HOURS)]
    for hour in hours:
        for path, data in sample_hours(hour, 1, workflow=WORKFLOW).items():
            lake.put(path, data)
    daemon = cluster.start("daemon", "dagster-daemon", "run", "-m", "socialnlp_assets.definitions")
    doomed, steady = cluster.worker("doomed"), cluster.worker("steady")
    until(lambda: statuses(cluster)["STARTED"] == 2, lambda: statuses(cluster))

    os.killpg(doomed.pid, signal.SIGKILL)
    cluster.worker("doomed")  # as whatever looks after it starts it again; it knows nothing of the run
    until(lambda: statuses(cluster)["FAILURE"] == 1, lambda: statuses(cluster))
    cluster.redis.stop()
    time.sleep(5)
    cluster.redis.start()
    until(lambda: statuses(cluster)["STARTED"] > 0, lambda: statuses(cluster))
    cluster.postgres.stop()
    time.sleep(5)
    cluster.postgres.start()

    until(lambda: succeeded(cluster) == Counter(map(key_of, hours)), lambda: (succeeded(cluster), statuses(cluster)))
    assert daemon.poll() is None
    assert steady.poll() is None
    for hour in hours:
        tables = {asset: lake.read_table(Lake.table_path(WORKFLOW, asset, hour)) for asset in ASSETS}
        messages = {asset: sorted(table.column("message_id").to_pylist()) for asset, table in tables.items()}
        assert len(messages["posts"]) > 20
        assert messages == dict.fromkeys(ASSETS, sorted(set(messages["posts"])))
    with build_endpoints(settings) as endpoints:
        until(lambda: not endpoints.records(), endpoints.records)
