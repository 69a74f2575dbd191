"""What commands that run Dagster themselves share: its home, and what Ctrl-C means in its runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socialnlp_assets.files import private_folder, replace_file
from socialnlp_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

# For runs whose outcome the command tells itself: Dagster would print pages of stack traces where a check has failed.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
INSTANCE = Path(__file__).with_name("dagster.yaml")  # what every installation needs, until its owner writes more


def dagster_home() -> Path:
    """The folder DAGSTER_HOME, by default `dagster` in the state directory; made where it is not there."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(Settings().state.absolute() / "dagster")))
    private_folder(home)
    configuration = home / "dagster.yaml"
    if not configuration.exists() or not configuration.stat().st_size:  # a full disk may have left an empty one
        replace_file(configuration, INSTANCE.read_text(encoding="utf-8"))
    return home


@contextmanager
def dagster_instance(configuration: str = "dagster.yaml") -> Iterator[dg.DagsterInstance]:
    """The instance in Dagster's home, with its tables made. Processes that are the first to use a home would collide in
    making them, so one at a time does; where it cannot, as on a full disk, no half of them remains."""
    import dagster as dg

    home = dagster_home()
    kept = [home / "history", home / "schedules"]  # of the storage that a home has by default
    with ExitStack() as instances:
        with (home / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            first = not any(folder.exists() for folder in kept)
            try:
                instance = instances.enter_context(dg.DagsterInstance.from_config(str(home), configuration))
                instance.get_asset_keys(limit=1)  # the events' tables are made when they are asked for
            except BaseException:
                for folder in kept if first else []:
                    shutil.rmtree(folder, ignore_errors=True)
                raise
        yield instance


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
