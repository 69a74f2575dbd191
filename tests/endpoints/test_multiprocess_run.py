"""A run under Dagster's multiprocess executor, a process a step, with real servers: what `posts` announces is
created side by side and there for the steps that come later."""

# No postponed annotations: Dagster reads that of an op's context as it is.

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from tests.endpoints.machine import Machine, MachineEndpoints

MODELS = ["translator", "normalizer", "summarizer"]
DIRECTORY = "TEST_ENDPOINTS_DIRECTORY"


def _wait_for_end(process: int) -> None:
    """Raises ProcessLookupError as soon as it has ended: Dagster goes on while it still does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        os.kill(process, 0)
        time.sleep(0.05)


@dg.op
def posts(endpoints: MachineEndpoints) -> int:
    endpoints.warm(MODELS)
    return os.getpid()


@dg.op
def translations(context: dg.OpExecutionContext, endpoints: MachineEndpoints, announcer: int) -> None:
    holders = [holder for record in endpoints.records() for holder in record.holders.values()]
    assert [(holder.run, holder.pid, holder.announces) for holder in holders] == 3 * [(context.run_id, announcer, True)]
    assert announcer != os.getpid()
    with pytest.raises(ProcessLookupError):
        _wait_for_end(announcer)
    servers = Machine(Path(os.environ[DIRECTORY])).processes()
    assert len(servers) == len(MODELS)  # all of them, before the first lease
    with endpoints.lease("translator") as translator:
        assert translator.predict(["ciao"], src_lang="it") == ["CIAO"]
    assert Machine(Path(os.environ[DIRECTORY])).processes() == servers


ENDPOINTS = MachineEndpoints(directory=dg.EnvVar(DIRECTORY), lease_seconds=20, warm_seconds=20)


@dg.job(resource_defs={"endpoints": ENDPOINTS}, executor_def=dg.multiprocess_executor)
def hour() -> None:
    translations(announcer=posts())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv(DIRECTORY, str(tmp_path))
    machine = Machine(tmp_path)
    yield machine
    for pid in machine.processes():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_what_the_first_step_announces_is_there_for_the_steps_after_it(machine: Machine) -> None:
    with dg.instance_for_test() as instance:
        with dg.execute_job(dg.reconstructable(hour), instance=instance, raise_on_error=True) as result:
            assert result.success
        run = result.run_id
    # Two were announced and never leased: the end of the run withdraws them.
    store = SqliteStore(machine.directory / "leases.db", Record)
    assert sorted(record.model for record in store.records() if record.holders) == ["normalizer", "summarizer"]
    reaper = machine.endpoints("reaper")
    reaper.release_run(run)
    assert not any(record.holders for record in reaper.records())
    reaper.stop_all()
    assert machine.processes() == []
