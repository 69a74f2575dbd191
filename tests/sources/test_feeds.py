"""Feeds of the press: every entry once, whatever the publisher's server does and wherever the process dies."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets.landing import Message, read_messages
from socialnlp_assets.resources.caller import SourceRefused, SourceUnavailable
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.sources import shapes, standardise
from socialnlp_assets.sources.feeds import Feeds, Memory
from socialnlp_assets.sources.feeds.documents import NoFeed, read_document
from socialnlp_assets.sources.feeds.stand_in import FakeFeeds, item
from socialnlp_assets.sources.source import LandedHour, SourceOptions

from .conftest import HOUR

NEXT = HOUR + timedelta(hours=1)
FED = {"open_web": SourceOptions(kind="feeds", languages=("en", "it"))}
FORMATS = ["rss", "atom", "json"]


def minutes(count: float) -> datetime:
    return HOUR + timedelta(minutes=count)


def feeds(url: str, *paths: str, **options: Any) -> Feeds:
    read = [{"url": f"{url}/{path}", "topics": [f"about-{path}"]} for path in paths or ("rss",)]
    host = url.removeprefix("http://")
    return Feeds(
        **{"subscriptions": {"open_web": read}, "allowed_hosts": [host], "first_pause_seconds": 0.01, **options}
    )


def pull(source: Feeds, lake: Lake, hour: datetime = HOUR) -> LandedHour:
    (landed,) = source.pull(lake, hour, FED)
    return landed


def titles(lake: Lake, hour: datetime = HOUR) -> list[str]:
    """What was landed by the pull of an hour, by number."""
    data = lake.get(f"{Lake.landing_folder('open_web', hour)}/feeds.json")
    return [entry["title"].rsplit(" ", 1)[1] for entry in json.loads(data)]


def rows(lake: Lake, hour: datetime = HOUR) -> list[dict[str, Any]]:
    found = []
    for file in lake.landed("open_web", hour):
        messages, rejects = read_messages(lake.get(file.path), file.path, shapes())
        assert not rejects
        for message in messages:
            row = standardise(message, ["feeds", "mastodon"])
            assert isinstance(row, dict), row
            found.append(row)
    return found


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(uri=str(tmp_path / "lake"))


@pytest.mark.parametrize("kind", FORMATS)
def test_an_entry_becomes_an_article(kind: str, lake: Lake) -> None:
    with FakeFeeds([item(1, minutes(5))]).serve() as url:
        pull(feeds(url, kind), lake)
    (row,) = rows(lake)
    assert (row["source"], row["social"], row["kind"]) == ("feeds", "WEB", "article")
    assert row["title"] == "Power is back in district 1"
    assert row["message"] == "The grid operator said on Friday that district 1 has power again.\nBills stay."
    assert row["permalink"].endswith("/articles/1.html")
    assert row["permalink"].startswith("http")
    assert row["created_at"] == minutes(5)
    assert row["language"] == "en"
    assert row["topic_ids"] == [f"about-{kind}"]
    assert row["author"] == (None if kind == "rss" else "WEB:Ada Conti")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_language_is_the_entrys_else_the_feeds_else_what_the_file_says_else_to_be_detected(
    kind: str, lake: Lake
) -> None:
    site = FakeFeeds([item(1, minutes(1), language="it"), item(2, minutes(2))], language="fr-FR")
    with site.serve() as url:
        pull(feeds(url, kind), lake)
        assert [row["language"] for row in rows(lake)] == ["fr" if kind == "rss" else "it", "fr"]
        site.language = None
        site.items = [item(3, minutes(63)), item(4, minutes(64))]
        pull(feeds(url, kind), lake, NEXT)
        assert [row["language"] for row in rows(lake, NEXT)] == [None, None]
        site.items = [item(5, minutes(65))]
        read = [{"url": f"{url}/{kind}", "topics": ["x"], "language": "sw"}]
        pull(feeds(url, subscriptions={"open_web": read}), lake, NEXT)
        assert rows(lake, NEXT)[-1]["language"] == "sw"


def test_what_a_feed_files_an_entry_under_is_landed_with_it() -> None:
    items = "<item><guid>a</guid><category>Energy</category><category/><category>Italy</category></item>"
    rss = f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
    (entry,) = read_document(rss.encode(), "text/xml", "http://a.example/", "http://a.example/").entries
    assert entry["categories"] == ["Energy", "Italy"]


def test_an_entry_without_a_text_says_what_its_title_says() -> None:
    raw = {
        "entry_id": "a:1",
        "feed": "http://a.example/",
        "created_at": minutes(1).isoformat(),
        "title": "Out <b>again",
    }
    row = standardise(Message({**raw, "text": ""}, "feeds.json", 0), ["feeds"])
    assert isinstance(row, dict)
    assert (row["message"], row["title"]) == ("Out again", "Out again")


def test_what_was_landed_is_not_landed_again_by_later_hours(lake: Lake) -> None:
    site = FakeFeeds([item(n, minutes(10 * n)) for n in range(6)])
    with site.serve() as url:
        pull(feeds(url), lake)
        site.items.append(item(6, minutes(61)))
        site.items.insert(0, item(7, minutes(-200)))  # late: published hours ago, shown only now
        pull(feeds(url), lake, NEXT)
    assert titles(lake) == ["0", "1", "2", "3", "4", "5"]
    assert titles(lake, NEXT) == ["7", "6"]


def test_an_hour_pulled_again_keeps_what_it_had_and_adds_what_is_new(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1)), item(2, minutes(2))], shown=2)
    with site.serve() as url:
        assert pull(feeds(url), lake).changed
        assert not pull(feeds(url), lake).changed
        site.items.append(item(3, minutes(3)))  # the first is not shown any more
        assert pull(feeds(url), lake).changed
        assert not pull(feeds(url), lake).changed
    assert titles(lake) == ["1", "2", "3"]


def test_an_edited_entry_stays_as_it_was_first_seen(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        pull(feeds(url), lake)
        site.items = [item(1, minutes(75), html="<p>Corrected.</p>")]  # edited, and dated anew
        pull(feeds(url), lake)
        pull(feeds(url), lake, NEXT)
    assert titles(lake) == ["1"]
    assert titles(lake, NEXT) == []


def test_nothing_is_sent_again_that_has_not_changed(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        for hour in (HOUR, NEXT, NEXT):
            assert not pull(feeds(url), lake, hour).problems
    assert [status for path, status in site.answered if path == "/rss"] == [200, 304, 304]


def test_what_waits_for_its_hour_is_shown_to_that_hour_although_the_feed_has_not_changed(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1)), item(2, minutes(62))])  # seen at 9:05, of 9:02
    with site.serve() as url:
        pull(feeds(url), lake)
        assert titles(lake) == ["1"]
        pull(feeds(url), lake, NEXT)
    assert titles(lake, NEXT) == ["2"]


class Dies(Lake):
    """A lake whose process dies before or after one of its writes."""

    before: bool = True
    at: str = ""

    def put(self, path: str, data: bytes) -> None:
        if self.at in path and self.before:
            raise SystemExit("killed")
        super().put(path, data)
        if self.at in path:
            raise SystemExit("killed")


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("at", ["memory.json", "feeds.json"])
def test_a_process_that_dies_loses_and_doubles_nothing(at: str, before: bool, tmp_path: Path, lake: Lake) -> None:
    site = FakeFeeds([item(n, minutes(n)) for n in range(3)])
    with site.serve() as url:
        with pytest.raises(SystemExit):
            pull(feeds(url), Dies(uri=str(tmp_path / "lake"), at=at, before=before))
        site.items = [item(0, minutes(90)), *site.items[1:], item(3, minutes(61))]  # edited meanwhile
        pull(feeds(url), lake, NEXT)  # the hour itself is made up for later
        pull(feeds(url), lake)
        pull(feeds(url), lake, NEXT)
    found = titles(lake) + titles(lake, NEXT)
    assert sorted(found) == ["0", "1", "2", "3"]


def test_a_crash_after_the_messages_before_the_memory_is_made_good(lake: Lake) -> None:
    """The last of a pull's writes is missing: what landed is found in the file of the hour that was begun."""
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        pull(feeds(url), lake)
        Memory(begun=[HOUR.isoformat()]).write(lake, "open_web")
        site.items = [item(1, minutes(70))]
        pull(feeds(url), lake, NEXT)
    assert titles(lake, NEXT) == []


