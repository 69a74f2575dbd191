"""Real processes, started, shared, lost and removed on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from socialnlp_assets.resources.endpoints import local
from socialnlp_assets.resources.endpoints.backend import (
    AlreadyExists,
    EndpointFailed,
    EndpointGone,
    EndpointSpec,
    Status,
)
from socialnlp_assets.resources.endpoints.leases import Lease, LeaseManager
from socialnlp_assets.resources.endpoints.local import LocalProcess
from socialnlp_assets.resources.endpoints.local_resource import local_spec
from socialnlp_assets.resources.endpoints.reaper import EndpointHeld
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.endpoints.server_files import ServerFiles
from socialnlp_assets.resources.endpoints.terms import PATIENCE, Patience, Terms
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from tests.endpoints.machine import SERVER, Machine

pytestmark = pytest.mark.slow


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """No server that was leased is left in the end; those that a test started by hand are ended."""
    machine = Machine(tmp_path)
    yield machine
    leased = bool(SqliteStore(tmp_path / "leases.db", Record).records())
    machine.endpoints("reaper").stop_all()
    left = machine.processes()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not (leased and left)


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_a_lease_creates_the_endpoint_and_the_last_release_leaves_it_warm(machine: Machine) -> None:
    with machine.endpoints() as endpoints:
        with endpoints.lease("translator") as translator:
            assert translator.predict(["ciao", "", "ciao"], src_lang="it") == ["CIAO", "", "CIAO"]
        assert len(machine.processes()) == 1
        assert endpoints.reap() == []  # still warm
        endpoints.stop_all()
    assert machine.processes() == []
    assert endpoints.records() == []


def test_two_runs_share_one_process(machine: Machine) -> None:
    with machine.endpoints("one") as one, machine.endpoints("two") as two:
        with one.lease("translator") as first, two.lease("translator") as second:
            assert first.predict(["a"], src_lang="it") == second.predict(["a"], src_lang="it") == ["A"]
            assert len(machine.processes()) == 1
            with pytest.raises(EndpointHeld, match=r"held by one on .* two on .*--force"):
                one.stop("translator")
        one.stop("translator")
        assert machine.processes() == []


def test_nobody_holds_it_and_it_is_no_longer_warm(machine: Machine) -> None:
    endpoints = machine.endpoints(terms=Terms(warm=timedelta(0)))
    with endpoints.lease("translator"):
        assert endpoints.reap() == []
    (removal,) = endpoints.reap()
    assert removal.gone
    assert removal.reason == "nobody holds it"
    assert machine.processes() == []


def test_a_server_that_crashes_at_its_start_is_told_with_the_end_of_its_log(machine: Machine) -> None:
    machine.serves(crash="RuntimeError: the weights are damaged")
    with (
        machine.endpoints() as endpoints,
        pytest.raises(EndpointFailed, match=r"(?s)the server has ended; the end of .*\.log:.*the weights are damaged"),
        endpoints.lease("translator"),
    ):
        pass
    assert endpoints.records() == []  # there was nothing to remove


def test_a_server_whose_port_is_taken_is_told_with_the_end_of_its_log(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        machine.serves(port=taken.getsockname()[1])
        with (
            machine.endpoints() as endpoints,
            pytest.raises(EndpointFailed, match=r"(?s)the server has ended; .*Address already in use"),
            endpoints.lease("translator"),
        ):
            pass
    assert machine.processes() == []
    machine.serves()
    with machine.endpoints() as endpoints, endpoints.lease("translator") as translator:
        assert translator.predict(["a"], src_lang="it") == ["A"]


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        ({"slow": 3600}, "/ping answered 503"),
        ({"hang": 3600}, "/ping was not answered in 0.2 s"),
        ({"mute": True}, "has not announced its port"),
    ],
    ids=["ping is refused", "ping hangs", "never announces"],
)
def test_a_server_that_does_not_come_up_in_time_is_removed(
    machine: Machine, behaviour: dict[str, object], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PING_SECONDS", 0.2 if "hang" in behaviour else 3.0)
    monkeypatch.setitem(PATIENCE, "process", Patience(timedelta(seconds=0.05), timedelta(seconds=5)))
    machine.serves(**behaviour)
    with (
        machine.endpoints() as endpoints,
        pytest.raises(EndpointFailed, match=f"was not in service after 5 s. .*{problem}"),
        endpoints.lease("translator"),
    ):
        pass
    assert machine.processes() == []


def test_a_server_that_is_slow_to_answer_is_waited_for(machine: Machine) -> None:
    machine.serves(slow=1)
    with machine.endpoints() as endpoints, endpoints.lease("translator") as translator:
        assert translator.predict(["a"], src_lang="it") == ["A"]


def test_a_server_that_dies_while_held_is_replaced_and_no_row_is_lost(machine: Machine) -> None:
    with machine.endpoints() as endpoints, endpoints.lease("translator") as translator:
        for pid in machine.processes():
            os.kill(pid, signal.SIGKILL)
        texts = [f"testo {number}" for number in range(300)]
        assert translator.predict(texts, src_lang="it") == [text.upper() for text in texts]
        assert len(machine.processes()) == 1
        (record,) = endpoints.records()
        assert record.epoch == 2


def test_a_server_that_nobody_asks_anything_ends_itself(machine: Machine) -> None:
    backend = machine.backend(orphan_after=5)
    backend.create("nlp-translator-x-e1", machine.spec(), {})
    eventually(lambda: getattr(backend.describe("nlp-translator-x-e1"), "status", None) is Status.IN_SERVICE)
    eventually(lambda: machine.processes() == [])
    ended = backend.describe("nlp-translator-x-e1")
    assert ended
    assert ended.status is Status.FAILED


def test_what_ended_by_itself_is_created_again(machine: Machine) -> None:
    with machine.endpoints(backend=machine.backend(orphan_after=5)) as endpoints:
        with endpoints.lease("translator"):
            pass
        eventually(lambda: machine.processes() == [])
        with endpoints.lease("translator") as translator:
            assert translator.predict(["a"], src_lang="it") == ["A"]


KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from socialnlp_assets.resources.endpoints.local import LocalProcess
from socialnlp_assets.resources.endpoints.terms import Terms
from tests.endpoints.machine import Machine

class Dies(LocalProcess):
    def create(self, name, spec, tags):
        if sys.argv[2] == "after":
            super().create(name, spec, tags)
        os.kill(os.getpid(), signal.SIGKILL)

machine = Machine(Path(sys.argv[1]))
terms = Terms(lease=timedelta(seconds=2))
with machine.endpoints("killed", terms, backend=Dies(machine.directory / "endpoints", 40)).lease("translator"):
    pass
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_child_of_a_killed_parent_is_adopted_and_removed(machine: Machine, moment: str) -> None:
    parent = subprocess.run([sys.executable, "-c", KILLED, str(machine.directory), moment], check=False)
    assert parent.returncode == -signal.SIGKILL
    terms = Terms(lease=timedelta(seconds=1), warm=timedelta(0))
    left = machine.processes()
    assert len(left) == (1 if moment == "after" else 0)
    with machine.endpoints("heir", terms) as endpoints:
        eventually(lambda: endpoints.records()[0].is_unwanted(endpoints.now()))
        with endpoints.lease("translator") as translator:
            assert translator.predict(["a"], src_lang="it") == ["A"]
            assert endpoints.records()[0].epoch == 1  # the same epoch, adopted
            assert not left or machine.processes() == left
        endpoints.reap()
    assert machine.processes() == []


class Halted(LocalProcess):
    """The backend of a creator that is halted before its request, until a successor is in service."""

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        self.meanwhile()
        super().create(name, spec, tags)
        announced = self._files.registration(name)
        eventually(lambda: '"pid"' in announced.read_text())

    meanwhile: Callable[[], object]


def test_a_process_that_a_halted_creator_starts_too_late_is_ended_at_once(machine: Machine) -> None:
    terms = Terms(lease=timedelta(seconds=2), warm=timedelta(0))
    backend = Halted(machine.directory / "endpoints", 40)
    with machine.endpoints("successor") as successor, ExitStack() as held:

        def meanwhile() -> None:
            time.sleep(2.1)
            assert [removal.reason for removal in successor.reap()] == ["nobody holds it"]
            held.enter_context(successor.lease("translator"))

        backend.meanwhile = meanwhile
        manager = LeaseManager(SqliteStore(machine.directory / "leases.db", Record), backend, terms, heartbeats=False)
        Lease(manager, machine.spec()).advance()
        (record,) = successor.records()
        assert (record.epoch, record.state) == (2, State.IN_SERVICE)
        assert len(machine.processes()) == 1
        assert not (machine.directory / "endpoints" / f"{machine.spec().endpoint_name(1)}.jsonl").exists()


def test_an_announced_server_is_there_for_a_later_process_of_the_run(machine: Machine) -> None:
    with machine.endpoints("run") as first:
        first.warm(["translator"])
    (pid,) = machine.processes()
    with machine.endpoints("run") as later, later.lease("translator") as translator:
        assert translator.predict(["a"], src_lang="it") == ["A"]
        assert machine.processes() == [pid]
        (record,) = later.records()
        assert [holder.announces for holder in record.holders.values()] == [False]


def test_two_creations_of_one_name_start_one_process(machine: Machine) -> None:
    machine.backend().create("nlp-translator-x-e1", machine.spec(), {})
    with pytest.raises(AlreadyExists, match="is running already"):
        machine.backend().create("nlp-translator-x-e1", machine.spec(), {})
    eventually(lambda: len(machine.processes()) == 1)


def test_a_process_id_that_was_given_out_again_is_not_killed(machine: Machine) -> None:
    backend = machine.backend()
    backend.create("nlp-translator-x-e1", machine.spec(), {})
    eventually(lambda: "port" in announcement(machine))
    for pid in machine.processes():
        os.kill(pid, signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as bystander:
        path = machine.directory / "endpoints" / "nlp-translator-x-e1.jsonl"
        path.write_text(f'{{"tags": {{}}}}\n{{"pid": {bystander.pid}}}\n{{"port": 1, "pid": {bystander.pid}}}\n')
        eventually(lambda: machine.processes() == [])
        backend.delete("nlp-translator-x-e1")
        assert bystander.poll() is None
        bystander.kill()
    with pytest.raises(EndpointGone):
        backend.delete("nlp-translator-x-e1")


def announcement(machine: Machine) -> str:
    return (machine.directory / "endpoints" / "nlp-translator-x-e1.jsonl").read_text()


def test_servers_listen_on_the_loopback_only_and_run_in_a_session_of_their_own(machine: Machine) -> None:
    with machine.endpoints() as endpoints, endpoints.lease("translator"):
        (pid,) = machine.processes()
        assert os.getsid(pid) == pid != os.getsid(0)


def test_other_code_or_another_model_never_shares_an_endpoint(tmp_path: Path) -> None:
    for name, content in (("one", "a"), ("two", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text(content)
    one, two = local_spec("m", tmp_path / "one", SERVER, "store"), local_spec("m", tmp_path / "two", SERVER, "store")
    assert one.key != two.key
    assert one.key == local_spec("m", tmp_path / "one", SERVER, "store").key
    assert one.key != local_spec("m", tmp_path / "one", [*SERVER, "-x"], "store").key
    assert {"version", "code", "model"} <= one.config.keys()


def test_deleting_twice_or_what_never_was_says_so(machine: Machine) -> None:
    with pytest.raises(EndpointGone, match="nlp-none-e1 is not running"):
        LocalProcess(machine.directory / "endpoints", 1).delete("nlp-none-e1")


def test_servers_that_are_started_at_once_remove_old_logs_together(tmp_path: Path) -> None:
    for number in range(300):
        log = tmp_path / f"nlp-old-{number}.log"
        log.touch()
        os.utime(log, (0, 0))
    spec = EndpointSpec.of("old", "process", {"command": ["true"], "model_dir": "."}, "store", "nlp")
    with ThreadPoolExecutor(9) as pool:
        started = [pool.submit(LocalProcess(tmp_path, 1).create, f"nlp-new-{number}", spec, {}) for number in range(9)]
    assert [each.exception() for each in started] == [None] * 9
    assert list(tmp_path.glob("nlp-old-*.log")) == []


def test_reapers_that_meet_at_one_server_end_it_and_none_fails(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has ended the server, registration and all, while another was about to."""
    backend, other = machine.backend(), machine.backend()
    backend.create("nlp-translator-x-e1", machine.spec(), {})
    eventually(lambda: "port" in announcement(machine))
    alive = ServerFiles.is_alive

    def slow(files: ServerFiles, name: str) -> bool:
        found = alive(files, name)
        monkeypatch.undo()
        other.delete(name)
        return found

    monkeypatch.setattr(ServerFiles, "is_alive", slow)
    backend.delete("nlp-translator-x-e1")
    assert machine.processes() == []
