"""Reading what sources deliver: files into records, records into rows. Pure functions; no Dagster, no lake.

`formats` turns a landed file into messages and rejects, `shapes` turns a message into a row of `posts`.
Nothing is ever lost: each record comes out as a row or as a reject that names file, position and remedy.
"""

from .formats import read_messages, read_records
from .records import Landed, Message, Reject
from .shapes import author_hash, standardise

__all__ = [
    "Landed",
    "Message",
    "Reject",
    "author_hash",
    "read_messages",
    "read_records",
    "standardise",
]
