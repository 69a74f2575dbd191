"""The sample hours as accounts at Sprinklr and Google: stand-ins to pull them from, and what others drop.

Sprinklr's well-formed v2 messages and Google's reviews are served by the sources' stand-ins, which repeat
messages across pages and let tokens expire; v1 files, broken records and reviews of other places are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from socialnlp_assets.fakes.samples import HOUR, as_json, sample_event, sample_hours
from socialnlp_assets.sources.google_maps import stand_in as google
from socialnlp_assets.sources.invented.messages import Raw
from socialnlp_assets.sources.sprinklr import stand_in as sprinklr

PLACE_TYPES = {"gmaps_stores": "store", "gmaps_service_points": "service_point"}


@dataclass
class SampleSources:
    """`configuration` is what a sources file says, `secrets` are the environment's; `dropped` lands by itself."""

    configuration: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def sample_sources(
    starts: Sequence[datetime], hours: int, workflows: tuple[str, ...], articles_at: str
) -> Iterator[SampleSources]:
    """Serve so many sample hours of `workflows` from each of `starts` on, while the block runs; the last day has what
    no source should deliver, and an event at its end."""
    posts: dict[str, Raw] = {}
    reviews: dict[str, list[Raw]] = {}  # by place type
    sources = SampleSources()
    for workflow in workflows:
        files: dict[str, bytes] = {}
        for start in starts:
            files |= sample_hours(start, hours, workflow=workflow, articles_at=articles_at, flawed=start == starts[-1])
        if workflow == "sprinklr":
            files |= sample_event(starts[-1] + (hours - 1) * HOUR)
        for path, data in files.items():
            served, dropped = _share(json.loads(data))
            if dropped:
                sources.dropped[path] = as_json(dropped)
            if workflow in PLACE_TYPES:
                reviews.setdefault(PLACE_TYPES[workflow], []).extend(served)
            else:
                posts |= {message["messageId"]: message for message in served}
    account = sprinklr.FakeSprinklr(list(posts.values()), overlap=3, token_uses=9)
    locations = {place_type: f"accounts/1001/locations/{place_type}" for place_type in reviews}
    maps = google.FakeGoogle(locations={locations[place_type]: found for place_type, found in reviews.items()})
    with account.serve() as sprinklr_at, maps.serve() as google_at:
        sources.configuration = {
            "sprinklr": {"url": sprinklr_at, "rows": 50},
            "google_maps": {
                "business_url": google_at,
                "token_url": f"{google_at}/token",
                "locations": {place_type: [location] for place_type, location in locations.items()},
            },
        }
        sources.secrets = {
            "SPRINKLR_KEY": sprinklr.KEY,
            "SPRINKLR_SECRET": sprinklr.SECRET,
            "SPRINKLR_TOKENS": sprinklr.REFRESH_TOKEN,
            "GOOGLE_BUSINESS": maps.service_account,
        }
        yield sources


def _share(records: list[Any]) -> tuple[list[Raw], list[Any]]:
    """What the stand-ins serve (v2 messages, Business Profile reviews) and what is dropped as a file."""
    served: list[Raw] = []
    dropped: list[Any] = []
    for record in records:
        whole = isinstance(record, dict) and (
            {"messageId", "createdTime", "topicIds"} <= record.keys() or {"reviewId", "updateTime"} <= record.keys()
        )
        (served if whole else dropped).append(record)
    return served, dropped
