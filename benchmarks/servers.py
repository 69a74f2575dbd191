"""Model servers in processes of their own, asked over a loopback socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

LOADING_SECONDS = 600  # a reference translates its first text on a machine that others use


class Client:
    """Asks one server; connections are kept."""

    def __init__(self, port: int, pid: int = 0) -> None:
        self._pid = pid
        self.url = f"http://127.0.0.1:{port}"
        self._http = urllib3.PoolManager(maxsize=8, retries=False, timeout=600)

    def processor_seconds(self) -> float:
        """What the server has used of the processors so far, all its threads together; Linux only."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ready(self) -> bool:
        return self._http.request("GET", f"{self.url}/ping").status == 200

    def ask(self, texts: Sequence[str], parameters: dict[str, Any]) -> list[Any]:
        """One request; raises RuntimeError with what the server says."""
        reply = self._http.request(
            "POST", f"{self.url}/invocations", json={"inputs": list(texts), "parameters": parameters}
        )
        if reply.status != 200:
            raise RuntimeError(f"the server answers {reply.status}: {reply.data.decode()}")
        answers: list[Any] = reply.json()
        return answers

    def ask_all(self, texts: Sequence[str], parameters: dict[str, Any], *, rows: int, in_flight: int = 1) -> list[Any]:
        """`texts` in file order, `rows` a request, `in_flight` requests at a time."""
        requests = [texts[start : start + rows] for start in range(0, len(texts), rows)]
        with ThreadPoolExecutor(in_flight) as pool:
            replies = list(pool.map(lambda batch: self.ask(batch, parameters), requests))
        return [answer for reply in replies for answer in reply]


@contextmanager
def serving(folder: Path) -> Iterator[Client]:
    """A server of the model in `folder`, once it is ready; on all cores, or SOCIALNLP_BENCH_THREADS of them."""
    command = [sys.executable, "-m", "socialnlp_assets.serving", "--model", str(folder), "--port", "0"]
    command += ["--orphan-after", "600"]  # should this process be killed
    if threads := os.environ.get("SOCIALNLP_BENCH_THREADS"):
        command += ["--threads", threads]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout
        client = Client(json.loads(process.stdout.readline() or "{}")["port"], process.pid)
        deadline = time.monotonic() + LOADING_SECONDS
        while not client.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{folder} is not served: run `socialnlp serve --model {folder}` to see why")
            time.sleep(0.2)
        yield client
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            if process.stdout:
                process.stdout.close()
