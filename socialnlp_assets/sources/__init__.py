"""Where messages come from: one module, or one small package, a source; and the list of them.

To add one, subclass `Source` and name it in `SOURCES`, or, in a package of your own, in the entry-point group
``socialnlp_assets.sources``. The list is read when the code location is loaded: import what is heavy where it is used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib.metadata import entry_points

from socialnlp_assets import landing
from socialnlp_assets.landing import Message, Reject, Row, Shape
from socialnlp_assets.sources.feeds import Feeds
from socialnlp_assets.sources.google_maps import GoogleMaps
from socialnlp_assets.sources.mastodon import Mastodon
from socialnlp_assets.sources.source import DROPPED, Source
from socialnlp_assets.sources.sprinklr import Sprinklr

GROUP = "socialnlp_assets.sources"
# Of a dropped message whose shape nothing tells, the first is taken for the source.
SOURCES: tuple[type[Source], ...] = (Sprinklr, GoogleMaps, Feeds, Mastodon)


class SourceKindError(ValueError):
    """An installed source does not fit; the message says which and what to do."""


@cache
def known_sources() -> Mapping[str, type[Source]]:
    """Every source by name: ours, then those of installed packages. Raises `SourceKindError`."""
    known = {source.name: source for source in SOURCES}
    for point in entry_points(group=GROUP):
        remedy = f"correct the entry point {point.name!r} of the group {GROUP}, or uninstall its package"
        try:
            source = point.load()
        except (ImportError, AttributeError) as error:
            raise SourceKindError(f"{point.value} cannot be loaded: {error}; {remedy}") from error
        if not (isinstance(source, type) and issubclass(source, Source)):
            raise SourceKindError(f"{point.value} is no Source; {remedy}")
        if source.name != point.name:
            raise SourceKindError(f"{point.value} calls itself {source.name!r}; {remedy}")
        if source.name in (*known, DROPPED):
            raise SourceKindError(f"{point.value}: there is a source {source.name!r} already; {remedy}")
        known[source.name] = source
    return known


def shapes() -> list[Shape]:
    """Every source's shape: what a file that lands may hold."""
    return [source.shape for source in known_sources().values()]


def standardise(message: Message, kinds: Collection[str] = ()) -> Row | Reject:
    """A message as a row of POSTS, by the shape of the source among `kinds` (all of them, where there are none) that
    has most of its signs on it; where none has any, the first."""
    known = known_sources()
    name = max(kinds or known, key=lambda kind: len(known[kind].shape.signs & message.raw.keys()))
    return landing.standardise(message, name, known[name].shape)
