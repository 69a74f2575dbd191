"""The program: binds the socket, says where, loads the model, serves until told to end.

`socialnlp serve` and `python -m socialnlp_assets.serving` are the same command.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import click
import uvicorn

from socialnlp_assets.serving.app import Limits, ModelServer
from socialnlp_assets.serving.connection import Connection

DRAIN_SECONDS = 25  # SageMaker kills 30 s after SIGTERM
M_ARENA_MAX = -8  # of glibc's malloc.h
MEGABYTE = 2**20
UNLIMITED = 100 * MEGABYTE  # what batch transform's "no limit" means here: its own largest record


@click.command()
@click.option("--model", type=click.Path(path_type=Path), help="Model folder [$SAGEMAKER_BASE_DIR/model].")
@click.option("--port", type=click.IntRange(0, 65535), help="0: any free one [$SAGEMAKER_BIND_TO_PORT or 8080].")
@click.option("--host", default="127.0.0.1", envvar="SOCIALNLP_HOST", show_default=True, help="Address to listen on.")
@click.option("--threads", type=click.IntRange(min=1), help="Cores to use [those this process may use].")
@click.option("--queue", default=32, show_default=True, type=click.IntRange(min=1), help="Requests that may wait.")
@click.option(
    "--body-timeout", default=60.0, show_default=True, help="Seconds for a request's head, and its body, to arrive."
)
@click.option("--orphan-after", type=click.FloatRange(min=0), help="End when nothing was asked for so many seconds.")
def serve(
    model: Path | None,
    port: int | None,
    host: str,
    threads: int | None,
    queue: int,
    body_timeout: float,
    orphan_after: float | None,
) -> None:
    """Serve a model folder by SageMaker's container contract.

    The first line on standard output is {"port": N, "pid": N}, once the socket listens.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    multi_model = model is None and os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"
    announced = int(os.environ.get("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", 0))
    limits = Limits(
        threads=threads or available_cores(),
        payload=payload_limit(),
        requests=max(queue, announced),
        body_seconds=body_timeout,
        transforms=announced or Limits.transforms,
    )
    use_threads(limits.threads)
    use_one_heap()
    app = ModelServer(
        None if multi_model else model or base / "model", limits, base / "models" if multi_model else None
    )
    listener = listen(host, int(os.environ.get("SAGEMAKER_BIND_TO_PORT", 8080)) if port is None else port)
    print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)

    async def tick() -> None:
        if app.failure or (orphan_after is not None and app.idle_seconds > orphan_after):
            server.should_exit = True

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=partial(Connection, head_seconds=limits.body_seconds),  # type: ignore[arg-type]
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            timeout_keep_alive=75,  # longer than the 60 s that SageMaker's proxy keeps a connection
            callback_notify=tick,
            timeout_notify=0,
        )
    )
    # uvicorn raises the signal again once it has drained: that must end us well, and not by the signal.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run(sockets=[listener])
    if app.failure:
        click.echo(f"socialnlp: {app.failure}", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if app.failure else 0)  # not waiting for a prediction that nobody waits for


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises `click.ClickException` when the port is taken."""
    try:
        listener = socket.create_server((host, port), backlog=128)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}; try --port 0") from error
    # Connections inherit it. asyncio would not set it for a socket made this way, and every reply's body would
    # wait 40 ms for the acknowledgement of its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def payload_limit() -> int:
    """Bytes of a body: batch transform says how many megabytes it sends, 0 meaning that it does not know."""
    megabytes = int(os.environ.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", 6))
    return megabytes * MEGABYTE or UNLIMITED


def available_cores() -> int:
    """Cores that this process may use: its affinity, and a container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup v2, or "max": no quota
        return cores


def use_threads(threads: int) -> None:
    """Tell the numeric libraries before they are imported."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def use_one_heap() -> None:
    """Have threads share glibc's heap. By default each gets one, keeps what its largest batch took, and the
    process grows by chance: with which thread did what. Elsewhere than on glibc there is nothing to set."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


if __name__ == "__main__":
    serve()
