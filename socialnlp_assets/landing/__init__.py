"""Reading what sources deliver: files into records, records into rows. Pure functions; no Dagster, no lake.

`formats` turns a landed file into messages and rejects, `shape` turns a message into a row of `posts` by the shape
that its source describes; this room knows no source.
Nothing is ever lost: each record comes out as a row or as a reject that names file, position and remedy.
"""

from . import fields
from .formats import read_messages, read_records
from .mapping import Row, Shape, author_hash, field, standardise
from .message import Landed, Message, Reject

__all__ = [
    "Landed",
    "Message",
    "Reject",
    "Row",
    "Shape",
    "author_hash",
    "field",
    "fields",
    "read_messages",
    "read_records",
    "standardise",
]
