"""The classification server's engine against the fastText library itself, on the same model file."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path

import fasttext

from benchmarks import texts
from benchmarks.measure import Figure, figure, rates
from benchmarks.production import cache
from benchmarks.servers import serving
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.serving.handlers.fasttext import FastText

RIVAL = "the fastText library"
IN_FLIGHT = (1, 2, 4)  # requests of 256 texts


def classification() -> list[Figure]:
    folder = model()
    posts = texts.posts(374) * 10
    library = fasttext.load_model(str(folder / "model.bin"))
    handler = FastText.load(folder, json.loads((folder / "model.json").read_text(encoding="utf-8")), 1)
    with serving(folder) as server:
        rate = rates(
            {
                "library": lambda: library.predict(posts, k=-1),
                "handler": lambda: handler.predict(posts, {"k": None}),
                **{
                    f"server, {flight}": partial(server.ask_all, posts, {}, rows=256, in_flight=flight)
                    for flight in IN_FLIGHT
                },
            },
            len(posts),
            9,
        )
    return [
        figure(
            "classification, engine", RIVAL, rate["handler"].processor, rate["library"].processor, "texts/processor s"
        ),
        *(
            figure(
                f"classification, over HTTP, {flight} in flight",
                RIVAL,
                rate[f"server, {flight}"].wall,
                rate["library"].wall,
            )
            for flight in IN_FLIGHT
        ),
    ]


def model() -> Path:
    """A model of BlazingText's usual size for the catalogue's seven labels, trained on made-up ones."""
    folder = cache() / "reputation"
    if (folder / "model.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    labels = load_catalogue()["reputation"].labels
    chooser = random.Random(0)
    lines = [f"__label__{chooser.choice(labels)} {' '.join(text.split())}\n" for text in texts.posts(4000) * 5]
    training = folder / "train.txt"
    training.write_text("".join(lines), encoding="utf-8")
    trained = fasttext.train_supervised(
        str(training), loss="ova", dim=100, wordNgrams=2, bucket=200_000, epoch=5, thread=1, verbose=0
    )
    trained.save_model(str(folder / "model.bin"))
    settings = {"name": "reputation", "task": "multi-label", "engine": "fasttext", "labels": labels}
    (folder / "model.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder
