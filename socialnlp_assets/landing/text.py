"""Bytes of a landed file into text, piece by piece: gzip, byte order marks, encodings.

Damage never raises: what could be read is yielded, and `Source.damage` then says what is wrong with the rest.
"""

from __future__ import annotations

import codecs
import contextlib
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

CHUNK = 256 * 1024
UNPACKED_LIMIT = 4 << 30  # bytes that a gzip file may unpack to
GZIP_MAGIC = b"\x1f\x8b"
SURROGATE = b"\xed"  # the first byte of half a surrogate pair in UTF-8


class Source:
    """A landed file's bytes, unpacked; `head` is a first look at them."""

    def __init__(self, data: bytes | Iterable[bytes]) -> None:
        self.damage: str | None = None
        pieces = (data[at : at + CHUNK] for at in range(0, len(data), CHUNK)) if isinstance(data, bytes) else data
        self.chunks: Iterator[bytes] = filter(None, pieces)
        self.head = self._peek()
        for _ in range(2):  # some deliver gzip in gzip
            if self.head.startswith(GZIP_MAGIC):
                self.chunks = self._gunzip(self.chunks)
                self.head = self._peek()

    def _peek(self) -> bytes:
        head = b""
        while len(head) < 8 and (chunk := next(self.chunks, b"")):
            head += chunk
        self.chunks = chain([head] if head else [], self.chunks)
        return head[:CHUNK]

    def _gunzip(self, packed: Iterator[bytes]) -> Iterator[bytes]:
        """The members of a gzip file, in pieces of bounded size however much they unpack to."""
        unpacker, total = zlib.decompressobj(wbits=31), 0
        for chunk in packed:
            while chunk:
                if unpacker.eof:  # another member, or the zeros that block devices pad with
                    chunk = chunk.lstrip(b"\0")
                    if not chunk:
                        break
                    unpacker = zlib.decompressobj(wbits=31)
                before = unpacker.copy()
                try:
                    piece = unpacker.decompress(chunk, CHUNK)
                except zlib.error as error:
                    self.damage = f"the gzip data is damaged ({error}); deliver the file again"
                    yield from _whole_part(before, chunk)
                    return
                total += len(piece)
                if total > UNPACKED_LIMIT:
                    self.damage = f"unpacks to more than {UNPACKED_LIMIT >> 30} GiB; deliver it in smaller files"
                    return
                if piece:
                    yield piece
                chunk = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        if not unpacker.eof:
            if piece := unpacker.flush():
                yield piece
            self.damage = "the gzip data is truncated; deliver the file again"

    def text(self) -> Iterator[str]:
        """The file as text, by its byte order mark, as UTF-16 without one, else as UTF-8.

        Bytes that are not UTF-8 are read as Windows-1252, one by one, so that a Latin-1 file, and a file
        to which several hands have written, come out as meant.
        """
        decoder = codecs.getincrementaldecoder(_encoding(self.head))(errors="landing")
        held = b""
        for chunk in self.chunks:
            data = held + chunk
            cut = data.find(SURROGATE, max(0, len(data) - 2))  # `_as_meant` needs to see all three bytes of one
            held = data[cut:] if cut >= 0 else b""
            yield decoder.decode(data[: len(data) - len(held)])
        yield decoder.decode(held, final=True)


def _whole_part(unpacker: zlib._Decompress, damaged: bytes) -> Iterator[bytes]:
    """What `damaged` holds before its damage."""
    with contextlib.suppress(zlib.error):
        for byte in damaged:
            if piece := unpacker.decompress(bytes([byte])):
                yield piece


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head[1:2] == b"\0" and head[:1] != b"\0":
        return "utf-16-le"
    if head[:1] == b"\0" and head[1:2] not in (b"", b"\0"):
        return "utf-16-be"
    return "utf-8-sig"


def _as_meant(error: UnicodeError) -> tuple[str, int]:
    """What the bytes that are not UTF-8 were meant to be, and where to go on."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if not error.encoding.startswith("utf-8"):
        return "\ufffd", error.end
    end = error.start + 3
    try:  # half of a surrogate pair, as some Java programs write emoji; `clean_text` joins the halves
        return error.object[error.start : end].decode("utf-8", "surrogatepass"), end
    except UnicodeDecodeError:
        wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return wrong.decode("latin-1"), error.end


codecs.register_error("landing", _as_meant)
