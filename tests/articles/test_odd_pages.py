"""Pages as the web has them: what browsers forgive is forgiven, and what is no article is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from article_sites import ENGLISH, Site, answer, html
from hypothesis import given, settings
from hypothesis import strategies as st

from socialnlp_assets.resources.articles.address import PageError
from socialnlp_assets.resources.articles.articles import Articles
from socialnlp_assets.resources.articles.encoding import decode
from socialnlp_assets.resources.articles.extraction import extract
from socialnlp_assets.resources.articles.reader import Reader

TYPOGRAPHY = "The company’s tariff costs 120 € – “more”, said the café"


@pytest.mark.parametrize("label", ["iso-8859-1", "ISO-8859-1 ", "latin1", "us-ascii", "windows-1252", "l1", "cp819"])
@pytest.mark.parametrize("declared", ["header", "meta", "http-equiv", "xml"])
def test_labels_mean_what_browsers_take_them_for(label: str, declared: str) -> None:
    head = {
        "header": "",
        "meta": f"<meta charset='{label}'>",
        "http-equiv": f'<meta http-equiv=Content-Type content="text/html; charset={label.strip()}">',
        "xml": f'<?xml version="1.0" encoding="{label.strip()}"?>',
    }[declared]
    page = f"{head}<p>{TYPOGRAPHY}</p>".encode("cp1252")
    header = f"text/html; charset={label}" if declared == "header" else "text/html"
    assert TYPOGRAPHY in decode(page, header)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        *(("shift_jis", "①電気"), ("euc-kr", "똠방"), ("gb2312", "電氣€"), ("big5", "電氣"), ("iso-8859-9", "ığş’")),
        *(("windows-1251", "свет"), ("iso-8859-11", "ไฟฟ้า"), ("x-sjis", "①")),
    ],
)
def test_labels_of_subsets_are_read_as_their_supersets(label: str, text: str) -> None:
    wide = {"shift_jis": "cp932", "x-sjis": "cp932", "euc-kr": "cp949", "gb2312": "gb18030", "iso-8859-9": "cp1254"}
    encoded = text.encode({"iso-8859-11": "cp874"}.get(label) or wide.get(label, label))
    assert text in decode(f"<meta charset={label}><p>".encode() + encoded)


@pytest.mark.parametrize(
    "decoy",
    [
        *("<!-- charset=windows-1251 -->", "<!-- <meta charset=windows-1251> -->", "<!DOCTYPE html>"),
        *("<script>var m = '<meta charset=windows-1251>';</script>", "<style>@charset 'windows-1251';</style>"),
        *("<title>charset=windows-1251</title>", "<meta name=description content='text/html; charset=windows-1251'>"),
        *("<link charset=windows-1251 href=x>", "<meta content='charset=windows-1251' charset='utf-8'>"),
        *("<meta charset=no-such>", "<meta charset=utf-7>", "<noscript><meta charset=windows-1251></noscript>"),
    ],
)
def test_only_the_documents_own_declaration_counts(decoy: str) -> None:
    page = f"<html><head>{decoy}<meta charset='utf-8'></head><p>{TYPOGRAPHY}</p>"
    assert decode(page.encode()) == page


def test_a_byte_order_mark_counts_before_all_else_and_the_header_before_the_page() -> None:
    assert decode("\ufeff<meta charset=koi8-r>é".encode(), "text/html; charset=koi8-r").endswith("é")
    assert decode("<meta charset=koi8-r>é".encode(), "text/html; charset=utf-8").endswith("é")


@pytest.mark.parametrize("declaration", ["<meta charset=utf-8>", ""])
@given(at=st.integers(0, 2000), byte=st.integers(0x80, 0xFF))
@settings(deadline=None)
def test_a_bad_byte_costs_one_character(declaration: str, at: int, byte: int) -> None:
    page = f"{declaration}<p>{TYPOGRAPHY} {'and more ’ ' * 20}</p>"
    characters = list(page)
    at %= len(characters)
    data = "".join(characters[:at]).encode() + bytes([byte]) + "".join(characters[at:]).encode()
    read = decode(data)
    assert len(read) == len(page) + 1
    assert read[:at] + read[at + 1 :] == page


def article_of(page: str) -> str:
    article = extract(page, "http://news.example/a")
    assert article is not None
    assert "substations" in article.text
    return article.text


@given(code=st.integers(0, 0x9F) | st.sampled_from([0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x110000, 10**20]))
@settings(deadline=None, max_examples=60)
def test_any_reference_to_a_character_that_is_none_leaves_the_article(code: int) -> None:
    for reference in (f"&#{code};", f"&#x{code:x};", f"&#{code:08d};"):
        text = article_of(html(ENGLISH + reference, title=f"A new grid{reference}").decode())
        assert not any(character < " " and character not in "\n\t" for character in text)


@pytest.mark.parametrize(("reference", "character"), [("&#x80;", "€"), ("&#146;", "’"), ("&#0;", "\ufffd")])
def test_references_mean_what_browsers_take_them_for(reference: str, character: str) -> None:
    assert f"12 {character} more" in article_of(html(f"{ENGLISH} 12 {reference} more").decode())


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1f", "\x7f", "\ufffe"])
def test_control_characters_leave_the_article(character: str) -> None:
    article_of(html(ENGLISH + character).decode())


@pytest.mark.parametrize("depth", [100, 260, 600])
@pytest.mark.parametrize("tag", ["div", "span", "b", "blockquote", "table><tr><td", "div>x <div", "font"])
def test_an_article_within_hundreds_of_elements(tag: str, depth: int) -> None:
    article_of(html().decode().replace("<article>", f"<{tag}>" * depth + "<article>"))


def test_an_article_beside_hundreds_of_elements() -> None:
    article_of(html().decode().replace("</body>", "<div>reply " * 600 + "</body>"))


def test_an_article_laid_out_by_a_table() -> None:
    menu = "<table width=100%><tr><td><a href=/>Home</a><br><a href=/n>News</a></td><td>"
    page = html().decode().replace("<article>", menu).replace("</article>", "</td></tr></table>")
    text = article_of(page)
    assert "|" not in text


def test_a_table_in_an_article_stays() -> None:
    table = "<table><tr><th>Year</th><th>Price</th></tr><tr><td>2025</td><td>0.31</td></tr></table>"
    assert "0.31" in article_of(html().decode().replace("</article>", f"{table}</article>"))


def page(title: str, *paragraphs: str) -> str:
    body = "".join(f"<p>{one}</p>" for one in paragraphs)
    return f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{body}</article></body></html>"


NO_ARTICLES = {
    "consent wall": [
        page(
            "We value your privacy",
            "We and our 842 partners store and access information on a device, such as cookies, and process personal "
            "data such as unique identifiers. You may accept or manage your choices, including your right to object "
            "where legitimate interest is used.",
            "These choices will be signaled to our partners and will not affect browsing data.",
        ),
        page(
            "Il Giornale",
            "Noi e i nostri 731 fornitori archiviamo informazioni su un dispositivo, come i cookie, e trattiamo i dati "
            "personali, quali gli identificatori unici. Puoi accettare o gestire le tue scelte, incluso il diritto di "
            "opporti in caso di interesse legittimo.",
            "Puoi revocare il consenso nella pagina della privacy in qualsiasi momento.",
        ),
        page(
            "Le Journal",
            "Avec votre accord, nos partenaires et nous utilisons des cookies pour stocker et accéder à des données "
            "personnelles. Vous pouvez retirer votre consentement ou vous opposer aux traitements fondés sur "
            "l’intérêt légitime dans notre politique de confidentialité.",
        ),
        page(
            "Gazeti",
            "Sisi na washirika wetu 210 tunatumia vidakuzi kuhifadhi data binafsi kwenye kifaa chako. Unaweza kubali "
            "au kataa, na kubadilisha idhini yako katika sera ya faragha.",
        ),
    ],
    "page not found": [
        page("Page not found", "Sorry, the page that you are looking for does not exist any more or has been moved."),
        page("404 | News Example", "You may want to read the most popular stories of today, chosen by our editors."),
        page("Pagina non trovata - Il Giornale", "Usa la ricerca o torna alla prima pagina del nostro giornale."),
        page("Oops!", "We can't find the page that you are looking for. Please try the search box above instead."),
        page("Page introuvable", "Retournez à la page d'accueil ou utilisez la recherche pour trouver un article."),
        page("Gazeti", "Samahani, ukurasa unaoutafuta haupatikani. Rudi kwenye ukurasa wa mwanzo wa gazeti letu."),
        page("News Example", "This story is no longer available. It may have expired. Read our latest ones."),
    ],
    "bot check": [
        page("Just a moment...", "Checking your browser before you can go on. It takes a few seconds. Ray ID: 7c1f"),
        page("Are you a robot?", "Please make sure your browser supports JavaScript and cookies. Do the CAPTCHA."),
        page("Attention Required!", "Enable JavaScript and cookies to continue. We want to know that you are human."),
        page("Accesso negato", "Abbiamo rilevato traffico insolito. Verifica di non essere un robot per continuare."),
        page("Accès refusé", "Activez JavaScript et confirmez que vous êtes humain pour continuer votre visite."),
        page("Thibitisha", "Thibitisha kwamba wewe ni binadamu, si roboti. Washa JavaScript kisha jaribu tena."),
    ],
    "no article found": [
        "<html><head><title>Site</title></head><body><table><tr><td>Home</td><td>News</td><td>Contact us</td></tr>"
        "<tr><td>Tel 02 123456</td><td>Open 9-18</td><td>Monday to Friday</td></tr></table></body></html>"
    ],
}


@pytest.mark.parametrize(("status", "body"), [(status, one) for status, pages in NO_ARTICLES.items() for one in pages])
def test_what_is_served_with_status_200_and_is_no_article(site: Site, status: str, body: str) -> None:
    site.pages["/a"] = answer(body.encode())
    found = Articles(allowed_hosts=[site.netloc]).enrich(f"{site.url}/a")
    assert (found.status, found.article) == (status, None)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Cookies under scrutiny", "The authority fined a publisher over its cookies. Readers could not refuse them. "),
        ("404 homes without power", "Four hundred and four homes were dark on Monday, said the grid company. "),
        ("Not found guilty", "The court acquitted the manager. Nobody had found the missing page of the contract. "),
        ("Robots inspect the dam", "Are you a robot, children asked the machine that checks the dam for cracks. "),
        ("Sorry", "The company's chief said sorry to those who had no light. The council wants more than words. "),
    ],
)
def test_articles_about_such_things_are_articles(title: str, text: str) -> None:
    article = extract(page(title, text + ENGLISH, ENGLISH * 2, ENGLISH * 3, ENGLISH * 2))
    assert article is not None
    assert article.title == title


def test_a_wall_may_be_gone_tomorrow_and_is_not_remembered(site: Site, tmp_path: Path) -> None:
    kept = {"allowed_hosts": [site.netloc], "cache": str(tmp_path / "articles.db"), "cache_days": 1}
    site.pages["/a"] = answer(NO_ARTICLES["consent wall"][0].encode())
    assert Articles.model_validate(kept).enrich(f"{site.url}/a").status == "consent wall"
    site.pages["/a"] = answer(html())
    assert Articles.model_validate(kept).enrich(f"{site.url}/a").status == "fetched"


READS_A_LARGE_PAGE = """
import json, resource, sys
from contextlib import suppress
from socialnlp_assets.resources.articles.address import PageError
from socialnlp_assets.resources.articles.reader import Reader
large, ordinary = json.load(sys.stdin)
reader = Reader(seconds=60.0)
if sys.argv[1:] == ["copied"]:
    reader.prepare()
