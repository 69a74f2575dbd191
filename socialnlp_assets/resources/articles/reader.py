"""Extraction in a process of its own, which ends when a page takes too long or too much memory.

Strangers write the pages: 200,000 links, or half a million attributes, keep the libraries busy for hours, and
nothing in an interpreter stops them. The process starts with the first page and serves all that follow, unless the
program has copied itself before.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

from .address import PageError
from .extraction import Article, extract

SECONDS = 10.0  # for one page; ordinary ones take a tenth of one
PATIENCE = 30.0  # seconds for the pages of others before it, and for the process to start
MEMORY = 256 << 20  # bytes beyond what the process has when it begins; ordinary pages take a fifth
# Memory that is set aside for each thread and never used would count as what the process begins with.
ONE_HEAP = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
STATM = Path("/proc/self/statm")
SLOW = "could not be read in time"
LARGE = "takes too much memory to be read"


@dataclass(frozen=True)
class Process:
    """One that answers lines with lines, whichever way it was started."""

    questions: IO[str]
    answers: IO[str]
    has_ended: Callable[[], bool]
    kill: Callable[[], None]
    wait: Callable[[], object]

    @classmethod
    def program(cls, memory: int) -> Process:
        """An interpreter of its own, which takes a second of a processor to import the libraries."""
        started = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve_program; serve_program({memory})"],
            env={**os.environ, **ONE_HEAP},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
            process_group=0,  # the terminal's Ctrl-C is for whoever reads articles, who then ends it
        )
        assert started.stdin
        assert started.stdout
        return cls(started.stdin, started.stdout, lambda: started.poll() is not None, started.kill, started.wait)

    @classmethod
    def copy(cls, memory: int) -> Process:
        """A copy of this process, which must have no threads, for a lock that one of them holds would stay locked."""
        (asked, questions), (answers, answered) = os.pipe(), os.pipe()
        started = get_context("fork").Process(
            target=_serve_copy, args=(memory, asked, answered, (questions, answers)), daemon=True
        )
        started.start()
        os.close(asked)
        os.close(answered)
        return cls(
            os.fdopen(questions, "w", encoding="ascii"),
            os.fdopen(answers, encoding="ascii"),
            lambda: not started.is_alive(),
            started.kill,
            started.join,
        )

    def ask(self, line: str, seconds: float) -> str:
        """The line that it answers; empty when it does not, or not in time, and then it has ended."""
        watchdog = threading.Timer(seconds, self.kill)
        watchdog.start()
        try:
            self.questions.write(line)
            self.questions.flush()
            answer = self.answers.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            watchdog.cancel()
        return answer if answer.endswith("\n") else ""

    def end(self) -> None:
        self.kill()
        self.wait()
        for pipe in (self.questions, self.answers):
            with suppress(BrokenPipeError):
                pipe.close()


class Reader:
    """Reads one page at a time; safe for several threads, none of which waits longer than `patience` seconds."""

    def __init__(self, seconds: float = SECONDS, patience: float = PATIENCE, memory: int = MEMORY) -> None:
        self.seconds = seconds
        self.patience = patience
        self.memory = memory
        self._lock = threading.Lock()
        self._process: Process | None = None

    def prepare(self) -> None:
        """Start the process now, as a copy of this one: for a program that has imported the libraries, and no threads
        yet. It waits for the first page, and ends with the program."""
        self._process = Process.copy(self.memory)

    def extract(self, html: str, url: str) -> Article | None:
        """The article of a page, None when there is none. Raises `PageError` where it is no article, where reading it
        takes too long or too much memory, or where too many others are read before."""
        if not self._lock.acquire(timeout=self.patience):
            raise PageError(SLOW)
        try:
            answer = self._running().ask(json.dumps([html, url]) + "\n", self.seconds)
            found: dict[str, Any] = json.loads(answer) if answer else {"status": SLOW}
            if found.get("status") in (SLOW, LARGE):
                self.close()
        finally:
            self._lock.release()
        if "status" in found:
            raise PageError(found["status"])
        return Article(**found["article"]) if found["article"] else None

    def close(self) -> None:
        """End the process, and give its memory back; the next page starts another."""
        process, self._process = self._process, None
        if process:
            process.end()

    def _running(self) -> Process:
        if self._process is None or self._process.has_ended():
            self._process = Process.program(self.memory)
            began = time.monotonic()
            if not self._process.ask("", self.patience):
                if time.monotonic() - began >= self.patience:  # on another day it does: the hour is asked for again
                    raise TimeoutError(
                        f"the process that reads articles did not start within {self.patience:g} s, for the machine "
                        "was too busy; run the hour again later"
                    )
                raise RuntimeError("the process that reads articles did not start; it has said why")
        return self._process


def serve_program(memory: int) -> None:
    """Be the program that reads pages from standard input."""
    warm()
    _limit(memory)
    print("ready", flush=True)
    _serve(sys.stdin, sys.stdout)


def _serve_copy(memory: int, asked: int, answered: int, not_ours: tuple[int, int]) -> None:
    for pipe in not_ours:  # else the copy would keep its own input open, and outlive whoever it reads for
        os.close(pipe)
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _limit(memory)
    with os.fdopen(asked, encoding="ascii") as questions, os.fdopen(answered, "w", encoding="ascii") as answers:
        _serve(questions, answers)


def warm() -> None:
    """Import what the first page would."""
    extract("<p>The libraries are imported with the first page.</p>")


def _serve(questions: IO[str], answers: IO[str]) -> None:
    """Answer each line, a list of HTML and address, with a line: the article, null, or the status of what is none."""
    for line in questions:
        try:
            article = extract(*json.loads(line))
            found: dict[str, Any] = {"article": article and asdict(article)}
        except PageError as error:
            found = {"status": str(error)}
        except MemoryError:
            found = {"status": LARGE}
        print(json.dumps(found), file=answers, flush=True)


def _limit(memory: int) -> None:
    """Let this process have no more than `memory` bytes beyond what it has now, where the system can (Linux)."""
    if STATM.exists():
        data_pages = int(STATM.read_text(encoding="ascii").split()[5])
        limit = data_pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
