"""Hours of `sprinklr` run from the queue of a UI: what an hour costs beyond its models, and how long all of them take.

Ours is the installation as `socialnlp ui` starts it; the rival is the same with Dagster's own launcher, which starts an
interpreter a run. Set SOCIALNLP_BENCH_HOURS to another number of hours than 24.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from urllib.parse import urlsplit

import dagster as dg
import yaml

from benchmarks.measure import Figure, figure
from socialnlp_assets.cli.home import INSTANCE
from socialnlp_assets.fakes.pages import serve_articles
from socialnlp_assets.fakes.samples import sample_hours
from socialnlp_assets.partitions import HOUR, floor_hour
from socialnlp_assets.resources.build import build_lake
from socialnlp_assets.settings import Settings

WORKFLOW = "sprinklr"
SAMPLE_SECONDS = 0.1  # between two looks at /proc: what a run uses after the last one is not seen
SERVERS = "socialnlp_assets.serving"
SERVICES = ("dagster_dg_cli", "dagster._daemon", "dagster_webserver", "dagster-webserver", "code-server", "api grpc")
TICK = os.sysconf("SC_CLK_TCK")


def backfill() -> list[Figure]:
    """Seconds an hour by the clock, and processor seconds an hour of the runs alone and of all but the servers."""
    hours = int(os.environ.get("SOCIALNLP_BENCH_HOURS", "24"))
    theirs, ours = _measure(hours, warm=False), _measure(hours, warm=True)
    return [figure(f"backfill, {what}", "dagster's launcher", ours[what], theirs[what], "s an hour") for what in ours]


def _measure(hours: int, warm: bool) -> dict[str, float]:
    with TemporaryDirectory() as folder, serve_articles() as pages, _ui(Path(folder), pages, warm, hours) as instance:
        used: dict[int, tuple[str, float]] = {}
        succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
        while instance.get_runs_count(succeeded) < hours:
            until = time.monotonic() + 2
            while time.monotonic() < until:
                used |= processes(folder)
                time.sleep(SAMPLE_SECONDS)
            for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])):
                raise RuntimeError("\n".join(entry.message for entry in instance.all_logs(run.run_id)[-20:]))
        records = instance.get_run_records(succeeded)
    wall = max(record.end_time or 0 for record in records) - min(
        record.create_timestamp.timestamp() for record in records
    )
    total: dict[str, float] = defaultdict(float)
    for kind, seconds in used.values():
        total[kind] += seconds / hours
    return {"wall": wall / hours, "runs": total["runs"], "all but servers": total["runs"] + total["services"]}


@contextmanager
def _ui(folder: Path, pages: str, warm: bool, hours: int) -> Iterator[dg.DagsterInstance]:
    home = folder / "dagster"
    home.mkdir()
    configuration = yaml.safe_load(INSTANCE.read_text(encoding="utf-8"))
    if not warm:
        for ours in ("storage", "run_launcher", "run_queue"):
            del configuration[ours]
    (home / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    first = floor_hour(datetime.now(UTC)) - hours * HOUR
    lake = build_lake(Settings(lake=str(folder / "lake")))
    for path, data in sample_hours(first, hours, workflow=WORKFLOW, articles_at=pages).items():
        lake.put_if_changed(path, data)
    environment = {
        "DAGSTER_HOME": str(home),
        "SOCIALNLP_STATE": str(folder / "state"),
        "SOCIALNLP_LAKE": str(folder / "lake"),
        "SOCIALNLP_ARTICLE_ALLOWED_HOSTS": urlsplit(pages).netloc,
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("socialnlp")), "ui", "--port", str(port)]
    ui = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with patch.dict(os.environ, environment), dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance
    finally:
        ui.send_signal(signal.SIGTERM)
        ui.wait()


def processes(folder: str) -> dict[int, tuple[str, float]]:
    """What each process of the installation is for, and the processor seconds that it has used so far."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder.encode() not in (process / "environ").read_bytes():
                continue
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended, or is not ours
            continue
        kind = "servers" if SERVERS in command else "services" if any(map(command.__contains__, SERVICES)) else "runs"
        found[int(process.name)] = (kind, (int(fields[11]) + int(fields[12])) / TICK)
    return found
