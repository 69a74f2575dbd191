"""The process of a run on this machine: which it is, whether it lives, and its end."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

FIRST_EVENTS = 20  # of a run's engine; one of them names its process


@dataclass(frozen=True)
class RunProcess:
    """A process by its id, and a time at which it was there (seconds since 1970): ids are used again."""

    id: int
    seen: float

    def lives(self) -> bool:
        """Whether it is there still, as itself: neither ended nor a zombie."""
        try:
            os.kill(self.id, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # somebody else's, hence alive
        try:
            stat = Path(f"/proc/{self.id}/stat").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return not Path("/proc/self").exists()  # no Linux: the signal has to do
        except ProcessLookupError:
            return False
        state, *fields = stat.rpartition(")")[2].split()
        started = _booted() + int(fields[18]) / os.sysconf("SC_CLK_TCK")
        return state not in "ZX" and started <= self.seen + 2  # the clock of the boot is that coarse

    def session(self) -> int | None:
        """Its session, by the process id of that one's leader; None where it has ended."""
        try:
            return os.getsid(self.id) if self.lives() else None
        except ProcessLookupError:
            return None

    def interrupt(self) -> bool:
        """Ask it to end, as Ctrl-C would; whether it was there to be asked."""
        if not self.lives():
            return False
        with suppress(ProcessLookupError):
            os.kill(self.id, signal.SIGINT)
        return True


def _booted() -> float:
    with suppress(OSError):
        return time.time() - float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return 0.0


def process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunProcess | None:
    """The process of `run`, however it was started, as the run's own events name it. None while nothing tells."""
    page = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=FIRST_EVENTS, ascending=True
    )
    for record in page.records:
        event = record.event_log_entry.dagster_event
        metadata = getattr(event.event_specific_data, "metadata", None) if event else None
        if metadata and "pid" in metadata:
            return RunProcess(int(metadata["pid"].value), record.timestamp)
    return None
