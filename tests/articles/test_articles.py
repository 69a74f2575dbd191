"""An hour's permalinks: what becomes of each, whatever the others do."""

from __future__ import annotations

import gzip
import json
import sqlite3
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from article_sites import ENGLISH, ITALIAN, Site, answer, html, redirect
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialnlp_assets.cli.extract import extract as extract_command
from socialnlp_assets.resources.articles.address import PageError, parse
from socialnlp_assets.resources.articles.articles import Articles, Enrichment
from socialnlp_assets.resources.articles.cache import PageCache
from socialnlp_assets.resources.articles.encoding import decode
from socialnlp_assets.resources.articles.extraction import Article, extract
from socialnlp_assets.resources.articles.reader import Reader
from socialnlp_assets.resources.articles.web import Web


def articles_for(*sites: Site) -> Articles:
    return Articles(allowed_hosts=[site.netloc for site in sites])


def test_an_article(site: Site) -> None:
    site.pages["/a"] = answer(html(title="A new grid | News Example"))
    found = articles_for(site).enrich(f" {site.url}/a\n")
    assert found.status == "fetched"
    assert found.article is not None
    assert found.article.text.count(ENGLISH.strip()) == 3
    assert found.article.language == "en"
    assert found.article.url == f"{site.url}/a"


def test_personal_data_of_a_page_is_replaced_unless_it_is_to_stay(site: Site) -> None:
    site.pages["/a"] = answer(html(f"{ENGLISH} Write to anna.rossi@example.com for more. "))
    replaced = articles_for(site).enrich(f"{site.url}/a").article
    kept = Articles(allowed_hosts=[site.netloc], keep_personal_data=True).enrich(f"{site.url}/a").article
    assert replaced is not None
    assert kept is not None
    assert "Write to [email] for more" in replaced.text
    assert kept.text == replaced.text.replace("[email]", "anna.rossi@example.com")


def english_link(href: str) -> str:
    return f'<link rel="alternate" hreflang="it" href="/it"><link rel="alternate" hreflang="en-GB" href="{href}">'


def test_the_english_version_is_preferred(site: Site) -> None:
    site.pages |= {"/it": answer(html(ITALIAN, "Una rete", english_link("/en"))), "/en": answer(html())}
    article = articles_for(site).enrich(f"{site.url}/it").article
    assert article is not None
    assert (article.title, article.language, article.url) == ("A new grid", "en", f"{site.url}/en")


def test_an_english_page_is_not_fetched_again(site: Site) -> None:
    site.pages["/a"] = answer(html(head=english_link("/en")))
    articles_for(site).enrich(f"{site.url}/a")
    assert site.paths() == ["/a"]


@pytest.mark.parametrize("href", ["/missing", "http://10.0.0.1/", "http://[", "/italian-too", "", "/it"])
def test_without_a_usable_english_version_the_page_itself_counts(site: Site, href: str) -> None:
    site.pages |= {
        "/it": answer(html(ITALIAN, "Una rete", english_link(href))),
        "/italian-too": answer(html(ITALIAN, "Ancora")),
    }
    article = articles_for(site).enrich(f"{site.url}/it").article
    assert article is not None
    assert (article.title, article.language) == ("Una rete", "it")


def test_each_address_is_fetched_once(site: Site) -> None:
    site.pages["/a"] = answer(html())
    articles = articles_for(site)
    articles.enrich_all([f"{site.url}/a"] * 3)
    articles.enrich(f"{site.url}/a")
    assert site.paths() == ["/a"]


def test_an_address_is_the_same_in_every_spelling(site: Site) -> None:
    site.pages |= {"/it": answer(html(ITALIAN, "Una rete", english_link("/en#top"))), "/en": answer(html())}
    articles = articles_for(site)
    for path in ("/it", "/it#comments", "/en", "/en#more"):
        assert articles.enrich(site.url.replace("http", "HTTP") + path).status == "fetched"
    assert site.paths() == ["/it", "/en"]


