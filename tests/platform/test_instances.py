"""The instance files that the project ships: Dagster makes of them what they say."""

from __future__ import annotations

from pathlib import Path

import boto3
import dagster as dg
import pytest
import yaml
from moto.server import ThreadedMotoServer

from socialnlp_assets.cli.home import INSTANCE
from socialnlp_assets.runs.launcher import WarmRunLauncher
from socialnlp_assets.runs.storage import Events

DEPLOY = Path(__file__).parents[2] / "deploy"
REGION = "eu-west-1"
DATABASE = {"HOST": "127.0.0.1", "USERNAME": "dagster", "PASSWORD": "secret", "DB": "dagster"}


def load(configuration: dict[str, object], folder: Path) -> dg.DagsterInstance:
    (folder / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return dg.DagsterInstance.from_config(str(folder))


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """deploy/dagster.yaml, with the environment that it names."""
    for name, value in DATABASE.items():
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    monkeypatch.setenv("DAGSTER_LOG_BUCKET", "logs")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    configuration: dict[str, object] = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    return configuration


def test_one_machine_starts_runs_warm_and_notices_dead_ones_within_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with load(yaml.safe_load(INSTANCE.read_text(encoding="utf-8")), tmp_path) as instance:
        assert isinstance(instance.run_launcher, WarmRunLauncher)
        assert instance.run_launcher.supports_check_run_worker_health
        assert isinstance(instance.event_log_storage, Events)
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_poll_interval_seconds < 60
        assert instance.run_coordinator.dequeue_interval_seconds == 1  # type: ignore[attr-defined]


def test_production_keeps_what_steps_print_in_s3(
    production: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dagster_aws", reason="extra aws")
    del production["storage"], production["run_launcher"]
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        bucket = boto3.client("s3", region_name=REGION)
        bucket.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": REGION})
        with load(production, tmp_path) as instance:

            @dg.op
            def speaks() -> None:
                print("an hour has run")

            job = dg.GraphDefinition(name="hour", node_defs=[speaks]).to_job()
            assert job.execute_in_process(instance=instance).success
        found = [entry["Key"] for entry in bucket.list_objects_v2(Bucket="logs")["Contents"]]
        printed = next(key for key in found if key.endswith(".out"))
        assert printed.startswith("compute-logs/")
        assert bucket.get_object(Bucket="logs", Key=printed)["Body"].read() == b"an hour has run\n"
    finally:
        server.stop()


def test_production_loads_as_a_whole(production: dict[str, object], tmp_path: Path) -> None:
    """History in PostgreSQL, what steps print in S3, runs as tasks of ECS, known for dead, some at a time."""
    pytest.importorskip("dagster_postgres", reason="extra postgres")
    launcher = pytest.importorskip("dagster_aws.ecs", reason="extra aws").EcsRunLauncher
    logs = pytest.importorskip("dagster_aws.s3", reason="extra aws").S3ComputeLogManager
    storage_settings: dict[str, dict[str, object]] = production["storage"]  # type: ignore[assignment]
    storage_settings["postgres"]["should_autocreate_tables"] = False  # which would ask the server
    with load(production, tmp_path) as instance:
        for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
            url = storage.postgres_url  # type: ignore[union-attr]
            assert url == "postgresql+psycopg2://dagster:secret@127.0.0.1:5432/dagster"
        assert isinstance(instance.compute_log_manager, logs)
        assert isinstance(instance.run_launcher, launcher)
        assert instance.run_launcher.supports_check_run_worker_health
        assert instance.run_launcher.run_resources == {"cpu": "1024", "memory": "4096"}
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_poll_interval_seconds < 60
        assert instance.run_retries_enabled
        queue = instance.get_concurrency_config().run_queue_config
        assert queue
        assert queue.max_concurrent_runs == 8
        limits = {(limit["key"], str(limit.get("value"))): limit["limit"] for limit in queue.tag_concurrency_limits}
        assert [limits["socialnlp/at_most", n] for n in "1248"] == [1, 2, 4, 8]


def test_kubernetes_runs_hours_as_jobs(
    production: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = pytest.importorskip("dagster_k8s", reason="extra kubernetes").K8sRunLauncher
    monkeypatch.setenv("DAGSTER_RUN_IMAGE", "listening:1")
    instead = yaml.safe_load((DEPLOY / "launcher-kubernetes.yaml").read_text(encoding="utf-8"))
    cluster = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "here",
    }
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump(cluster), encoding="utf-8")
    # Outside of a cluster, which one it is must be said.
    instead["run_launcher"]["config"] |= {
        "load_incluster_config": False,
        "kubeconfig_file": str(tmp_path / "cluster.yaml"),
    }
    del production["storage"], production["compute_logs"]
    with load(production | instead, tmp_path) as instance:
        assert isinstance(instance.run_launcher, launcher)
        assert instance.run_launcher.job_image == "listening:1"
        assert instance.run_launcher.job_namespace == "listening"
