"""Extraction in a process of its own, which ends when a page takes too long.

Strangers write the pages: 200,000 links, or half a million attributes, keep the libraries busy for hours, and
nothing in an interpreter stops them. The process starts with the first page and serves all that follow.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict

from .address import PageError
from .extraction import Article, extract

SECONDS = 10.0  # for one page; ordinary ones take a tenth of one
SLOW = "could not be read in time"


class Reader:
    """Reads one page at a time; safe for several threads."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def extract(self, html: str, url: str) -> Article | None:
        """The article of a page, None when there is none. Raises `PageError` where it takes too long."""
        with self._lock:
            process = self._running()
            assert process.stdin
            assert process.stdout
            watchdog = threading.Timer(self.seconds, process.kill)
            watchdog.start()
            try:
                process.stdin.write(json.dumps([html, url]) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except BrokenPipeError:
                answer = ""
            finally:
                watchdog.cancel()
            if not answer.endswith("\n"):
                self.close()
                raise PageError(SLOW)
        found = json.loads(answer)
        return Article(**found) if found else None

    def close(self) -> None:
        """End the process; the next page starts another."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="ascii",
                process_group=0,  # the terminal's Ctrl-C is for whoever reads articles, who then ends it
            )
            assert self._process.stdout
            if not self._process.stdout.readline():
                raise RuntimeError("the process that reads articles did not start; it has said why")
        return self._process


def serve() -> None:
    """Answer each line, a list of HTML and address, with a line: the article or null."""
    extract("<p>The libraries are imported with the first page.</p>")
    print("ready", flush=True)
    for line in sys.stdin:
        article = extract(*json.loads(line))
        print(json.dumps(article and asdict(article)), flush=True)
