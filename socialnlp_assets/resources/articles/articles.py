"""The articles behind an hour's permalinks."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from socialnlp_assets.nlp.personal_data import REGIONS, replace_personal_data

from .address import PageError, parse
from .cache import PageCache
from .extraction import Article
from .reader import SLOW, Reader
from .walls import GONE
from .web import Web

FETCHED, NO_ARTICLE = "fetched", "no article found"
# Others may be better tomorrow.
LASTING = frozenset({FETCHED, NO_ARTICLE, GONE, "not a web page", "HTTP 404", "HTTP 410"})
HOSTS_AT_ONCE = 16
HOUR_SECONDS = 900.0
PATIENCE = 3  # pages in a row that a host does not answer, or nobody can read, before it is left alone
SILENT = frozenset({"timed out", "host does not answer", "host not found", "connection broke", SLOW})
READER = Reader()  # one for the whole process: it takes a second to start


@dataclass(frozen=True)
class Enrichment:
    """What came of a permalink: an article, or a `status` that says why there is none."""

    status: str
    article: Article | None = None


class Articles(dg.ConfigurableResource[None]):
    """Reads articles, each address once, and where there is a `cache` once for all runs."""

    allowed_hosts: list[str] = Field(
        default=[],
        description="host:port pairs that may be private; they are trusted, and not held back by the pause between "
        "two requests to one host",
    )
    cache: str = Field(default="", description="file that keeps what pages said; empty: none")
    cache_days: float = Field(default=30, description="how long it keeps that")
    keep_personal_data: bool = Field(default=False, description="leave e-mail addresses and the like in what pages say")
    hour_seconds: float = Field(
        default=HOUR_SECONDS, description="what the articles of an hour may take; the rest stay as delivered"
    )

    _web: Web | None = PrivateAttr(default=None)
    _known: dict[str, Enrichment] = PrivateAttr(default_factory=dict)  # by address: no fragment, one spelling
    _asking: dict[str, threading.Lock] = PrivateAttr(default_factory=lambda: defaultdict(threading.Lock))

    @property
    def web(self) -> Web:
        if self._web is None:
            self._web = Web(frozenset(host.lower() for host in self.allowed_hosts))
        return self._web

    def enrich(self, url: str) -> Enrichment:
        """The article at `url`, in English where the page says that there is an English version."""
        found = self._page(url.strip())
        if found.article and found.article.language != "en" and found.article.english_url:
            english = self._page(found.article.english_url)
            if english.article and english.article.language == "en":
                return english
        return found

    def enrich_all(self, urls: Iterable[str]) -> dict[str, Enrichment]:
        """The article of each of `urls`: several hosts side by side, the pages of one host one by one."""
        by_host: dict[str, list[str]] = defaultdict(list)
        for url in dict.fromkeys(urls):
            by_host[self._host(url)].append(url)
        deadline = time.monotonic() + self.hour_seconds
        with ThreadPoolExecutor(HOSTS_AT_ONCE, thread_name_prefix="articles") as pool:
            hosts = pool.map(lambda of_host: self._enrich_host(of_host, deadline), by_host.values())
            return {url: enrichment for found in hosts for url, enrichment in found.items()}

    def _host(self, url: str) -> str:
        try:
            return parse(url.strip(), self.web.allowed_hosts).host
        except PageError:
            return ""

    def _enrich_host(self, urls: list[str], deadline: float) -> dict[str, Enrichment]:
        found: dict[str, Enrichment] = {}
        silent = 0
        for url in urls:
            if silent >= PATIENCE:
                found[url] = Enrichment("host does not answer")
            elif time.monotonic() > deadline:
                found[url] = Enrichment("no time left in this hour")
            else:
                found[url] = self.enrich(url)
                silent = silent + 1 if found[url].status in SILENT else 0
        return found

    def _page(self, url: str) -> Enrichment:
        """What the page at `url` says, asked for once."""
        try:
            address = parse(url, self.web.allowed_hosts).url
        except PageError as error:
            return Enrichment(str(error))
        with self._asking[address]:
            if address not in self._known:
                self._known[address] = self._kept(address) or self._read(address)
            return self._known[address]

    def _kept(self, address: str) -> Enrichment | None:
        cache = self._cache
        kept = cache.get(address) if cache else None
        return Enrichment(*kept) if kept else None

    def _read(self, address: str) -> Enrichment:
        try:
            page = self.web.fetch(address)
            article = READER.extract(page.html, page.url)
            if article and not self.keep_personal_data:
                article = _without_personal_data(article)
            found = Enrichment(FETCHED, article) if article else Enrichment(NO_ARTICLE)
        except PageError as error:
            found = Enrichment(str(error))
        if (cache := self._cache) and found.status in LASTING:
            cache.put(address, found.status, found.article)
        return found

    @property
    def _cache(self) -> PageCache | None:
        return PageCache(Path(self.cache), self.cache_days) if self.cache else None


def _without_personal_data(article: Article) -> Article:
    """As `posts` does it with messages: the page's text may take a message's place."""
    languages = [article.language] if article.language in REGIONS else [*REGIONS]
    title, text = (replace_personal_data(part, languages)[0] for part in (article.title or "", article.text))
    return replace(article, title=title or None, text=text)
