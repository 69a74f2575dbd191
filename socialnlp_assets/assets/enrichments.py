"""`enrichments`: an article's own page in place of the excerpt that was delivered, where it says more."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from socialnlp_assets.assets.step import Hour, Result, Step, text_of
from socialnlp_assets.schemas import ENRICHMENTS
from socialnlp_assets.workflow import Workflow

LONGER = 1.2  # the page replaces the message when its text is at least 20 % longer


def enrich(hour: Hour) -> Result:
    asset, column = _source(hour.workflow)
    table = hour.read(asset, ["message_id", column])
    posts = hour.read("posts", ["message_id", "kind", "permalink"])
    links = {
        key: link
        for key, kind, link in zip(*(posts[c].to_pylist() for c in ("message_id", "kind", "permalink")), strict=True)
        if kind == "article"
    }
    pages = hour.resources.articles.enrich_all(sorted({link for link in links.values() if link}))
    rows = [
        {"message_id": key, **_row(text, key in links, pages.get(links.get(key)))}
        for key, text in zip(table["message_id"].to_pylist(), table[column].to_pylist(), strict=True)
    ]
    statuses = Counter(row["article_status"] for row in rows)
    return Result(
        pa.Table.from_pylist(rows, schema=ENRICHMENTS.arrow),
        rows_in=table.num_rows,
        metadata={f"articles/{status}": count for status, count in statuses.items() if status != "not_article"},
    )


def _row(text: str, is_article: bool, page: Any) -> dict[str, Any]:
    """The enrichment of one message. `page` is what came of its permalink, None where it has none."""
    kept = {"text_enriched": text, "enriched": False, "article_title": None, "article_url": None}
    if not is_article:
        return kept | {"article_status": "not_article"}
    if page is None:
        return kept | {"article_status": "no permalink"}
    if page.article is None:
        return kept | {"article_status": page.status}
    found = {"article_title": page.article.title, "article_url": page.article.url}
    if page.article.language not in ("en", None):
        return kept | found | {"article_status": "not in English"}
    if len(page.article.text) < LONGER * len(text):
        return kept | found | {"article_status": "not longer"}
    return kept | found | {"text_enriched": page.article.text, "enriched": True, "article_status": "enriched"}


def _source(workflow: Workflow) -> tuple[str, str]:
    return text_of(workflow, before="enrichments")


STEP = Step(
    name="enrichments",
    description="Articles only: the page's own text, where it is at least 20 % longer than what was delivered.",
    kinds=frozenset({"parquet", "python"}),
    schema=lambda _: ENRICHMENTS,
    inputs=lambda workflow: list(dict.fromkeys([_source(workflow)[0], "posts"])),
    lineage=lambda workflow: {
        "message_id": [(_source(workflow)[0], "message_id")],
        "text_enriched": [_source(workflow), ("posts", "permalink")],
        "enriched": [_source(workflow), ("posts", "permalink"), ("posts", "kind")],
        "article_title": [("posts", "permalink")],
        "article_url": [("posts", "permalink")],
        "article_status": [_source(workflow), ("posts", "permalink"), ("posts", "kind")],
    },
    compute=enrich,
    resources=frozenset({"lake", "articles"}),
)