def test_a_later_run_has_what_an_earlier_one_read(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/it": answer(html(ITALIAN, "Una rete", english_link("/en"))),
        **{"/en": answer(html()), "/empty": answer(b""), "/error": answer(b"", 500)},
    }
    urls = [f"{site.url}{path}" for path in ("/it", "/en", "/empty", "/missing", "/error")]

    def run() -> dict[str, Enrichment]:
        cache = str(tmp_path / "state" / "articles.db")
        return Articles(allowed_hosts=[site.netloc], cache=cache, cache_days=1).enrich_all(urls)

    first = run()
    site.pages.clear()
    site.seen.clear()
    assert {url: found for url, found in run().items() if url != urls[-1]} == dict(list(first.items())[:-1])
    assert site.paths() == ["/error"]  # what may go better another time is asked for again


def test_what_is_kept_is_kept_for_some_days_and_not_without_end(tmp_path: Path) -> None:
    path, article = tmp_path / "articles.db", Article("A new grid", ENGLISH, "en", "http://a.example/")
    cache = PageCache(path, days=1, most=3)
    for number in range(5):
        cache.put(f"http://a.example/{number}", "fetched", article)
    assert [bool(cache.get(f"http://a.example/{number}")) for number in range(5)] == [False, False, True, True, True]
    assert cache.get("http://a.example/4") == ("fetched", article)
    assert PageCache(path, days=0).get("http://a.example/4") is None


def test_an_article_with_the_fields_of_another_version_is_read_anew(tmp_path: Path) -> None:
    cache = PageCache(tmp_path / "articles.db", days=1)
    cache.put("http://a.example/", "fetched", Article("A new grid", ENGLISH, "en", None))
    with sqlite3.connect(cache.path) as pages:
        pages.execute("""UPDATE pages SET article = '{"headline": "A new grid"}'""")
    assert cache.get("http://a.example/") is None


