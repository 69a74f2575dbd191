"""A real browser without a screen: Chromium, told what to do over its DevTools protocol."""

from __future__ import annotations

import base64
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

PATIENCE = 180.0  # seconds; for what takes some on a quiet machine, where others have it, too
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    # Nothing outside this machine is asked, by no page and not by the browser itself.
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)  # fmt: skip

# The element that a person would mean: of those that are seen and match, the last and innermost that says `text`.
FIND = """
((text, selector, row) => {
  const seen = element => { const box = element.getBoundingClientRect(); return box.width > 0 && box.height > 0; };
  const says = element => !text || (element.innerText || element.value || element.ariaLabel || "").trim() === text;
  const found = [...document.querySelectorAll(selector)].filter(
    element => seen(element) && says(element) && (!row || element.closest("tr")?.innerText.includes(row)));
  const inner = found.filter(element => !found.some(other => other !== element && element.contains(other)));
  return inner[inner.length - 1];
})"""
PLACE = """
element => {
  if (!element || element.disabled) return null;
  element.scrollIntoView({block: "center", behavior: "instant"});
  const box = element.getBoundingClientRect(), place = [box.x + box.width / 2, box.y + box.height / 2];
  const there = document.elementFromPoint(...place);
  return there && (element.contains(there) || there.contains(element)) ? place : null;
}"""
WIDTH, HEIGHT = 1500, 1000  # pixels


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
        self.resize(WIDTH, HEIGHT)

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

    def wait_to_open(self, url: str) -> None:
        """Open `url` once there is a server that answers."""
        deadline = time.monotonic() + PATIENCE
        while "errorText" in self.do("Page.navigate", url=url):
            assert time.monotonic() < deadline, f"nobody answers at {url}"
            time.sleep(0.5)

    def resize(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def click(self, text: str = "", selector: str = "*", row: str = "") -> None:
        """Click what `selector` matches and says `text`, no more and no less, as a mouse does, once it is there; in a
        table's row that has the text `row`."""
        x, y = self.place(text, selector, row)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def place(self, text: str = "", selector: str = "*", row: str = "") -> tuple[float, float]:
        """The middle of such an element, once it is in view, stands still, and nothing lies over it."""
        found = f"({PLACE})({FIND}({', '.join(map(json.dumps, (text, selector, row)))}))"
        deadline, place = time.monotonic() + PATIENCE, None
        while True:
            before, place = place, self.evaluate(found)
            if place and place == before:
                return float(place[0]), float(place[1])
            assert time.monotonic() < deadline, f"no {selector} that says {text!r}; the page:\n{self.shown()}"
            time.sleep(0.15)

    def type(self, text: str) -> None:
        """Type `text` where the cursor is, in place of all that is there."""
        self.press("a", modifiers=2)
        self.do("Input.insertText", text=text)

    def press(self, key: str, modifiers: int = 0) -> None:
        commands = ["selectAll"] if (key, modifiers) == ("a", 2) else []
        for kind in ("keyDown", "keyUp"):
            self.do("Input.dispatchKeyEvent", type=kind, key=key, modifiers=modifiers, commands=commands)

    def picture(self, file: Path) -> None:
        """What is in view, as PNG."""
        file.write_bytes(base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"]))

    def evaluate(self, expression: str) -> Any:
        return self.do("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait_for(self, expression: str, what: str = "") -> None:
        """Until `expression` is true of the page; `what` names it where it never is."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"no {what or expression}; the page:\n{self.shown()}"
            time.sleep(0.1)

    def shown(self) -> str:
        """The text of the page."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def wait_for_text(self, *texts: str) -> str:
        """What the page shows, once it shows all of `texts`."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            shown = self.shown()
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
    process = subprocess.Popen(
        [program, *OPTIONS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = _port(profile / "DevToolsActivePort")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE) as reply:
            (page,) = [target for target in json.load(reply) if target["type"] == "page"]
        with connect(page["webSocketDebuggerUrl"], max_size=None, max_queue=None, ping_interval=None) as connection:
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
