"""A page's bytes as text, as browsers read them (WHATWG's Encoding and HTML standards).

A byte order mark counts before the header, the header before the page's own declaration. A label means what browsers
take it for: `iso-8859-1` is Windows-1252. One bad byte costs one character and not the page.
"""

from __future__ import annotations

import codecs
import re

import webencodings

DECLARED_WITHIN = 4096  # bytes; the standard says 1024, and pages exceed it
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Python's own codecs know fewer characters than browsers do by these names.
_SUPERSETS = {"shift_jis": "cp932", "euc-kr": "cp949", "gbk": "gb18030", "x-user-defined": "cp1252"}
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_UNDECLARED = re.compile(  # where what looks like a declaration is none
    rb"<!--.*?(?:-->|\Z)|<(script|style|title|textarea|noscript|template|xmp)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(rb"""<(/?[a-z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""([^\s=/"'>]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_XML = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9_.:-]+)["']""", re.IGNORECASE)


def decode(page: bytes, content_type: str = "") -> str:
    """The page as text, by the first of: its byte order mark, the header's charset, its own, UTF-8.

    Bytes that are no UTF-8 are read as Windows-1252, one by one.
    """
    for mark, encoding in _MARKS:
        if page.startswith(mark):
            return page[len(mark) :].decode(encoding, "replace")
    header = _HEADER.search(content_type)
    encoding = (header and _codec(header[1])) or _declared(page[:DECLARED_WITHIN]) or "utf-8"
    if encoding == "utf-8":
        return page.decode("utf-8", "page")
    return page.decode(encoding, "replace")


def _declared(head: bytes) -> str | None:
    """The encoding that the document declares: in a `<meta>` of its own, or in its XML declaration."""
    for tag in _TAG.finditer(_UNDECLARED.sub(b" ", head)):
        if tag[1].lower() != b"meta":
            continue
        attributes: dict[bytes, str] = {}
        for name, *values in _ATTRIBUTE.findall(tag[2]):
            attributes.setdefault(name.lower(), b"".join(values).decode("latin-1"))
        label = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", "").strip().lower() == "content-type":
            content = _HEADER.search(attributes.get(b"content", ""))
            label = content[1] if content else None
        if label and (codec := _codec(label)):
            # A declaration that can be read as ASCII is not in UTF-16, whatever it says.
            return "utf-8" if codec.startswith("utf-16") else codec
    declared = _XML.match(head.lstrip())
    return _codec(declared[1].decode()) if declared else None


def _codec(label: str) -> str | None:
    """Python's codec for the web's `label`; None for what is no encoding of the web."""
    found = webencodings.lookup(label)
    if found is None or found.name == "replacement":  # by which browsers show nothing
        return None
    return _SUPERSETS.get(found.name) or str(found.codec_info.name)


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("page", _as_windows)
