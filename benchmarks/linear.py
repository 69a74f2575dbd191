"""`python -m benchmarks.linear`: how each step of nlp, and the reading of messages, grows with the length of one text.

A text of a hundred times the length may take a hundred times as long. `times per size` is what ten times the length
costs: 10 is linear, 100 would be quadratic. Of the texts that a stranger may send, each of the shapes in `TEXTS`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import click
from rich.console import Console
from rich.table import Table

from socialnlp_assets.landing import read_messages
from socialnlp_assets.models.catalogue import EMBEDDED_MODELS
from socialnlp_assets.nlp import chunking, cleaning, language, ngrams, noise, sentence_rank
from socialnlp_assets.nlp.permalinks import clean_permalink
from socialnlp_assets.nlp.personal_data import replace_personal_data
from socialnlp_assets.serving.loaded_model import Model
from socialnlp_assets.sources import shapes
from socialnlp_assets.tasks import task

SIZES = (10_000, 100_000, 1_000_000)  # characters
LINEAR, SLACK = 10.0, 3.0  # caches, and what is constant, blur it
SOME = 0.2  # seconds below which growth is not told from noise
TEXTS = {
    "prose": "The power is back in our street, said Anna on Monday. It can't be true!! ",
    "one word": "a",
    "digits": "0788 123 456 ",
    "marks": "!?.,@#&;:-(",
    "addresses": "anna@example.com https://news.example/a?b=c ",
    "quotes": '"a","b\n',
    "signs": "&amp;#64;\\u2019",
    "dots": "e.g. U.S. a.b.c.d ",
}


def _message(text: str) -> None:
    read_messages(json.dumps([{"messageId": "m", "message": text}]).encode(), "f", shapes())


def _lines(text: str) -> None:
    read_messages(('{"messageId": "m", "message": "' + text).encode(), "f", shapes())


def _cells(text: str) -> None:
    read_messages(("messageId,message\n" + text).encode(), "f", shapes())


STEPS: dict[str, Callable[[str], object]] = {
    "read JSON": _message,
    "read damaged JSON": _lines,
    "read CSV": _cells,
    "personal data": lambda text: replace_personal_data(text, ["it", "en", "fr", "sw"]),
    "permalink": clean_permalink,
    "language": language.detect,
    "noise": noise.remove_noise,
    "normalise": lambda text: noise.normalise([text]),
    "classification": cleaning.prepare_for_classification,
    "review": cleaning.prepare_review,
    "n-grams": ngrams.tokens,
    "sentences": chunking.sentences,
    "chunks": lambda text: chunking.split(text, lambda part: len(part.split())),
    "whole sentences": chunking.whole_sentences,
    "summary": sentence_rank.summarise,
}


def models() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Every embedded model, asked about one text as its server would ask it."""
    for settings in sorted(EMBEDDED_MODELS.rglob("model.json")):
        if json.loads(settings.read_text(encoding="utf-8")).get("targets"):
            continue  # a folder of several models, each of which is met by itself
        model = Model.load(settings.parent, threads=1)
        parameters = task(str(model.settings["task"])).warm_up(model.settings)
        name = settings.parent.relative_to(EMBEDDED_MODELS).as_posix()
        yield name, lambda text, model=model, parameters=parameters: model.handler.predict([text], parameters)  # type: ignore[misc]


def seconds(step: Callable[[str], object], text: str) -> float:
    started = time.perf_counter()
    step(text)
    return time.perf_counter() - started


@click.command()
@click.option("--most", default=SIZES[-1], show_default=True, help="Characters of the longest text.")
def main(most: int) -> None:
    """Print what ten times the length costs; exit with 1 where a step is not linear."""
    table = Table("step", "text", *(f"{size:,}" for size in SIZES if size <= most), "times per size", box=None)
    worst = 0.0
    for name, step in [*STEPS.items(), *models()]:
        step(TEXTS["prose"])  # what is loaded once
        for kind, piece in TEXTS.items():
            taken = [seconds(step, (piece * (size // len(piece) + 1))[:size]) for size in SIZES if size <= most]
            growth = max(
                (after / max(before, SOME / LINEAR) for before, after in pairwise(taken) if after > SOME),
                default=0.0,
            )
            worst = max(worst, growth)
            shown = f"{growth:.0f}" if growth else "-"
            table.add_row(name, kind, *(f"{one:.3f}" for one in taken), shown)
    Console(width=120).print(table)
    if worst > LINEAR * SLACK:
        raise click.ClickException(f"a step is not linear in its text's length: ten times as long, {worst:.0f} times")


if __name__ == "__main__":
    main()
