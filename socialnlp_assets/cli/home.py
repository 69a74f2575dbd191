"""What commands that run Dagster themselves share: its home, and what Ctrl-C means in its runs."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socialnlp_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

# What every installation needs, until its owner writes more (see dagster.yaml at the root of the project).
INSTANCE = """\
telemetry: {enabled: false}
nux: {enabled: false}
python_logs: {python_log_level: INFO}
run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}
run_monitoring: {enabled: true, max_runtime_seconds: 14400}
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - {key: socialnlp/hour, value: {applyLimitPerUniqueValue: true}, limit: 1}
"""


def dagster_home() -> Path:
    """The folder DAGSTER_HOME, by default `dagster` in the state directory; made where it is not there."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(Settings().state.absolute() / "dagster")))
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        (home / "dagster.yaml").write_text(INSTANCE, encoding="utf-8")
    return home


def run_hour(
    job: dg.JobDefinition, hour: str, instance: dg.DagsterInstance, **options: Any
) -> dg.ExecuteInProcessResult:
    """Run `job` for the partition `hour` in this process. Raises KeyboardInterrupt where a signal ended the run:
    Dagster takes Ctrl-C for the run's failure, but whoever pressed it means all of the command."""
    with interruptible():
        return job.execute_in_process(partition_key=hour, instance=instance, raise_on_error=False, **options)


@contextmanager
def interruptible() -> Iterator[None]:
    """A signal inside ends in KeyboardInterrupt. Dagster has handlers of its own there: it raises another exception,
    fails a step with it, or forgets it where a check was at work; so what has arrived is read where Python writes it.
    """
    arrived, arriving = socket.socketpair()
    arrived.setblocking(False)
    arriving.setblocking(False)
    before = signal.set_wakeup_fd(arriving.fileno())
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        with arrived, arriving, suppress(BlockingIOError):
            arrived.recv(1)
            raise KeyboardInterrupt
