"""The section `source:` of a workflow, and the list of sources that there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets import sources
from socialnlp_assets.landing import Message, Shape, field, fields
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources import SourceKindError, known_sources, standardise
from socialnlp_assets.sources.source import LandedHour, Source, SourceOptions
from socialnlp_assets.sources.sources_file import source_resources
from socialnlp_assets.workflow import Workflow, WorkflowError, load_workflow

from .conftest import HOUR

GOOD = """\
name: mine
description: Mine.
source:
  kind: dropped
  languages: [en]
steps:
  keywords:
"""


def load(tmp_path: Path, text: str) -> Workflow:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_workflow(path)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(WorkflowError) as error:
        load(tmp_path, text)
    return [line.removeprefix(f"{tmp_path / 'mine.yaml'}:") for line in str(error.value).splitlines()]


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        ("dropped", ()),
        ("sprinklr", ("sprinklr",)),
        ("[feeds]", ("feeds",)),
        ("[feeds, mastodon]", ("feeds", "mastodon")),
        ("[mastodon, google_maps]\n  place_type: store", ("mastodon", "google_maps")),
    ],
)
def test_a_workflow_may_have_one_source_or_several_or_have_its_files_dropped(
    kind: str, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    assert load(tmp_path, GOOD.replace("dropped", kind)).source.kinds == kinds


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "twitter",
            "4: source.kind: there is no source 'twitter'; choose of sprinklr, google_maps, feeds, mastodon, write "
            "`kind: dropped` where somebody else puts files into the landing area, or install the package that has it",
        ),
        ("[feeds, twitter]", "4: source.kind: there is no source 'twitter'; choose of"),
        ("[feeds, dropped]", "4: source.kind: there is no source 'dropped'; choose of"),
        ("[feeds, feeds]", "4: source.kind: name one source, or a list of several, each once"),
        ("[]", "4: source.kind: name one source, or a list of several, each once"),
        ("[feeds, 7]", "4: source.kind: name one source, or a list of several, each once"),
        ("{}", "4: source.kind: name one source, or a list of several, each once"),
        ("[mastodon, google_maps]", "3: source: google_maps needs a place_type, such as `place_type: store`"),
        ("feeds\n  place_type: store", "5: source.place_type: there is no such field; known here: kind, languages"),
        ("google_maps\n  place_typ: store", "5: source.place_typ: there is no such field; did you mean `place_type`?"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_remedy(kind: str, expected: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, GOOD.replace("dropped", kind))
    assert any(line.startswith(expected) for line in found), found


def test_a_source_without_a_kind_is_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD.replace("  kind: dropped\n", "")) == [
        "3: source.kind: is missing; add `kind:`",
    ]
    assert mistakes(tmp_path, GOOD.replace("  kind: dropped\n  languages: [en]\n", "  - feeds\n"))[0].startswith("3: ")


def test_a_review_of_another_place_type_is_not_wanted_where_one_is_named(tmp_path: Path) -> None:
    several = load(tmp_path, GOOD.replace("dropped", "[mastodon, google_maps]\n  place_type: store")).source
    assert several.unwanted({"placeType": "service_point"}) == "another place type"
    assert several.unwanted({"placeType": "store"}) is None
    assert several.unwanted({"uri": "https://social.example/1"}) is None
    assert load(tmp_path, GOOD).source.unwanted({"placeType": "store"}) is None


WHEN = HOUR.isoformat()
SHAPED = {
    "sprinklr": {"messageId": "1", "channelType": "TWITTER", "createdTime": WHEN, "content": {"text": "x"}},
    "google_maps": {"reviewId": "1", "createTime": WHEN, "comment": "x", "starRating": "FOUR"},
    "feeds": {"entry_id": "tag:1", "feed": "https://courier.example/rss", "created_at": WHEN, "text": "x"},
    "mastodon": {"uri": "https://social.example/1", "account": {"acct": "a"}, "created_at": WHEN, "content": "x"},
}


@pytest.mark.parametrize("kind", SHAPED)
def test_a_message_is_told_by_its_shape_among_those_that_may_be(kind: str) -> None:
    message = Message(SHAPED[kind], "f", 0)
    for kinds in ((), (kind,), tuple(SHAPED), tuple(reversed(SHAPED))):
        row = standardise(message, kinds)
        assert isinstance(row, dict), row
        assert row["source"] == kind


def test_columns_by_their_own_names_are_taken_for_the_first_source() -> None:
    raw = {"message_id": "1", "social": "WEB", "created_at": WHEN, "message": "x"}
    row = standardise(Message(raw, "f", 0))
    assert isinstance(row, dict)
    assert (row["source"], row["kind"]) == ("sprinklr", "article")


def _answer(row: dict[str, Any], raw: Mapping[str, Any]) -> None:
    del raw
    row["social"], row["kind"] = "HELPDESK", "social"


class TicketOptions(SourceOptions):
    queue: str = "all"


class Tickets(Source):
    """A source as somebody else's package would have it."""

    name = "tickets"
    shape = Shape(
        fields={
            "message_id": field("ticket", convert=fields.identifier, required=True),
            "created_at": field("opened", convert=fields.moment, required=True),
            "message": field("body", convert=fields.text, nothing=""),
        },
        complete=_answer,
        signs=frozenset({"ticket"}),
    )
    Options = TicketOptions

    url: str = "https://tickets.example"

    def pull(self, lake: Lake, hour: datetime, fed: Mapping[str, SourceOptions]) -> Iterator[LandedHour]:
        for workflow in fed:
            yield self.land(lake, workflow, hour, [{"ticket": 1, "opened": hour.isoformat(), "body": self.url}])

    @staticmethod
    def order(message: Any) -> Any:
        return message["ticket"]