with suppress(PageError):
    assert reader.extract(large, "http://news.example/large") is None
assert reader.extract(ordinary, "http://news.example/a")
reader.close()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "started"),
    [
        ("<a href='/x'>link</a>" * 400_000, "anew"),
        ("<table>" + ("<tr>" + "<td>x</td>" * 10 + "</tr>") * 80_000, "copied"),
    ],
    ids=["links", "cells"],
)
def test_a_page_that_takes_hundreds_of_megabytes_is_given_up_and_the_next_is_read(body: str, started: str) -> None:
    # In a program of its own: a child's peak is told with that of whoever started it, and the tests' own is large.
    outcome = subprocess.run(
        [sys.executable, "-c", READS_A_LARGE_PAGE, started],
        input=json.dumps([body, html().decode()]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(outcome.stdout) <= 500 << 10


READS_AND_IS_GONE = """
import os, sys
from socialnlp_assets.resources.articles.reader import Reader
reader = Reader()
reader.prepare()
found = reader.extract(sys.stdin.read(), "http://news.example/a")
print(found.title, flush=True)
os._exit(0)
"""


def test_a_copy_that_reads_articles_reads_them_and_ends_with_its_program() -> None:
    # The copy has the program's output, too: whoever waits for its end waits for both.
    command = [sys.executable, "-c", READS_AND_IS_GONE]
    outcome = subprocess.run(command, input=html().decode(), capture_output=True, text=True, check=True, timeout=120)
    assert outcome.stdout == "A new grid\n"


@pytest.mark.slow
def test_nobody_waits_for_the_pages_of_others_without_end() -> None:
    reader = Reader(seconds=60.0, patience=0.0)
    reader._lock.acquire()
    try:
        with pytest.raises(PageError, match="could not be read in time"):
            reader.extract(html().decode(), "http://news.example/a")
    finally:
        reader._lock.release()
        reader.close()


def test_a_machine_too_busy_to_start_the_process_is_no_mistake_of_the_hour() -> None:
    with pytest.raises(TimeoutError, match="too busy; run the hour again later"):  # so a second try is asked for
        Reader(patience=0.001).extract("<p>Words.</p>", "https://news.example/a")
