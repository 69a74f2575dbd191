"""Which text of an article a workflow goes on with: the page's own, or what was delivered."""

from __future__ import annotations

import pytest

from socialnlp_assets.assets.enrichments import enrichment_of
from socialnlp_assets.resources.articles.articles import Enrichment
from socialnlp_assets.resources.articles.extraction import Article

TEXT = "ten letters" * 10  # 110 characters


def fetched(length: int, language: str | None = "en") -> Enrichment:
    return Enrichment("fetched", Article("A title", "p" * length, language, "https://news.example/a"))


@pytest.mark.parametrize(
    ("page", "status", "length"),
    [
        (fetched(132), "enriched", 132),  # a fifth longer
        (fetched(132, None), "enriched", 132),
        (fetched(131), "not longer", 110),
        (fetched(1000, "it"), "not in English", 110),
        (Enrichment("host not found"), "host not found", 110),
        (None, "no permalink", 110),
    ],
)
def test_a_page_in_english_that_says_a_fifth_more_takes_the_place_of_the_excerpt(
    page: Enrichment | None, status: str, length: int
) -> None:
    row = enrichment_of(TEXT, True, page)
    found = page.article if page else None
    assert (row["article_status"], len(row["text_enriched"]), row["enriched"]) == (status, length, status == "enriched")
    assert (row["article_title"], row["article_url"]) == (found and found.title, found and found.url)


def test_what_is_no_article_keeps_its_text_whatever_it_links_to() -> None:
    row = enrichment_of(TEXT, False, fetched(1000))
    assert row == {
        "text_enriched": TEXT, "enriched": False, "article_title": None, "article_url": None,
        "article_status": "not_article",
    }  # fmt: skip
