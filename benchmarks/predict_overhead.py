"""What `predict` adds to the bare HTTP call, for batches of 32: `python benchmarks/predict_overhead.py [MODEL…]`.

Both ask the same local model server the same 32 texts over a connection that is already open. The bare call
posts a body made beforehand and reads the bytes of the reply; `predict` also makes the body, reads the reply into
results, checks them and counts the use. The two take turns, now the one first and now the other, and what is added
is the median of their differences: both meet the same machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import urllib3
from rich import box
from rich.console import Console
from rich.table import Table

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.backend import Reply
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.predictor import Predictor, preparation
from socialnlp_assets.resources.endpoints.server_errors import server_error
from socialnlp_assets.tasks import RowError, request_body, task

ROWS, ROUNDS, WARM_UP = 32, 200, 10
TEXTS = [
    f"{i}: the new charging station at the corner opened this week and the staff were kind, "
    f"although {'the queue was long and ' * (i % 5)}the price per kilowatt hour went up again"
    for i in range(ROWS)
]


def main(models: list[str]) -> None:
    click.echo(f"predict against the bare HTTP call, {ROWS} texts, median of {ROUNDS}")
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("model", "bare ms", "added ms", "added %"):
        table.add_column(heading, justify="right")
    for model in models:
        bare, added = measure(model)
        table.add_row(model, f"{bare:.3f}", f"{added:.3f}", f"{100 * added / bare:.1f}")
    Console().print(table)


def measure(model: str) -> tuple[float, float]:
    """Milliseconds: the median bare call, and the median of what `predict` adds to the one beside it."""
    entry = load_catalogue()[model]
    parameters = {"src_lang": "it"} if entry.task == "translation" else {}
    target = entry.targets[0] if entry.targets else entry.target
    prepare = preparation(entry)
    texts = [prepare(text) for text in TEXTS]
    body = request_body.write(task(entry.task, entry.labels), texts, parameters)
    headers = {"Content-Type": "application/json"}
    headers |= {"X-Amzn-SageMaker-Target-Model": target} if target else {}
    unprepared = entry.model_copy(update={"prepare": None})  # the bare call has prepared texts, too
    http = urllib3.PoolManager(retries=False)
    with serving(entry.embedded.path) as url:

        def invoke(body: bytes, _: str | None) -> Reply:
            reply = http.request("POST", url, body=body, headers=headers)
            if reply.status != 200:
                raise server_error(reply.status, reply.data)
            return Reply(reply.data, {key.lower(): value for key, value in reply.headers.items()})

        predictor = Predictor(unprepared, invoke, Meter(model, "benchmark"), kind="process")

        def bare_call() -> None:
            http.request("POST", url, body=body, headers=headers)

        def predict() -> None:
            results = predictor.predict(texts, target=target if entry.targets else None, **parameters)
            if any(isinstance(result, RowError) for result in results):
                raise SystemExit(f"{model} cannot take its texts: {results}")

        bare, added = [], []
        for number in range(WARM_UP + ROUNDS):
            taken = {call: timed(call) for call in ((bare_call, predict) if number % 2 else (predict, bare_call))}
            bare.append(taken[bare_call])
            added.append(taken[predict] - taken[bare_call])
    return 1000 * statistics.median(bare[WARM_UP:]), 1000 * statistics.median(added[WARM_UP:])


def timed(call: Callable[[], None]) -> float:
    """Seconds that `call` takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a model server that serves `folder`, once it is ready."""
    command = [sys.executable, "-m", "socialnlp_assets.serving", "--model", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            url = f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
            while not ready(url):
                if server.poll() is not None:
                    raise SystemExit(f"the server has ended; see what it says: {' '.join(command)}")
                time.sleep(0.05)
            yield f"{url}/invocations"
        finally:
            server.terminate()


def ready(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/ping", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


if __name__ == "__main__":
    # Models whose requests hold 32 texts; the summarizer's hold 16.
    main(sys.argv[1:] or ["sentiment", "emotion", "themes", "translator", "normalizer", "keywords"])
