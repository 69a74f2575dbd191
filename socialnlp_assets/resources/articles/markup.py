"""A page's HTML as a tree that the extraction can read: what browsers forgive, mended beforehand."""

from __future__ import annotations

import re
from typing import Any

HTML_LIMIT = 8 << 20  # characters
WRAPPED_DEPTH, DEEPEST = 30, 150  # elements within one another; the extraction recurses and Python's stack ends
WRAPPED_DEPTH, DEEPEST = 30, 150  # elements within one another; the extraction recurses, and Python's stack ends
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ELEMENT = re.compile("<[a-zA-Z]")
_NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:[xX]0*([0-9a-fA-F]{1,6})(?![0-9a-fA-F])|0*([0-9]{1,7})(?![0-9]));?")
_TABLE = ("table", "thead", "tbody", "tr", "td")
_WRAPPERS = frozenset({"div", "span", "font", "b", "i", "center", "section", "blockquote", *_TABLE})
_SECTIONS = ("article", "section", "main", "header", "footer", "nav", "form")
_BLOCKS = ("p", "div", "h1", "h2", "h3", "h4", "blockquote", "table", *_SECTIONS)
_LAYOUT_TABLES = f"//table[not(.//th or ./caption) and .//td[{' or '.join(f'.//{block}' for block in _BLOCKS)}]]"


def tree_of(html: str) -> Any:
    """The root element of a page, or of as much of it as `HTML_LIMIT` allows; None for what holds no element. Raises
    lxml's errors."""
    from lxml.html import HTMLParser, fromstring

    # lxml refuses an encoding declaration in text that is decoded already, and characters that XML does not know.
    html = _XML_DECLARATION.sub("", _NOT_XML.sub(" ", html[:HTML_LIMIT]))
    html = _REFERENCE.sub(_character, html)
    if not _ELEMENT.search(html):
        return None
    parser = HTMLParser(
        collect_ids=False,
        default_doctype=False,
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    tree = fromstring(html.encode(), parser=parser)
    _open_layout_tables(tree)
    _flatten(tree)
    return tree


def _character(reference: re.Match[str]) -> str:
    """What a reference stands for in browsers: a character of Windows-1252, never a control character."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    if 0x80 <= code <= 0x9F:
        return bytes([code]).decode("cp1252", "replace")
    if code > 0x10FFFF or code == 0 or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
        return "\ufffd"
    return " " if _NOT_XML.match(chr(code)) else reference[0]


def _open_layout_tables(tree: Any) -> None:
    """Tables that lay out a page are no tables: their cells become blocks."""
    for table in tree.xpath(_LAYOUT_TABLES):
        for part in table.iter(*_TABLE):
            part.tag = "div"


def _flatten(tree: Any) -> None:
    """Of hundreds of elements within one another, those go that hold nothing of their own; the deepest are text."""
    for element in reversed(_at_depth(tree, WRAPPED_DEPTH)):
        if (
            element.tag in _WRAPPERS
            and len(element) == 1
            and not _is_text(element.text)
            and not _is_text(element[0].tail)
        ):
            element.drop_tag()
    for element in _at_depth(tree, DEEPEST, only=True):
        text = element.text_content()
        del element[:]
        element.text = text


def _at_depth(tree: Any, least: int, only: bool = False) -> list[Any]:
    """The elements within at least so many others, or exactly so many, in their order."""
    from lxml.etree import iterwalk

    found, depth = [], -1
    for event, element in iterwalk(tree, events=("start", "end")):
        depth += event == "start"
        if event == "start" and (depth == least if only else depth >= least):
            found.append(element)
        depth -= event == "end"
    return found


def _is_text(text: str | None) -> bool:
    return bool(text and text.strip())