@pytest.mark.parametrize("fault", ["500", "503", "429", "reset", "truncated"])
def test_what_passes_is_waited_for(fault: str, lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        site.faults.script(["ok", fault])  # robots.txt first
        assert not pull(feeds(url), lake).problems
    assert titles(lake) == ["1"]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [("410", "answers HTTP 410"), ("html", "is no RSS, Atom or JSON Feed"), ("empty", "is no RSS, Atom or JSON Feed")],
)
def test_a_feed_that_fails_is_a_problem_and_the_others_go_on(fault: str, problem: str, lake: Lake) -> None:
    bad, good = FakeFeeds([item(1, minutes(1))]), FakeFeeds([item(2, minutes(2))])
    with bad.serve() as there, good.serve() as here:
        read = [{"url": f"{there}/rss", "topics": ["a"]}, {"url": f"{here}/atom", "topics": ["b"]}]
        hosts = [url.removeprefix("http://") for url in (there, here)]
        source = feeds(here, subscriptions={"open_web": read}, allowed_hosts=hosts)
        bad.faults.script(["ok", fault])
        assert pull(source, lake).problems == (f"{there}/rss: {problem}",)
        assert titles(lake) == ["2"]
        assert not pull(source, lake).problems
    assert titles(lake) == ["1", "2"]