NOT_A_SOURCE = object()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    """Entry points of installed packages, as this test wants them."""
    found: list[EntryPoint] = []
    known_sources.cache_clear()
    monkeypatch.setattr(sources, "entry_points", lambda group: [point for point in found if point.group == group])
    yield found
    known_sources.cache_clear()


def point(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{attribute}", "socialnlp_assets.sources")


def test_a_source_of_another_package_is_one_like_ours(installed: list[EntryPoint], tmp_path: Path) -> None:
    installed.append(point("tickets", "Tickets"))
    assert list(known_sources()) == ["sprinklr", "google_maps", "feeds", "mastodon", "tickets"]
    options = load(tmp_path, GOOD.replace("dropped", "tickets\n  queue: vip")).source
    assert isinstance(options, known_sources()["tickets"].Options)
    file = tmp_path / "sources.yaml"
    file.write_text("tickets: {url: 'https://help.example'}")
    resource = source_resources(Settings(sources=file, state=tmp_path))["tickets"]
    lake = Lake(uri=str(tmp_path / "lake"))
    (landed,) = resource.pull(lake, HOUR, {"mine": options})  # type: ignore[attr-defined]
    assert lake.get(landed.path) == b'[{"body":"https://help.example","opened":"2026-11-20T08:00:00+00:00","ticket":1}]'
    row = standardise(Message({"ticket": 1, "opened": WHEN, "body": "x"}, "f", 0), options.kinds)
    assert isinstance(row, dict)
    assert (row["source"], row["social"]) == ("tickets", "HELPDESK")


@pytest.mark.parametrize(
    ("name", "attribute", "said"),
    [
        ("feeds", "Tickets", "calls itself 'tickets'"),
        ("tickets", "NOT_A_SOURCE", "is no Source; correct the entry point 'tickets'"),
        ("tickets", "nowhere", "cannot be loaded"),
    ],
)
def test_an_installed_source_that_does_not_fit_says_so(
    name: str, attribute: str, said: str, installed: list[EntryPoint]
) -> None:
    installed.append(point(name, attribute))
    with pytest.raises(SourceKindError, match=said):
        known_sources()
