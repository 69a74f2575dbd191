"""A real browser without a screen: Chromium, told what to do over its DevTools protocol."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Browser:
    """One page; `requested` has the address of each request that it made, `problems` what its console complained of."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.requested: list[str] = []
        self.problems: list[str] = []
        self.do("Network.enable")
        self.do("Page.enable")
        self.do("Runtime.enable")
        self.do("Log.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            heard = json.loads(self._connection.recv(timeout=PATIENCE))
            if heard.get("method") == "Network.requestWillBeSent":
                self.requested.append(heard["params"]["request"]["url"])
            self.problems += _problem(heard)
            if heard.get("id") == number:
                assert "error" not in heard, heard
                return dict(heard["result"])

    def open(self, url: str) -> None:
        self.do("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        return self.do("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Until `expression` is true of the page."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"{expression} did not come true; the console: {self.problems}"
            time.sleep(0.1)

    def wait_for_text(self, *texts: str) -> str:
        """What the page shows, once it shows all of `texts`."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            shown = str(self.evaluate("document.body ? document.body.innerText : ''"))
            if all(text in shown for text in texts):
                return shown
            time.sleep(0.2)
        raise AssertionError(f"the page does not show {texts}, but:\n{shown}")


def _problem(heard: dict[str, Any]) -> list[str]:
    """What a page's console shows in red or yellow."""
    told = heard.get("params", {})
    match heard.get("method"):
        case "Runtime.exceptionThrown":
            return [json.dumps(told["exceptionDetails"])]
        case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
            return [told["entry"]["text"]]
        case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
            return [json.dumps(told["args"])]
        case _:
            return []


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a new profile in the folder `profile`."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "this test needs a browser: install Debian's package chromium (.ci/run does), or Google Chrome"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    process = subprocess.Popen(
        [program, *options, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = _port(profile / "DevToolsActivePort")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE) as reply:
            (page,) = [target for target in json.load(reply) if target["type"] == "page"]
        with connect(page["webSocketDebuggerUrl"], max_size=None) as connection:
            yield Browser(connection)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _port(file: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.1)
    raise AssertionError("the browser did not start")
