"""Text found on saved article pages, ours against newspaper4k (the thesis used its ancestor, newspaper3k).

The score is that of the article extraction benchmark (github.com/scrapinghub/article-extraction-benchmark):
shingles of four words, counted; precision and recall of each page, averaged; F1 of the two averages.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from statistics import mean

from benchmarks.measure import Figure, figure, rates
from benchmarks.texts import data

ROUNDS = 3
Shingles = Counter[tuple[str, ...]]


def article_extraction() -> list[Figure]:
    pages = saved_pages()
    readers: dict[str, Callable[[str], str]] = {"ours": ours, "newspaper4k": newspaper4k}
    quality = {name: f1((text, reader(html)) for html, text in pages) for name, reader in readers.items()}
    turns: dict[str, Callable[[], object]] = {
        name: partial(read_all, reader, [html for html, _ in pages]) for name, reader in readers.items()
    }
    speed = rates(turns, work=len(pages), rounds=ROUNDS)
    return [
        figure("article text, F1", "newspaper4k", quality["ours"], quality["newspaper4k"], "F1"),
        figure("article text, speed", "newspaper4k", speed["ours"].wall, speed["newspaper4k"].wall, "pages/s"),
    ]


def read_all(reader: Callable[[str], str], pages: list[str]) -> None:
    for html in pages:
        reader(html)


def ours(html: str) -> str:
    from socialnlp_assets.resources.articles.address import PageError
    from socialnlp_assets.resources.articles.extraction import extract

    try:
        found = extract(html)
    except PageError:  # it takes the page for none of an article
        return ""
    return found.text if found else ""


def newspaper4k(html: str) -> str:
    import newspaper

    # a page in Japanese would need a tokenizer that does not come with it
    article = newspaper.Article("http://news.example/", language="en", fetch_images=False)
    try:
        article.download(input_html=html)
        article.parse()
    except newspaper.ArticleException:
        return ""
    return str(article.text)


def saved_pages() -> list[tuple[str, str]]:
    """(HTML, text of the article) of the benchmark's saved pages, where there are data; else of our samples."""
    folder = data()
    if folder is None:
        from socialnlp_assets.fakes.pages import articles, page

        return [(page(article), "\n".join(article.paragraphs)) for article in articles().values()]
    truth = json.loads((folder / "articles" / "ground-truth.json").read_text(encoding="utf-8"))
    return [
        (gzip.decompress((folder / "articles" / "html" / f"{key}.html.gz").read_bytes()).decode(), page["articleBody"])
        for key, page in truth.items()
    ]


def f1(pairs: Iterable[tuple[str, str]]) -> float:
    """F1 of (true, found) texts. A page without a text, true or found, has no recall, or no precision."""
    precisions, recalls = [], []
    for true, found in pairs:
        expected, got = shingles(true), shingles(found)
        both = (expected & got).total()
        if got:
            precisions.append(both / got.total())
        if expected:
            recalls.append(both / expected.total())
    precision, recall = mean(precisions), mean(recalls)
    return 2 * precision * recall / (precision + recall)


def shingles(text: str) -> Shingles:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3)) if words)
