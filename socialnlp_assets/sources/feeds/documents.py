"""A feed's document, RSS, Atom or JSON Feed, as entries: what each says, HTML and all, under the same names."""

from __future__ import annotations

import calendar
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Entry = dict[str, Any]
MOST_IDENTITY = 1000  # characters of an entry's own identity; longer ones are hashed
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_ENDED = re.compile(rb"</(?:rss|feed|(?:rdf:)?RDF)\s*>\s*\Z")


class NoFeed(Exception):
    """The document is none of the three."""


@dataclass(frozen=True)
class Document:
    """A feed as it was read; where it is not `whole`, it was broken and this is what could be read of it."""

    entries: list[Entry]
    whole: bool = True


def read_document(body: bytes, content_type: str, feed: str, found_at: str) -> Document:
    """The entries of the feed `feed`, whose document was found at an address, in its order. Raises `NoFeed`."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return Document(list(_json_entries(body, feed)))
    import feedparser

    # As a stream: feedparser takes bytes that are no XML for the name of a file, and opens that.
    headers = {"content-type": content_type, "content-location": found_at}
    try:
        found = feedparser.parse(io.BytesIO(body), response_headers=headers)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, AssertionError) as error:
        raise NoFeed(f"cannot be parsed ({type(error).__name__})") from None  # such as `&#xD800;`, half an emoji
    if not found.get("version"):
        raise NoFeed("is no RSS, Atom or JSON Feed")
    entries = [_xml_entry(entry, found.feed, feed) for entry in found.entries]
    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    if not found.bozo or isinstance(found.bozo_exception, harmless):
        return Document(entries)
    return Document(entries if _ENDED.search(body) else entries[:-1], whole=False)  # the last may be half an entry


def _xml_entry(entry: Any, about: Any, feed: str) -> Entry:
    contents = [content for content in entry.get("content", ()) if content.get("value")]
    details = [*contents, entry.get("summary_detail") or {}, entry.get("title_detail") or {}, about]
    text = contents[0]["value"] if contents else ""
    return _entry(
        feed,
        entry.get("id"),
        title=entry.get("title"),
        text=text or entry.get("summary"),
        link=entry.get("link"),
        author=entry.get("author"),
        published=_utc(entry.get("published_parsed") or entry.get("updated_parsed")),
        language=next((found["language"] for found in details if found.get("language")), None),
        categories=[tag["term"] for tag in entry.get("tags", ()) if tag.get("term")],
    )


def _json_entries(body: bytes, feed: str) -> Iterator[Entry]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NoFeed("is JSON that is cut short or broken") from None
    if "jsonfeed.org/version/" not in str(document.get("version")) or not isinstance(document.get("items"), list):
        raise NoFeed("is JSON, but no JSON Feed")
    for item in document["items"]:
        if not isinstance(item, dict):
            continue
        authors = item.get("authors") or item.get("author") or document.get("authors")
        first = authors[0] if isinstance(authors, list) else authors  # version 1.0 had one
        yield _entry(
            feed,
            item.get("id"),
            title=item.get("title"),
            text=item.get("content_html") or _as_html(item.get("content_text")) or item.get("summary"),
            link=item.get("url") or item.get("external_url"),
            author=first.get("name") if isinstance(first, dict) else None,
            published=item.get("date_published") or item.get("date_modified"),
            language=item.get("language") or document.get("language"),
            categories=item.get("tags"),
        )


def _entry(feed: str, identity: Any, **said: Any) -> Entry:
    """An entry with an identity of its own: one that is a URI is the same in any feed, a number in this one alone."""
    link = said["link"]
    if not (isinstance(link, str) and link.startswith(("http://", "https://"))):
        said["link"] = link = None
    name = str(identity).strip() if isinstance(identity, str | int) else ""
    if not name:
        name = link or _digest(f"{said['title']}\0{said['text']}")
    if len(name) > MOST_IDENTITY:
        name = _digest(name)
    said = {key: value for key, value in said.items() if value not in (None, "", [])}
    return {"entry_id": name if _SCHEME.match(name) else f"{feed}#{name}", "feed": feed, **said}


def _utc(parsed: Any) -> str | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC).isoformat() if parsed else None
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _as_html(text: Any) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>") if isinstance(text, str) else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
