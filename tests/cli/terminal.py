"""A program in a terminal of its own, as a person runs it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import subprocess
import termios
import time
from contextlib import suppress

from tests.cli.conftest import SCRIPT, Installation

CTRL_C = b"\x03"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PATIENCE = 600.0


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program in a terminal of its own, 80 columns wide."""

    def __init__(self, installation: Installation, *arguments: str, **variables: str) -> None:
        self.master, slave = pty.openpty()
        self._shown = ""
        self.process = subprocess.Popen(
            [SCRIPT, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=installation.environment | {"COLUMNS": "80", "TERM": "xterm"} | variables,
            start_new_session=True,
            preexec_fn=_take_terminal,  # so that Ctrl-C reaches the program and its children, as in a shell
        )
        os.close(slave)

    @property
    def shown(self) -> str:
        """What has been shown so far, without colours."""
        return CONTROL.sub("", self._shown)

    def wait_for(self, text: str) -> None:
        """Read until `text` has been shown or the program has ended."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not self._read():
                return

    def end(self) -> int:
        """Read on until the program ends; its exit code."""
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        with suppress(OSError):  # the other side is closed
            if data := os.read(self.master, 4096):
                self._shown += data.decode(errors="replace")
                return True
        return False

    def press_ctrl_c(self) -> None:
        os.write(self.master, CTRL_C)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)
