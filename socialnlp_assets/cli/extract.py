"""`socialnlp extract`: what enrichment would read from a page."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from socialnlp_assets.settings import Settings

if TYPE_CHECKING:  # Dagster comes with it, which the command's help does without
    from socialnlp_assets.resources.articles.extraction import Article


@click.command()
@click.argument("page", metavar="PAGE.html|URL")
def extract(page: str) -> None:
    """Print an article's title, text, language and url as JSON.

    PAGE is a saved page (gzip or not), read without network, or an http(s) URL, fetched as enrichment does:
    with its limits and manners, in the English version where the page names one.
    """
    article = _fetched(page) if "://" in page else _saved(Path(page))
    shown = {"title": article.title, "text": article.text, "language": article.language, "url": article.url}
    click.echo(json.dumps(shown, ensure_ascii=False))


def _fetched(url: str) -> Article:
    from socialnlp_assets.resources.articles.articles import Articles

    enrichment = Articles(allowed_hosts=sorted(Settings().article_allowed_hosts)).enrich(url)
    if enrichment.article is None:
        raise click.ClickException(f"{url}: {enrichment.status}{_remedy(enrichment.status)}")
    return enrichment.article


def _remedy(status: str) -> str:
    if status == "refused: private address":
        return "; name its host:port in SOCIALNLP_ARTICLE_ALLOWED_HOSTS to allow it"
    return ""


def _saved(path: Path) -> Article:
    from socialnlp_assets.resources.articles.address import PageError
    from socialnlp_assets.resources.articles.encoding import decode
    from socialnlp_assets.resources.articles.extraction import extract as extract_article
    from socialnlp_assets.resources.articles.markup import HTML_LIMIT

    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(path) as file:
                data = file.read(HTML_LIMIT)
    except OSError as error:
        raise click.ClickException(
            f"{path}: {error.strerror or 'is damaged gzip'}; give a saved page or a URL"
        ) from None
    except (EOFError, zlib.error):
        raise click.ClickException(f"{path}: is damaged gzip; save the page again") from None
    try:
        article = extract_article(decode(data))
    except PageError as error:
        raise click.ClickException(f"{path}: {error}; it must be a page with an article") from None
    if article is None:
        raise click.ClickException(f"{path}: no article found in it; it must be an HTML page with text")
    return article
