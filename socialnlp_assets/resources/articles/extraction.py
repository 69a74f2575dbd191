"""What a page says: its article's title, text and language, and where its English version is.

trafilatura finds title and text. Readers' comments are left out: they are other people's words. Measured
on saved news pages by `benchmarks/article_extraction.py`.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from socialnlp_assets.nlp.language import UNDETERMINED, detect

HTML_LIMIT = 8 << 20  # characters
_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
# The web's encodings (WHATWG), as Python names them. Its other codecs are not for strangers: 800 kB of punycode take
# ten seconds.
_WEB_ENCODING = re.compile(
    r"utf-8(-sig)?|utf-16(-[lb]e)?|ascii|iso8859-\d+|cp125\d|cp866|cp874|cp932|cp949|koi8-[ru]|mac-(roman|cyrillic)"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|euc_(jp|kr)|shift_jis|iso2022_jp"
)
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
    """The article of a page that was found at `url`; None when there is no text to be found in it."""
    import trafilatura
    from lxml.etree import LxmlError

    try:
        tree = trafilatura.load_html(_clean(html))
        if tree is None:
            return None
        english_url = _english_version(tree, url)
        found: Any = trafilatura.bare_extraction(tree, url=url, include_comments=False, with_metadata=True)
    except (LxmlError, ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError, AssertionError):
        return None  # strangers' HTML meets corners of the libraries that their authors did not
    text = (found.text or "").strip() if found else ""
    if not text:
        return None
    language = detect(text)[0]
    return Article(
        title=_title(found, url),
        text=text,
        language=None if language == UNDETERMINED else language,
        url=url or found.url,
        english_url=english_url,
    )


def decode(page: bytes, content_type: str = "") -> str:
    """A page as text: by its byte order mark, the header, its own `<meta>`, as UTF-8, as Windows-1252."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if page.startswith(mark):
            return page.decode(encoding, "replace")
    for source in (content_type.encode("latin-1", "replace"), page[:4096]):
        if named := _CHARSET.search(source):
            try:
                encoding = codecs.lookup(named[1].decode()).name
                if _WEB_ENCODING.fullmatch(encoding):
                    return page.decode(encoding)
            except (LookupError, UnicodeError):
                continue
    try:
        return page.decode()
    except UnicodeDecodeError:
        return page.decode("cp1252", "replace")


def _clean(html: str) -> str:
    # lxml refuses an encoding declaration in text that is decoded already, and NUL.
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", html[:HTML_LIMIT].replace("\0", ""))


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
