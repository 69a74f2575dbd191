"""What a page says: its article's title, text and language, and where its English version is.

trafilatura finds title and text. Readers' comments are left out: they are other people's words. Measured
on saved news pages by `benchmarks/article_extraction.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from socialnlp_assets.nlp.language import UNDETERMINED, detect

from .address import PageError
from .markup import tree_of
from .walls import is_bare_table, wall

_SEPARATOR = re.compile(r"\s+[|–—·»-]\s+")


@dataclass(frozen=True)
class Article:
    """`language` is an ISO 639-1 code, None where the text does not tell; `english_url` is where the page
    says that its English version is."""

    title: str | None
    text: str
    language: str | None
    url: str | None
    english_url: str | None = None


def extract(html: str, url: str | None = None) -> Article | None:
    """The article of a page that was found at `url`; None when there is no text to be found in it. Raises `PageError`
    where there is one that is no article: a consent wall, a bot check, a page that says that it is gone."""
    import trafilatura
    from lxml.etree import LxmlError

    try:
        tree = tree_of(html)
        if tree is None:
            return None
        english_url = _english_version(tree, url)
        found: Any = trafilatura.bare_extraction(tree, url=url, include_comments=False, with_metadata=True)
    except (LxmlError, ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError, AssertionError):
        return None  # strangers' HTML meets corners of the libraries that their authors did not
    text = (found.text or "").strip() if found else ""
    if not text or is_bare_table(text):
        return None
    title = _title(found, url)
    if status := wall(title, text):
        raise PageError(status)
    language = detect(text)[0]
    return Article(
        title=title,
        text=text,
        language=None if language == UNDETERMINED else language,
        url=url or found.url,
        english_url=english_url,
    )


def _english_version(tree: Any, url: str | None) -> str | None:
    """The address in `<link rel="alternate" hreflang="en">`, or of a link to an English version."""
    best: tuple[int, str] | None = None
    for element in tree.xpath("//link[@hreflang][@href] | //a[@hreflang][@href]")[:500]:
        code = element.get("hreflang", "").strip().lower().replace("_", "-")
        if code.split("-")[0] != "en" or (element.tag == "link" and "alternate" not in element.get("rel", "").lower()):
            continue
        rank = 2 * (element.tag == "a") + (code != "en")
        if best is None or rank < best[0]:
            best = rank, element.get("href").strip()
    if best is None:
        return None
    try:
        english = urljoin(url or "", best[1])
    except ValueError:
        return None
    return english if english != url else None


def _title(found: Any, url: str | None) -> str | None:
    """The title without the site's name, which pages put behind it."""
    title = " ".join((found.title or "").split())
    parts = _SEPARATOR.split(title)
    if len(parts) > 1:
        site = {_letters(found.sitename or ""), _letters(urlsplit(url or "").hostname or "")} - {""}
        last = _letters(parts[-1])
        if last and any(last in name for name in site):
            cut = title.rindex(parts[-1])
            title = re.sub(r"\s+[|–—·»-]\s*$", "", title[:cut])
    return title or None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
