"""Extraction in a process of its own, which ends when a page takes too long or too much memory.

Strangers write the pages: 200,000 links, or half a million attributes, keep the libraries busy for hours, and
nothing in an interpreter stops them. The process starts with the first page and serves all that follow.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

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


class Reader:
    """Reads one page at a time; safe for several threads, none of which waits longer than `patience` seconds."""

    def __init__(self, seconds: float = SECONDS, patience: float = PATIENCE, memory: int = MEMORY) -> None:
        self.seconds = seconds
        self.patience = patience
        self.memory = memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def extract(self, html: str, url: str) -> Article | None:
        """The article of a page, None when there is none. Raises `PageError` where it is no article, where reading it
        takes too long or too much memory, or where too many others are read before."""
        if not self._lock.acquire(timeout=self.patience):
            raise PageError(SLOW)
        try:
            answer = self._asked(self._running(), json.dumps([html, url]) + "\n", self.seconds)
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
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-c", f"from {__name__} import serve; serve({self.memory})"]
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **ONE_HEAP},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="ascii",
                process_group=0,  # the terminal's Ctrl-C is for whoever reads articles, who then ends it
            )
            if not self._asked(self._process, "", self.patience):
                raise RuntimeError("the process that reads articles did not start; it has said why")
        return self._process

    @staticmethod
    def _asked(process: subprocess.Popen[str], line: str, seconds: float) -> str:
        """The line that `process` answers; empty when it does not, or not in time, and then it has ended."""
        assert process.stdin
        assert process.stdout
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            watchdog.cancel()
        return answer if answer.endswith("\n") else ""


def serve(memory: int) -> None:
    """Answer each line, a list of HTML and address, with a line: the article, null, or the status of what is none."""
    extract("<p>The libraries are imported with the first page.</p>")
    _limit(memory)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            article = extract(*json.loads(line))
            found: dict[str, Any] = {"article": article and asdict(article)}
        except PageError as error:
            found = {"status": str(error)}
        except MemoryError:
            found = {"status": LARGE}
        print(json.dumps(found), flush=True)


def _limit(memory: int) -> None:
    """Let this process have no more than `memory` bytes beyond what it has now, where the system can (Linux)."""
    if STATM.exists():
        data_pages = int(STATM.read_text(encoding="ascii").split()[5])
        limit = data_pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
