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

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.local import LocalProcess, local_spec
from socialnlp_assets.resources.endpoints.manager import LeaseManager, Owner
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from tests.endpoints.machine import SERVER, TERMS, Machine

MODELS = ["translator", "normalizer", "summarizer"]
DIRECTORY = "TEST_ENDPOINTS_DIRECTORY"


@dg.resource
def endpoints(context: dg.InitResourceContext) -> Iterator[Endpoints]:
    directory = Path(os.environ[DIRECTORY])
    backend = LocalProcess(directory / "endpoints", 40)
    manager = LeaseManager(
        SqliteStore(directory / "leases.db", Record), backend, TERMS, Owner(context.run.run_id if context.run else "")
    )
    with Endpoints(
        manager, lambda model, _: local_spec(model, directory / "model", SERVER, manager.store.name), load_catalogue()
    ) as mine:
        yield mine


def _wait_for_end(process: int) -> None:
    """Raises ProcessLookupError as soon as it has ended: Dagster goes on while it still does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        os.kill(process, 0)
        time.sleep(0.05)


@dg.op(required_resource_keys={"endpoints"})
def posts(context: dg.OpExecutionContext) -> int:
    context.resources.endpoints.warm(MODELS)
    return os.getpid()


@dg.op(required_resource_keys={"endpoints"})
def translations(context: dg.OpExecutionContext, announcer: int) -> None:
    mine = context.resources.endpoints
    holders = [holder for record in mine.records() for holder in record.holders.values()]
    assert [(holder.run, holder.pid, holder.announces) for holder in holders] == 3 * [(context.run_id, announcer, True)]
    assert announcer != os.getpid()
    with pytest.raises(ProcessLookupError):
        _wait_for_end(announcer)
    servers = Machine(Path(os.environ[DIRECTORY])).processes()
    assert len(servers) == len(MODELS)  # all of them, before the first lease
    with mine.lease("translator") as translator:
        assert translator.predict(["ciao"], src_lang="it") == ["CIAO"]
    assert Machine(Path(os.environ[DIRECTORY])).processes() == servers


@dg.job(resource_defs={"endpoints": endpoints}, executor_def=dg.multiprocess_executor)
def hour() -> None:
    translations(posts())


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
