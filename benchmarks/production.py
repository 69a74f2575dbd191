"""Models of the production sizes with random weights, and their fast forms, kept in a cache folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks import architectures, texts
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.models.packaging_convert import CONVERSIONS


def cache() -> Path:
    """Outside the project: these are gigabytes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "socialnlp-bench"


def folders(name: str) -> tuple[Path, Path]:
    """The model folders of `name`: ours, and the reference's. Built on first use (minutes)."""
    ours, reference = cache() / name / "ours", cache() / name / "reference"
    if not (ours / "model.json").exists():
        build(name, ours, reference)
    return ours, reference


def build(name: str, ours: Path, reference: Path) -> None:
    entry = load_catalogue()[name]
    corpus = texts.posts(4000) + texts.articles(500) + texts.foreign(3000)
    makers: dict[str, Callable[[], Path]] = {
        "translator": lambda: architectures.m2m100(reference, corpus, architectures.M2M100_418M),
        "summarizer": lambda: architectures.bart(reference, corpus, architectures.DISTILBART_12_6),
        **dict.fromkeys(
            ("sentiment", "emotion"),
            lambda: architectures.roberta(reference, corpus, architectures.ROBERTA_BASE, entry.labels),
        ),
        "normalizer": lambda: architectures.distilbert(reference, corpus, architectures.DISTILBERT),
    }
    architectures.seed()
    makers[name]()
    ours.mkdir(parents=True, exist_ok=True)
    engine = entry.aws.engine
    settings = {"name": name, "task": entry.task, **CONVERSIONS[engine].convert(reference, ours, entry)}
    for folder, its_engine in ((reference, "reference-" + engine.partition("-")[2]), (ours, engine)):
        (folder / "model.json").write_text(json.dumps(settings | {"engine": its_engine}), encoding="utf-8")
