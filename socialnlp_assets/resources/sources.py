"""Pulling one hour from a source: which landing files it makes, with which content.

Pure but for the asking: the caller writes the files, each as a whole. An hour's keys depend on nothing but the
hour and the workflows, and the messages of a file are sorted, so pulling an hour again gives the same bytes
under the same keys for as long as the source says the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from socialnlp_assets.partitions import folder_of
from socialnlp_assets.resources import google_maps, sprinklr
from socialnlp_assets.resources.google_maps import GoogleMapsResource
from socialnlp_assets.resources.sources_file import build_source
from socialnlp_assets.resources.sprinklr import SprinklrResource
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import Workflow

HOUR = timedelta(hours=1)
UNDETERMINED = frozenset({"", "und", "un", "unknown", "zxx", "mul"})


def pull_hour(
    source: SprinklrResource | GoogleMapsResource, workflows: Sequence[Workflow], hour: datetime
) -> dict[str, bytes]:
    """The landing files of an hour for the `workflows` that `source` feeds: key relative to the lake → JSON list.

    One file a workflow, an empty list where the source had nothing for it. Raises `SourceError`.
    """
    order: Callable[[Any], tuple[Any, str]]
    if isinstance(source, SprinklrResource):
        name, order = "sprinklr", _sprinklr_order
        languages = {workflow.name: workflow.source.languages for workflow in workflows}
        shares = split_by_language(source.messages(hour, hour + HOUR), languages, source.topics, source.rest)
    else:
        name, order = "google-maps", _review_order
        shares = {w.name: list(source.reviews(w.source.place_type or "", hour, hour + HOUR)) for w in workflows}
    return {
        f"landing/{workflow}/{folder_of(hour)}/{name}.json": landing_file(sorted(share, key=order))
        for workflow, share in shares.items()
    }


def landing_file(messages: Sequence[Any]) -> bytes:
    """Messages as a landing file. Equal messages give equal bytes, in whatever order their fields came."""
    return b"[" + b",".join(map(_as_delivered, messages)) + b"]"


def split_by_language(
    messages: Iterable[Any],
    routes: Mapping[str, Collection[str]],
    topics: Mapping[str, Collection[str]] | None = None,
    rest: str = "",
) -> dict[str, list[Any]]:
    """Share messages among the workflows of `routes`, by language and, where `topics` names some, by topic.

    A message goes to each workflow that takes its language: English to all that take English. One whose
    language the source does not know goes to all, which detect it and drop what is not theirs. One that
    nobody takes goes to the workflow `rest` (the first, where there is none of that name), which drops and
    counts it: every message lands somewhere. A workflow with topics of its own takes only messages that
    matched one of them.
    """
    rest = rest if rest in routes else next(iter(routes))
    shares: dict[str, list[Any]] = {workflow: [] for workflow in routes}
    for message in messages:
        language, matched = _language(message), _topics(message)
        fitting = [w for w in routes if not (topics or {}).get(w) or matched & set((topics or {})[w])]
        takers = [w for w in fitting if language in UNDETERMINED or language in routes[w]]
        for workflow in takers or [rest]:
            shares[workflow].append(message)
    return shares


def build_sprinklr(settings: Settings) -> SprinklrResource:
    """The Sprinklr account of an installation."""
    return build_source(settings, "sprinklr", SprinklrResource)


def build_google_maps(settings: Settings) -> GoogleMapsResource:
    """The places of an installation."""
    return build_source(settings, "google_maps", GoogleMapsResource)


def _as_delivered(message: Any) -> bytes:
    """A message as JSON that people can read; half an emoji has no UTF-8, so that its message gets escapes."""
    try:
        return json.dumps(message, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(message, sort_keys=True, separators=(",", ":")).encode()


def _language(message: Any) -> str:
    """The primary language, ``en`` for ``en-GB``; empty where the message names none."""
    language = message.get("language") if isinstance(message, Mapping) else None
    return language.strip().lower().replace("_", "-").split("-")[0] if isinstance(language, str) else ""


def _topics(message: Any) -> set[str]:
    named = message.get("topicIds") if isinstance(message, Mapping) else None
    return {str(topic) for topic in named} if isinstance(named, list) else set()


def _sprinklr_order(message: Any) -> tuple[int, str]:
    return sprinklr.time_of(message) or 0, sprinklr.identity_of(message)


def _review_order(review: Any) -> tuple[str, str]:
    written = google_maps.time_of(review)
    return written.isoformat() if written else "", google_maps.identity_of(review)
