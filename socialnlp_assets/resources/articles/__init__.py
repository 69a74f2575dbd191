"""Articles: the page behind a permalink, fetched politely and safely, its title and text, in English if it can be.

`address` decides where a connection may go, `web` fetches one page, `extraction` reads it, `cache` keeps what it
says, `articles` puts them together for an hour's permalinks. One page that fails never fails the hour: it has a status.
"""

from .address import PageError
from .articles import Articles, Enrichment
from .cache import PageCache
from .extraction import Article, extract
from .web import Page, Reply, Wanted, Web

__all__ = ["Article", "Articles", "Enrichment", "Page", "PageCache", "PageError", "Reply", "Wanted", "Web", "extract"]
