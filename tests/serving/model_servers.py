"""Real servers on a loopback socket, and tiny model folders for them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fasttext
import urllib3

HERE = Path(__file__).parent


class Server:
    """A model server in a process of its own."""

    def __init__(self, *options: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "socialnlp_assets.serving", *options],
            env={**os.environ, "PYTHONPATH": str(HERE), "SOCIALNLP_ENGINES": "scripted:Scripted", **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.announcement: dict[str, int] = json.loads(self.process.stdout.readline() or "{}")
        self.url = f"http://127.0.0.1:{self.announcement.get('port')}"
        self.http = urllib3.PoolManager(retries=False, timeout=60, maxsize=32)

    def wait_until_ready(self) -> None:
        while self.get("/ping").status == 503:
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
            time.sleep(0.02)

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        return self.http.request("GET", self.url + path)

    def post(self, body: Any, path: str = "/invocations", **headers: str) -> urllib3.BaseHTTPResponse:
        """`body`: bytes as they are, anything else as JSON; underscores in header names become hyphens."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | {n.replace("_", "-"): v for n, v in headers.items()}
        return self.http.request("POST", self.url + path, body=data, headers=sent)

    def end(self) -> int:
        """Ask it to end as SageMaker does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.http.clear()
            for stream in (self.process.stdout, self.process.stderr):
                assert stream
                stream.close()


@contextmanager
def running(*options: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    server = Server("--port", "0", *options, env=env)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.end()


def resident_kilobytes(process: int) -> int:
    """As `ps` tells it, on Linux and macOS."""
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, check=True).stdout)


def write_model(folder: Path, **settings: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def scripted_model(folder: Path, **settings: Any) -> Path:
    defaults = {"task": "text-classification", "labels": ["yes", "no"], "engine": "scripted:Scripted"}
    return write_model(folder, **{"name": "scripted", **defaults, **settings})


def train_fasttext(path: Path, lines: list[str], **options: Any) -> None:
    data = path.with_suffix(".txt")
    data.write_text("\n".join(lines * 50), encoding="utf-8")
    settings = {"dim": 8, "bucket": 500, "epoch": 20, "minCount": 1, "thread": 1, "verbose": 0, **options}
    fasttext.train_supervised(str(data), **settings).save_model(str(path))
    data.unlink()


def multi_label_model(folder: Path) -> Path:
    write_model(folder, name="themes", task="multi-label", engine="fasttext", labels=["Products", "Foreign news"])
    lines = [
        "__label__Products the new lamp",
        "__label__Foreign_news war in a far country",
        "__label__Products __label__Foreign_news lamp in a far country",
    ]
    train_fasttext(folder / "model.bin", lines, loss="ova")
    return folder


def aspects_model(folder: Path, targets: dict[str, str]) -> Path:
    """Targets, each with the word that it takes for praise."""
    write_model(folder, name="aspects", task="aspects", engine="fasttext", targets=list(targets))
    labels = ["positive", "negative", "not mentioned"]
    for target, word in targets.items():
        write_model(folder / target, name=target, task="aspects", engine="fasttext", labels=labels)
        lines = [
            f"__label__positive {word} good",
            f"__label__negative {word} bad",
            "__label__not_mentioned opened on monday",
        ]
        train_fasttext(folder / target / "model.bin", lines, loss="softmax")
    return folder