@pytest.mark.parametrize("data", [b"no database at all" * 100, None])
def test_a_cache_that_cannot_be_used_is_done_without(site: Site, tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "articles.db"
    path.write_bytes(data) if data else path.mkdir()
    site.pages["/a"] = answer(html())
    assert Articles(allowed_hosts=[site.netloc], cache=str(path)).enrich(f"{site.url}/a").status == "fetched"


def test_one_bad_page_never_fails_the_hour(site: Site) -> None:
    site.pages |= {
        **{"/good": answer(html()), "/empty": answer(b""), "/pdf": answer(b"%PDF", Content_Type="application/pdf")},
        **{"/inside": redirect("http://192.168.0.1/"), "/error": answer(b"", 500)},
    }
    outcomes = {
        f"{site.url}/good": "fetched",
        f"{site.url}/empty": "no article found",
        f"{site.url}/pdf": "not a web page",
        f"{site.url}/inside": "refused: private address",
        f"{site.url}/error": "HTTP 500",
        f"{site.url}/missing": "HTTP 404",
        "http://169.254.169.254/latest/meta-data": "refused: private address",
        "ftp://news.example/a": "refused: not http or https",
        "not a link": "refused: malformed address",
        "": "refused: no address",
    }
    found = articles_for(site).enrich_all(outcomes)
    assert {url: enrichment.status for url, enrichment in found.items()} == outcomes
    assert [url for url, enrichment in found.items() if enrichment.article] == [f"{site.url}/good"]


def test_several_hosts_are_read_side_by_side(new_site: Callable[[], Site], monkeypatch: pytest.MonkeyPatch) -> None:
    sites, together = [new_site() for _ in range(3)], threading.Barrier(3, timeout=10)

    def page(handler: BaseHTTPRequestHandler) -> None:
        together.wait()  # breaks unless all three are asked at once
        answer(html())(handler)

    names = [f"news{number}.example:{site.port}" for number, site in enumerate(sites)]
    for site in sites:
        site.pages["/a"] = page
    monkeypatch.setattr(Articles, "web", Web(frozenset(names), resolve=lambda *_: ["127.0.0.1"]))
    articles = Articles()
    found = articles.enrich_all([f"http://{name}/a" for name in names])
    assert {enrichment.status for enrichment in found.values()} == {"fetched"}


def test_a_host_that_is_silent_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        raise OSError("no such host")

    monkeypatch.setattr(Articles, "web", Web(resolve=resolve))
    articles = Articles()
    found = articles.enrich_all([f"http://gone.example/{n}" for n in range(20)])
    assert len(found) == 20
    assert {enrichment.status for enrichment in found.values()} == {"host not found", "host does not answer"}
    assert asked == ["gone.example"]


def test_when_the_hours_time_is_up_the_rest_stay_as_delivered(site: Site) -> None:
    articles = Articles(allowed_hosts=[site.netloc], hour_seconds=-1)
    assert articles.enrich_all([f"{site.url}/a"]) == {f"{site.url}/a": Enrichment("no time left in this hour")}


@pytest.mark.parametrize(
    ("page", "content_type"),
    [
        ("<p>perché</p>".encode(), "text/html; charset=utf-8"),
        ("<p>perché</p>".encode("latin-1"), 'text/html; charset="ISO-8859-1"'),
        ("<p>perché</p>".encode("latin-1"), "text/html; charset=utf-8"),
        ('<meta charset="iso-8859-15"><p>perché</p>'.encode("iso-8859-15"), "text/html"),
        ("<p>perché</p>".encode("utf-16"), "text/html"),
        ("<p>perché</p>".encode("utf-8-sig"), ""),
        ("<p>perché</p>".encode("cp1252"), "text/html; charset=no-such"),
    ],
)
def test_encodings(page: bytes, content_type: str) -> None:
    assert "<p>perché</p>" in decode(page, content_type)


@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-16le", "us-ascii", "iso-8859-2", "windows-1251", "koi8-r", "macintosh", "gb2312", "gbk"),
        *("gb18030", "big5", "euc-jp", "euc-kr", "shift_jis", "iso-2022-jp", "ibm866"),
    ],
)
def test_the_encodings_of_the_web_are_taken_by_their_names(encoding: str) -> None:
    # Of bytes that UTF-8 and Windows-1252 would read otherwise, where the encoding has such.
    text = next(text for text in ("電", "전", "ф", "ł", "é", "e") if text.encode(encoding, "ignore"))
    assert decode(text.encode(encoding), f"text/html; charset={encoding}") == text


@pytest.mark.parametrize("codec", ["punycode", "utf-7", "unicode_escape", "cp037"])
def test_no_other_codec_of_python_is_taken_from_a_page(codec: str) -> None:
    page = rb"<p>a\x62</p> +AGE- -kva"
    assert page.decode(codec) != page.decode()
    assert decode(page, f"text/html; charset={codec}") == page.decode()


@pytest.mark.parametrize(
    "page",
    [
        *("", " ", "\0", "<", "plain text", "<html></html>", "<!--", "<?xml version='1.0' encoding='utf-8'?><html/>"),
        *("<div>" * 20_000, "<p>x" * 5_000, "<a href='" + "x" * 100_000, "\ud800", "&#0;&#xD800;&bogus;" * 100),
        "<script type='application/ld+json'>{\"articleBody\": " + "[" * 2000,
    ],
)
def test_pages_that_hold_no_article_do_not_crash(page: str) -> None:
    extract(page, "http://news.example/")


TAGS = ["p", "div", "article", "h1", "table", "tr", "ul", "li", "script", "a", "meta", "link", "br", "pre"]
ATTRIBUTES = [
    "",
    " hreflang='en' href='/x'",
    " rel=alternate hreflang=EN_us href=//[",
    " property='og:title' content='x'",
    " lang=",
]
pieces = st.sampled_from([f"<{end}{tag}{extra}>" for tag in TAGS for extra in ATTRIBUTES for end in ("", "/")])
fragments = pieces | st.text(max_size=20) | st.sampled_from([ENGLISH, "<!--", "]]>", "&amp", "\0", "<?"])
pages = st.lists(fragments, max_size=12).map("".join)


