"""`enrichments`: an article's own page in place of the excerpt that was delivered, where it says more."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from socialnlp_assets.assets.step import Hour, Lineage, Result, Step
from socialnlp_assets.checks import Expectation
from socialnlp_assets.schemas import BOOL, TEXT, Column

if TYPE_CHECKING:
    from socialnlp_assets.resources.articles.articles import Enrichment

LONGER = 1.2  # the page replaces the message when its text is at least 20 % longer
COLUMNS = (
    Column("text_enriched", TEXT, "the page's text where it replaces the message, else the clean text"),
    Column("enriched", BOOL, "true when the page's text replaced the message"),
    Column("article_title", TEXT, "title found on the page", required=False),
    Column("article_url", TEXT, "address that the text came from, after redirects", required=False),
    Column("article_status", TEXT, "enriched, not longer, not in English, not_article, or why there is no page"),
)


class Enrichments(Step):
    """Articles only: the page's own text, where it is at least 20 % longer than what was delivered."""

    name: ClassVar = "enrichments"
    kinds: ClassVar = frozenset({"parquet", "python"})
    resources: ClassVar = frozenset({"lake", "articles"})
    writes_text: ClassVar = "text_enriched"

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def inputs(self) -> list[str]:
        return list(dict.fromkeys([self.text[0], "posts"]))

    def lineage(self) -> Lineage:
        link, kind = ("posts", "permalink"), ("posts", "kind")
        return {
            "message_id": [(self.text[0], "message_id")],
            "text_enriched": [self.text, link],
            "enriched": [self.text, link, kind],
            "article_title": [link],
            "article_url": [link],
            "article_status": [self.text, link, kind],
        }

    def plausible(self) -> tuple[Expectation, ...]:
        read = f"read_{self.text[1]}"
        return (
            Expectation(
                "expect_multicolumn_enrichment_to_follow_rule",
                {"column_list": ["read_kind", read, "text_enriched", "enriched", "article_status"]},
                "only an article takes its page's text, and only one at least 20 % longer",
                "rows were mixed up: run the hour again", rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_be_free_of_loops", {"column_A": read, "column_B": "text_enriched"},
                "a page's text does not repeat itself", "look at the page: its text was not found in it", rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_stay_plain", {"column_A": read, "column_B": "text_enriched"},
                "a page's text has no marks of a program", "look at the page: its text was not found in it",
                rejects=True,
            ),
            Expectation(
                "expect_multicolumn_page_to_be_of_message",
                {"column_list": ["enriched", read, "text_enriched"], "mostly": 0.97},
                "a page has words of its message", "look at the pages: a notice in their place, or pages mixed up",
                error_beyond=0.2,
            ),
            Expectation(
                "expect_column_values_to_match_regex", {"column": "article_url", "regex": "^https?://"},
                "a page has an address", "run the hour again", rejects=True,
            ),
            Expectation(
                "expect_column_texts_to_be_in_english", {"column": "text_enriched", "mostly": 0.9},
                "most words are English", "see which pages were taken for English", error_beyond=0.3,
            ),
        )  # fmt: skip

    def compute(self, hour: Hour) -> Result:
        table, texts = self.texts(hour)
        posts = hour.read("posts", ["message_id", "kind", "permalink"])
        columns = (posts[name].to_pylist() for name in ("message_id", "kind", "permalink"))
        links = {key: link for key, kind, link in zip(*columns, strict=True) if kind == "article"}
        pages = hour.articles.enrich_all(sorted({link for link in links.values() if link}))
        rows = [
            {"message_id": key, **enrichment_of(text, key in links, pages.get(links.get(key) or ""))}
            for key, text in zip(table["message_id"].to_pylist(), texts, strict=True)
        ]
        kinds = dict(zip(posts["message_id"].to_pylist(), posts["kind"].to_pylist(), strict=True))
        statuses = Counter(row["article_status"] for row in rows)
        return Result(
            pa.Table.from_pylist(rows, schema=self.table().arrow),
            rows_in=table.num_rows,
            read=table.append_column("kind", [[kinds.get(key) for key in table["message_id"].to_pylist()]]),
            metadata={f"articles/{status}": count for status, count in statuses.items() if status != "not_article"},
        )


def enrichment_of(text: str, is_article: bool, page: Enrichment | None) -> dict[str, Any]:
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
