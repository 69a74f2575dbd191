"""A new installation with messages of some hours, and `socialnlp ui` on it, seen in a browser."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from socialnlp_assets.fakes.samples import sample_hours
from socialnlp_assets.partitions import HOUR, floor_hour, key_of
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.lake import Lake
from tests.browser.browser import Browser
from tests.browser.dagster_ui import DagsterUI
from tests.cli.conftest import Installation
from tests.cli.terminal import Terminal
from tests.cli.test_hours import WORKFLOW as PRESS
from tests.platform.conftest import message

NOW = floor_hour(datetime.now(UTC)) - HOUR
PAST = NOW - timedelta(days=4)  # longer ago than the sensors look back, and no longer than Dagster plots


@dataclass(eq=False)
class Listening:
    """`socialnlp ui` on an installation; `variables` is its environment, `silent` a server that never answers."""

    installation: Installation
    ui: DagsterUI
    silent: socket.socket
    variables: Mapping[str, str]

    @property
    def lake(self) -> Lake:
        """Where its variables say, such as on S3."""
        settings = self.installation.settings
        named = {"lake": "SOCIALNLP_LAKE", "aws_endpoint_url": "SOCIALNLP_AWS_ENDPOINT_URL"}
        return build_lake(
            settings.model_copy(update={k: self.variables[v] for k, v in named.items() if v in self.variables})
        )

    def land(self, workflow: str, hour: datetime, *raw: object) -> None:
        self.lake.put(f"{Lake.landing_folder(workflow, hour)}/batch.json", json.dumps(raw).encode())

    def land_posts(self, hour: datetime, text: str = "The power went out in street {n} and came back") -> None:
        """Twenty posts of the workflow `press`, another text each."""
        start = int(hour.timestamp() * 1000)
        texts = (text.format(n=f"{n} of {key_of(hour)}") for n in range(20))
        posts = [message(n, each, channelCreatedTime=start + n * 1000) for n, each in enumerate(texts)]
        self.land("press", hour, *posts)

    def land_article(self, hour: datetime) -> None:
        """An article whose page never comes."""
        start, address = int(hour.timestamp() * 1000), f"http://127.0.0.1:{self.silent.getsockname()[1]}/article"
        self.land("press", hour, message(1, channelType="WEB", channelCreatedTime=start, permalink=address))

    def land_samples(self, workflow: str, hour: datetime, hours: int = 1) -> None:
        for path, data in sample_hours(hour, hours, workflow=workflow).items():
            self.lake.put(path, data)


@contextmanager
def listening(folder: Path, page: Browser, press: bool = True, **variables: str) -> Iterator[Listening]:
    """The installation in `folder`, its UI open in `page`; with a workflow `press` beside the shipped ones, whose hours
    are quick."""
    installation, workflows = Installation(folder), folder / "workflows"
    workflows.mkdir()
    if press:
        (workflows / "press.yaml").write_text(PRESS)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as free:
        port, host = free.getsockname()[1], f"127.0.0.1:{silent.getsockname()[1]}"
        free.close()
        variables = {
            "SOCIALNLP_WORKFLOWS": str(workflows),
            "SOCIALNLP_START": f"{PAST - timedelta(days=1):%Y-%m-%dT00:00}",
            "SOCIALNLP_ARTICLE_ALLOWED_HOSTS": host,
        } | variables
        terminal = Terminal(installation, "ui", "--port", str(port), **variables)
        try:
            terminal.wait_for("Dagster on")
            page.wait_to_open(f"http://127.0.0.1:{port}/server_info")
            yield Listening(installation, DagsterUI(page, f"http://127.0.0.1:{port}"), silent, variables)
        finally:
            terminal.press_ctrl_c()
            terminal.end()
            with build_endpoints(installation.settings) as endpoints:
                endpoints.stop_all()
