"""What the three ways of `thesis.py` share: what an hour comes to, what answers, and where."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks.servers import Client, serving
from benchmarks.virtual_hour import Billing, HourClock
from tests.fakes.aws_http import forward_to, serve
from tests.fakes.sagemaker import Model

TOKENS = 32  # of a translation by random weights
REGION, ROLE, IMAGE = "eu-west-1", "arn:aws:iam::123456789012:role/nlp", "nlp:1"

Row = dict[str, str]
Answers = dict[str, dict[str, str]]  # part → message → what it was answered


@dataclass(frozen=True)
class Way:
    """What an hour came to in one way, in seconds of the whole hour."""

    parts: Mapping[str, float]
    whole: float
    waited: float  # of them, for endpoints
    endpoints: int
    paid: float  # endpoint seconds
    answers: Answers


@dataclass(frozen=True)
class Models:
    """What answers for each model, and the processor seconds that their servers and this process have used so far."""

    answering: Mapping[str, Model]
    processor_seconds: Callable[[], float]


@contextmanager
def served(by_model: Mapping[str, Path], invented: bool = False) -> Iterator[Models]:
    """A server of one thread a model; where weights are `invented`, a translation takes its time and is the message."""
    with ExitStack() as stack, patch.dict(os.environ, {"SOCIALNLP_BENCH_THREADS": "1"}):
        clients: dict[str, Client] = {}
        for model, folder in by_model.items():
            clients[model] = stack.enter_context(serving(folder))
        answering = {
            model: _bounded(client.url) if invented and model == "translator" else forward_to(client.url, 600)
            for model, client in clients.items()
        }
        yield Models(
            answering, lambda: time.process_time() + sum(client.processor_seconds() for client in clients.values())
        )


def _bounded(url: str) -> Model:
    forward = forward_to(url, 600)

    def model(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        asked = json.loads(body)
        asked["parameters"]["max_length"] = TOKENS
        status, said, reply = forward(json.dumps(asked).encode(), headers)
        if status == 200:
            reply = json.dumps([{"translation_text": text} for text in asked["inputs"]]).encode()
        return status, said, reply

    return model


@contextmanager
def stand_in(models: Models, scale: float) -> Iterator[tuple[Billing, HourClock]]:
    clock = HourClock(models.processor_seconds, scale)
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with patch.dict(os.environ, keys), serve(fake := Billing(clock.now)):
        fake.models = {f"^(nlp|old)-{model}-": answer for model, answer in models.answering.items()}
        yield fake, clock
