"""What people wrote is shown to people, and makes their browsers do nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.assets.metadata import preview
from socialnlp_assets.markdown import WORD_JOINER, plain
from tests.browser.browser import browser
from tests.fakes.http_server import Handler, serving

SHOWN = Path(__file__).with_name("shown.py")
PATIENCE = 120.0


@dataclass
class Outside:
    """A server that stands for the open web, and what was asked of it."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


class _Answers(Handler):
    def do_GET(self) -> None:
        self.server.fake.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with serving(Outside(), _Answers) as found:
        yield found


@contextmanager
def dagster_ui(home: Path, outside: Outside) -> Iterator[str]:
    """Dagster's own pages of the code location in `shown.py`, all of it materialised once."""
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = os.environ | {"DAGSTER_HOME": str(home), "SOCIALNLP_TEST_OUTSIDE": outside.url}
    dagster = [sys.executable, "-m", "dagster"]
    materialise = [*dagster, "asset", "materialize", "-f", str(SHOWN), "--select", "*"]
    subprocess.run(materialise, env=environment, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [sys.executable, "-m", "dagster_webserver", "-f", str(SHOWN), "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(serve, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/server_info")
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("Dagster's UI did not start")


@pytest.mark.slow
def test_a_real_browser_on_dagsters_pages_asks_nothing_of_the_outside(tmp_path: Path, outside: Outside) -> None:
    with dagster_ui(tmp_path / "home", outside) as ui, browser(tmp_path / "profile") as page:
        page.open(f"{ui}/assets/encoded?view=events")
        image = f"![image]({outside.url.replace('://', f':{WORD_JOINER}//')}/image.png)"
        page.wait_for_text("all is shown", "quarantined_10", image, "| --- |", "heading", "`code`")
        links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.href).join(' ')")
        page.open(f"{ui}/assets/encoded?view=checks")
        page.wait_for_text("described", "all is described")
        assert outside.asked == []
        assert not [url for url in page.requested if url.startswith(outside.url)]
        assert outside.url not in links
        assert "outside.example" not in links
        page.open(f"{ui}/assets/verbatim?view=events")  # the test would see it
        page.wait_for_text("all is shown")
        deadline = time.monotonic() + PATIENCE
        while outside.asked != ["/image.png"] and time.monotonic() < deadline:
            page.wait_for_text("all is shown")
        assert outside.asked == ["/image.png"]


@given(st.text())
def test_any_text_is_in_one_line_and_means_nothing_to_markdown(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert not set(shown.replace("&#", "").replace(";", "")) & set("!\"#$%&'()*+,-./:<=>?@[\\]^_`{|}~")
    assert "\n" not in unescape(shown)


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_preview_has_the_cells_of_its_table_whatever_they_hold(texts: list[str]) -> None:
    shown = [text.encode("utf-8", "replace").decode() for text in texts]
    lines = preview(pa.table({"message": shown, "before": shown})).splitlines()
    assert len(lines) == 2 + 2
    assert {line.count("|") for line in lines} == {2 + min(3, len(texts))}


def test_a_text_is_cut_before_it_is_encoded() -> None:
    assert unescape(plain("&" * 200, 10)) == "&" * 9 + "…"