def test_an_hour_without_any_feed_that_answers_fails_and_is_made_up_for(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        site.faults.script(["ok", "410"])
        with pytest.raises(
            SourceUnavailable, match=r"no feed of open_web could be read: .*/rss: answers HTTP 410; run"
        ):
            pull(feeds(url), lake)
        assert lake.landed("open_web", HOUR) == []
        pull(feeds(url), lake)
    assert titles(lake) == ["1"]


def test_what_can_be_read_of_a_broken_feed_is_taken_and_the_rest_when_it_is_whole(lake: Lake) -> None:
    site = FakeFeeds([item(n, minutes(n)) for n in range(6)])
    with site.serve() as url:
        site.faults.script(["ok", "broken"])
        pull(feeds(url), lake)
        first = titles(lake)
        assert 0 < len(first) < 6
        pull(feeds(url), lake)
    assert titles(lake) == ["0", "1", "2", "3", "4", "5"]
    assert all("Bills stay." in row["message"] for row in rows(lake))  # none was half an entry


def test_a_feed_that_moved_is_followed_and_its_entries_are_the_same(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        pull(feeds(url), lake)
        with FakeFeeds(moved={"/rss": f"{url}/rss"}).serve() as old:
            source = feeds(old, allowed_hosts=[u.removeprefix("http://") for u in (url, old)])
            pull(source, lake, NEXT)
            assert pull(source, lake, NEXT).changed is False
        assert rows(lake, NEXT)[0]["permalink"] == f"{url}/articles/1.html"


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("http://169.254.169.254/latest/meta-data", "refused: private address"),
        ("http://127.0.0.1:1/rss", "refused: private address"),
        ("file:///etc/passwd", "refused: not http or https"),
        ("/rss", "too many redirects"),
    ],
)
def test_a_redirect_leads_nowhere_that_an_article_may_not_be(target: str, problem: str, lake: Lake) -> None:
    with FakeFeeds(moved={"/rss": target}).serve() as url, pytest.raises(SourceUnavailable, match=problem):
        pull(feeds(url), lake)


def test_a_private_address_is_refused_unless_it_is_allowed(lake: Lake) -> None:
    with FakeFeeds([item(1, minutes(1))]).serve() as url, pytest.raises(SourceUnavailable, match="private address"):
        pull(feeds(url, allowed_hosts=[]), lake)


def test_robots_txt_is_obeyed(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))], robots="User-agent: *\nDisallow: /rss\n")
    with site.serve() as url, pytest.raises(SourceUnavailable, match=r"forbidden by robots\.txt"):
        pull(feeds(url), lake)


@pytest.mark.parametrize("kind", FORMATS)
def test_an_entry_without_a_time_is_of_the_hour_in_which_it_is_first_seen(kind: str, lake: Lake) -> None:
    site = FakeFeeds([item(1, None)])
    with site.serve() as url:
        for hour in (HOUR, NEXT):
            pull(feeds(url, kind), lake, hour)
    assert [row["created_at"] for row in rows(lake)] == [HOUR]
    assert titles(lake, NEXT) == []