def check_extraction(page: str) -> None:
    try:
        article = extract(page, "http://news.example/a")
    except PageError:  # it is a wall, or a page that is not found
        return
    if article is not None:
        assert article.text
        json.dumps([article.text, article.title]).encode()


def fuzz(check: Callable[[str], None], examples: st.SearchStrategy[str], number: int) -> None:
    settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))(given(examples)(check))()


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    ["<a href='/x'>link</a>" * 200_000, "<p " + " ".join(f"a{n}=x" for n in range(500_000)) + ">x", "x<br>" * 500_000],
    ids=["links", "attributes", "lines"],
)
def test_a_page_that_keeps_the_libraries_busy_is_given_up_and_the_next_is_read(body: str) -> None:
    reader = Reader(seconds=3.0)
    try:
        with pytest.raises(PageError, match=r"could not be read in time|takes too much memory"):
            reader.extract(body, "http://news.example/slow")
        reader.seconds = 60.0
        article = reader.extract(html().decode(), "http://news.example/a")
        assert article
        assert article.title == "A new grid"
    finally:
        reader.close()


def test_any_html() -> None:
    fuzz(check_extraction, pages, 200)


@pytest.mark.slow
def test_any_html_in_two_thousand_examples() -> None:
    fuzz(check_extraction, pages, 2_000)


hosts = st.sampled_from(
    ["127.0.0.1", "0x7f.1", "[::1]", "news.example", "a@b", "2130706433", "", "é.example", "[v1.x]"]
)
urls = st.text() | st.builds(
    "{}://{}{}{}".format, st.sampled_from(["http", "https", "file"]), hosts, st.text(), st.text()
)


def check_url(url: str) -> None:
    try:
        target = parse(url)
    except PageError:
        return
    assert target.scheme in ("http", "https")
    assert parse(target.url) == target
    assert target.url.isascii()
    assert "\n" not in target.url


def test_any_url() -> None:
    fuzz(check_url, urls, 200)


@pytest.mark.slow
def test_any_url_in_two_thousand_examples() -> None:
    fuzz(check_url, urls, 2_000)


@pytest.mark.parametrize("packed", [False, True])
def test_extract_a_saved_page(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(gzip.compress(html()) if packed else html())
    result = CliRunner().invoke(extract_command, [str(path)])
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert list(shown) == ["title", "text", "language", "url"]
    assert (shown["title"], shown["language"]) == ("A new grid", "en")


def test_extract_a_url(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/a"] = answer(html())
    refused = CliRunner().invoke(extract_command, [f"{site.url}/a"])
    assert refused.exit_code == 1
    assert "refused: private address; name its host:port in SOCIALNLP_ARTICLE_ALLOWED_HOSTS" in refused.stderr
    for hosts in (f"[::1]:80, {site.netloc}", json.dumps([site.netloc])):
        monkeypatch.setenv("SOCIALNLP_ARTICLE_ALLOWED_HOSTS", hosts)
        assert json.loads(CliRunner().invoke(extract_command, [f"{site.url}/a"]).stdout)["url"] == f"{site.url}/a"


@pytest.mark.parametrize(
    "data", [None, b"", b"\x1f\x8bdamaged", gzip.compress(b"<p>x</p>", mtime=0)[:-9], b"\x89PNG\r\n\0\0"]
)
def test_extract_says_in_one_line_what_is_wrong(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "page.html"
    if data is not None:
        path.write_bytes(data)
    result = CliRunner().invoke(extract_command, [str(path)])
    assert result.exit_code == 1
    assert str(path) in result.stderr
    assert result.stderr.count("\n") == 1
