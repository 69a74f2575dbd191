"""Makes `failed-check.png`: what a person sees of an hour that was not published. From the repository's root:

python -m docs.images.failed_check
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import dagster as dg
import urllib3

from socialnlp_assets.cli.home import dagster_instance
from socialnlp_assets.settings import Settings
from tests.browser.browser import browser
from tests.checks.scripted import ScriptedEndpoints, plain
from tests.platform.conftest import Platform, message

PICTURE = Path(__file__).with_name("failed-check.png")
WIDTH, HEIGHT = 1600, 900
LOOP = "they have sent they have sent they have sent they have sent they have sent"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {
            "DAGSTER_HOME": str(home / "dagster"),
            "SOCIALNLP_STATE": str(home / "state"),
            "SOCIALNLP_LAKE": str(home / "lake"),
        }
        _fail(Settings())
        _picture(home)


def _fail(settings: Settings) -> None:
    """An hour of 40 messages, of which a translator that repeats itself spoils 6."""
    right = plain("translator")
    answers = {"translator": lambda text: LOOP if int(text.split()[3]) < 106 else right(text)}
    with dagster_instance() as instance:
        platform = Platform(settings, instance, {"endpoints": ScriptedEndpoints(answers)})
        texts = [f"La bolletta numero {100 + n} è arrivata due volte, scrivo a info@example.it" for n in range(40)]
        platform.land([message(n, text, language="it") for n, text in enumerate(texts)])
        keys = [dg.AssetKey(["sprinklr", name]) for name in ("posts", "translations")]
        assert not platform.run(asset_selection=keys).success


def _picture(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = [
        sys.executable,
        "-m",
        "dagster_webserver",
        "-m",
        "socialnlp_assets.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        port,
    ]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        urllib3.request("GET", f"{address}/server_info", retries=urllib3.Retry(60, backoff_factor=1, backoff_max=2))
        with browser(home / "browser") as page:
            page.do("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)
            page.open(f"{address}/assets/sprinklr/translations?view=checks&checkDetail=plausible")
            page.wait_for_text("Nothing was published", "Succeeded", "what to do")
            shot = page.do("Page.captureScreenshot", format="png")
        PICTURE.write_bytes(base64.b64decode(shot["data"]))
    finally:
        server.terminate()
        server.wait(60)


if __name__ == "__main__":
    main()