def test_the_same_article_in_two_feeds_is_one_message_with_the_topics_of_both(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        read = [{"url": f"{url}/atom{query}", "topics": [topic]} for query, topic in (("?a", "news"), ("?b", "energy"))]
        pull(feeds(url, subscriptions={"open_web": read}), lake)
    assert [row["topic_ids"] for row in rows(lake)] == [["energy", "news"]]


def test_the_same_number_in_two_feeds_is_two_messages(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(1))])
    with site.serve() as url:
        read = [{"url": f"{url}/rss{query}", "topics": ["x"]} for query in ("?a", "?b")]
        pull(feeds(url, subscriptions={"open_web": read}), lake)
    assert len({row["message_id"] for row in rows(lake)}) == 2


def test_what_is_older_than_asked_for_is_left_out(lake: Lake) -> None:
    site = FakeFeeds([item(1, minutes(-3 * 24 * 60)), item(2, minutes(1))])
    with site.serve() as url:
        pull(feeds(url, oldest_days=2), lake)
    assert titles(lake) == ["2"]


def test_an_hour_whose_raw_messages_were_removed_is_not_replaced(lake: Lake) -> None:
    lake.put(Lake.table_path("open_web", "posts", HOUR), b"rows")
    with FakeFeeds([item(1, minutes(1))]).serve() as url, pytest.raises(SourceRefused, match="have been removed"):
        pull(feeds(url), lake)
    assert lake.landed("open_web", HOUR) == []


class Calendar(date):
    """Days that pass when a test says so."""

    now = date(2026, 11, 20)

    @classmethod
    def today(cls) -> date:  # type: ignore[override]
        return cls.now


def test_memory_does_not_grow_for_ever(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socialnlp_assets.sources.feeds.date", Calendar)
    site = FakeFeeds(shown=5)
    with site.serve() as url:
        for day in range(30):
            monkeypatch.setattr(Calendar, "now", date(2026, 11, 20) + timedelta(days=day))
            site.items.append(item(day, minutes(day)))
            pull(feeds(url), lake)
    (known,) = Memory.read(lake, "open_web").known.values()
    assert len(known) == 5 + 7  # what is shown, and what was until a week ago
    assert len(titles(lake)) == 30


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "is no RSS"),
        (b"/etc/passwd", "is no RSS"),
        (b"http://127.0.0.1:1/rss", "is no RSS"),
        (b"{", "is JSON that is cut short"),
        (b"[1]", "is no RSS"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 7}', "is JSON, but no JSON Feed"),
        (b"<html><body>Sign in</body></html>", "is no RSS"),
        (b"\xff\xfe\x00", "is no RSS"),
        (b"<rss version='2.0'><channel><item><title>&#xD800;</title></item></channel></rss>", "cannot be parsed"),
    ],
)
def test_what_is_no_feed_says_so_and_opens_nothing(body: bytes, expected: str) -> None:
    with pytest.raises(NoFeed, match=expected):
        read_document(body, "", "http://courier.example/rss", "http://courier.example/rss")


@pytest.mark.parametrize(
    "said",
    [
        {"author": {"name": "Ada Conti"}},  # version 1.0
        {"authors": [{"name": "Ada Conti"}, {"name": "Ugo"}], "author": {"name": "Eva"}},
    ],
)
def test_a_json_feed_of_either_version_names_its_author(said: dict[str, Any]) -> None:
    feed = {"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "title": "Power is back", **said}]}
    (entry,) = read_document(json.dumps(feed).encode(), "", "http://a.example/", "http://a.example/").entries
    assert "Ada Conti" in str(entry)


def test_a_document_that_would_swell_is_not_swollen() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9)
    )
    bomb += b'<!ENTITY file SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item><title>&j;&file;</title>'
    found = read_document(bomb + b"</item></channel></rss>", "text/xml", "http://a.example/", "http://a.example/")
    assert all(len(str(entry)) < 10_000 and "root:" not in str(entry) for entry in found.entries)


def test_a_feeds_messages_are_told_from_others_by_themselves() -> None:
    entry = Message({"entry_id": "tag:a", "feed": "http://a.example/", "created_at": HOUR.isoformat()}, "f", 0)
    row = standardise(entry)
    assert isinstance(row, dict)
    assert row["source"] == "feeds"
