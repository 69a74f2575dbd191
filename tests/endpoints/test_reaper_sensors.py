"""The reaper inside Dagster, ticking on a real instance, over real local servers."""

# No postponed annotations: Dagster reads that of an asset's context as it is.

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from socialnlp_assets.resources.endpoints.leases import Lease, Terms
from socialnlp_assets.resources.endpoints.reaper import Removal
from socialnlp_assets.sensors.endpoint_reaper import endpoint_reaper, run_end_hooks
from tests.endpoints.given import acquired
from tests.endpoints.machine import Machine, MachineEndpoints

COOLS_AT_ONCE = Terms(warm=timedelta(0))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for pid in machine.processes():
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def definitions(held: list[Lease], machine: Machine) -> dg.Definitions:
    @dg.asset
    def dies_holding(context: dg.AssetExecutionContext) -> None:
        held.append(acquired(machine.manager(context.run.run_id, COOLS_AT_ONCE), machine.spec()))
        raise dg.Failure("the process is killed and releases nothing")

    return dg.Definitions(
        assets=[dies_holding],
        jobs=[dg.define_asset_job("hour", [dies_holding])],
        sensors=[endpoint_reaper(), *run_end_hooks()],
        resources={"endpoints": MachineEndpoints(directory=str(machine.directory), warm_seconds=0)},
    )


def tick(
    name: str, definitions: dg.Definitions, instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[str, str | None]:
    """What the sensor said, and its cursor."""
    repository = definitions.get_repository_def()
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=repository, resources=definitions.resources
    ) as context:
        ticked = repository.get_sensor_def(name).evaluate_tick(context)
    return ticked.skip_message or "", ticked.cursor


def test_the_sensor_removes_what_nobody_needs_and_says_what(machine: Machine, instance: dg.DagsterInstance) -> None:
    endpoints = machine.endpoints(terms=COOLS_AT_ONCE)
    wired = definitions([], machine)
    with endpoints.lease("translator"):
        assert tick("endpoint_reaper", wired, instance)[0] == "every endpoint is held or warm"
        name = endpoints.records()[0].endpoint
    assert tick("endpoint_reaper", wired, instance)[0] == f"{name}: removed (nobody holds it)"
    assert machine.processes() == []


def test_a_tick_that_could_not_remove_an_endpoint_fails_and_says_which() -> None:
    removals = [Removal("nlp-a-e1", "nobody holds it", True), Removal("nlp-b-e1", "nobody holds it", False, "denied")]
    endpoints = SimpleNamespace(reap=lambda: removals)
    with dg.build_sensor_context(resources={"endpoints": endpoints}) as context, pytest.raises(dg.Failure) as failed:
        endpoint_reaper()(context)
    assert str(failed.value.description).endswith("nlp-b-e1: not removed (nobody holds it): denied")


def test_what_a_failed_run_holds_is_released_and_removed_at_once(
    machine: Machine, instance: dg.DagsterInstance
) -> None:
    held: list[Lease] = []
    endpoints = machine.endpoints("daemon", COOLS_AT_ONCE)
    wired = definitions(held, machine)
    _, cursor = tick("endpoints_after_failure", wired, instance)
    job = wired.get_repository_def().get_job("hour")
    assert not job.execute_in_process(instance=instance, raise_on_error=False).success
    assert len(machine.processes()) == 1
    assert endpoints.reap() == []  # its lease is good for a minute
    tick("endpoints_after_failure", wired, instance, cursor)
    assert machine.processes() == []
    held[0].release()


def test_what_a_cancelled_run_holds_is_released(machine: Machine, instance: dg.DagsterInstance) -> None:
    wired = definitions([], machine)
    _, cursor = tick("endpoints_after_cancellation", wired, instance)
    run = instance.create_run_for_job(wired.get_repository_def().get_job("hour"))
    other = machine.endpoints(run.run_id, COOLS_AT_ONCE)
    with other.lease("translator"):
        instance.report_run_canceling(run)
        instance.report_run_canceled(run)
        tick("endpoints_after_cancellation", wired, instance, cursor)
        assert machine.processes() == []


def test_what_a_run_announced_and_never_leased_goes_with_its_success(
    machine: Machine, instance: dg.DagsterInstance
) -> None:
    endpoints = machine.endpoints("daemon", COOLS_AT_ONCE)
    wired = definitions([], machine)
    _, cursor = tick("endpoints_after_success", wired, instance)
    run = instance.create_run_for_job(wired.get_repository_def().get_job("hour"))
    with machine.endpoints(run.run_id, COOLS_AT_ONCE) as step:
        step.warm(["translator"])
    assert endpoints.reap() == []  # although the step's process has gone
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.PIPELINE_SUCCESS.value, "hour"), run_id=run.run_id
    )
    tick("endpoints_after_success", wired, instance, cursor)
    assert machine.processes() == []
