"""Addresses of posts without the people in them: no user name, password, e-mail address or handle.

Where a service finds a post by its number alone, the address keeps to that; where it needs the handle, what is left is
the service.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from .personal_data import REGIONS, replace_personal_data

LONGEST = 4096  # characters; what is longer is nobody's address
_PERSONAL_NAMES = re.compile(
    r"(?:e?-?mail|user(?:_?name|_?id)?|login|name|nome|nom|surname|cognome|phone|tel|telefono|mobile|pass(?:word|wd)?|pwd|"
    r"token|access_token|session(?:_?id)?|sid|auth|secret|fbclid|gclid|igshid|igsh|mc_eid|utm_\w+|share_\w+|author|uid"
    r"|profile)",
    re.IGNORECASE,
)
# host → (path with the post's number, the address that is the same post)
_POSTS: dict[str, list[tuple[str, str]]] = {
    "x.com": [(r"/[^/]+/status(?:es)?/(\d+)", "https://x.com/i/status/{0}")],
    "instagram.com": [(r"/(?:[^/]+/)?(p|reel|tv)/([\w-]+)", "https://www.instagram.com/{0}/{1}/")],
    "facebook.com": [
        (r"/(?:[^/]+|groups/[^/]+)/(?:posts|permalink|videos)/(?:[^/]*/)?(\d+)", "https://www.facebook.com/{0}"),
        (r"/(?:(?:reel|watch|share)/.*|\d+)", "{url}"),
    ],
    "tiktok.com": [(r"/@[^/]*/video/(\d+)", "https://www.tiktok.com/@/video/{0}")],
    "threads.net": [(r"/(?:@[^/]+/post|t)/([\w-]+)", "https://www.threads.net/t/{0}")],
    "linkedin.com": [
        (r"/posts/.*-(activity|share|ugcPost)-(\d+).*", "https://www.linkedin.com/feed/update/urn:li:{0}:{1}"),
        (r"/(?:feed|pulse|company|jobs)/.*", "{url}"),
    ],
    "reddit.com": [(r"(?:/(?:user|u|r)/[^/]+)?/comments/(\w+).*", "https://www.reddit.com/comments/{0}")],
    "youtube.com": [(r"/(?:watch|shorts|live|embed|playlist)\b.*", "{url}")],
    "medium.com": [(r"/@[^/]+/(?:.*-)?([0-9a-f]{8,12})", "https://medium.com/p/{0}"), (r"/(?!@).*", "{url}")],
    "bsky.app": [],
    "t.me": [],
}
_SAME = {"twitter.com": "x.com", "threads.com": "threads.net", "fb.com": "facebook.com"}
_HANDLE = re.compile(
    r"^/@[^/]+(?=/|$)|^/(?:user|users|u|profile|profiles|author|authors|in|people|contrib)/[^/]+(?=/|$)"
)


def clean_permalink(url: str) -> str:
    """`url` without what names a person in it.

    >>> clean_permalink("https://anna:pw@twitter.com/anna/status/17?s=20")
    'https://x.com/i/status/17'
    """
    if len(url) > LONGEST:
        return ""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _replaced(url)
    if not host or parts.scheme not in ("http", "https"):
        return "" if parts.scheme in ("mailto", "tel", "sms") else _replaced(url)
    netloc = (f"[{host}]" if ":" in host else host) + port
    plain = SplitResult(parts.scheme, netloc, parts.path, _query(parts.query), "")
    service = re.sub(r"^(?:www|m|mobile|web|old|[a-z]{2}-[a-z]{2}|[a-z]{2})\.", "", host)
    service = _SAME.get(service, service)
    if service in _POSTS:
        for path, same in _POSTS[service]:
            if found := re.fullmatch(path, parts.path.rstrip("/")):
                return same.format(*found.groups(), url=urlunsplit(plain))
        if parts.path.rstrip("/").endswith((".php", "/photo")):  # the post's number is in the query
            return urlunsplit(plain)
        return urlunsplit(plain._replace(path="/", query=""))
    return urlunsplit(plain._replace(path=_path(parts.path)))


def _query(query: str) -> str:
    if not query:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _PERSONAL_NAMES.fullmatch(name) and not _is_personal(value)]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _is_personal(value: str) -> bool:
    return re.match(r"@(?![\d.,-]+)", value) is not None or _replaced(value) != value


def _path(path: str) -> str:
    segments = _HANDLE.sub("", path).split("/")
    return "/".join("-" if _is_personal(unquote(one)) else one for one in segments) or "/"


def _replaced(text: str) -> str:
    return replace_personal_data(text, REGIONS)[0]
