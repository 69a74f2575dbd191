"""A report says what the mart says, in any browser, of hostile messages too, and asks nobody anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from socialnlp_assets.alerts import AlertNotSent
from socialnlp_assets.alerts.resource import build_alerts
from socialnlp_assets.hot_topics.record import update
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.report.asset import make_reports
from socialnlp_assets.report.delivery import deliver
from socialnlp_assets.report.figures import Period
from socialnlp_assets.report.page import Words, path_of, safe_link
from socialnlp_assets.report.uncertainty import change_of_rate, change_of_share, share
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings
from tests.alerts.test_alerts import receiver
from tests.browser.browser import Browser, browser
from tests.mart.conftest import HOUR, World, some_messages

DAY = Period("day", datetime(2026, 11, 20))
WORKFLOWS = ("sprinklr", "gmaps_stores")
HOSTILE = [
    "Fire at the Modena substation </script><script>document.title='owned'</script> half the town is dark",
    "Fire at the Modena substation <img src=x onerror=\"document.title='owned'\"> half the town is dark",
    '=HYPERLINK("http://outside.example") fire at the Modena substation, half the town is dark',
]
ERASED = "b" * 32


def _hour(seed: str, extra: list[str]) -> list[dict[str, Any]]:
    told = [
        {"message_id": f"{seed} fire {n}", "text_enriched": text, "sentiment": "negative", "author": ERASED,
         "keywords": ["<b>fire"], "keyword_scores": [0.4], "places": ["Modena"],
         "permalink": ["javascript:alert(1)", "https://news.example/a?b=<c>", None][n % 3]}
        for n, text in enumerate(extra)
    ]  # fmt: skip
    return [*some_messages(seed, 20), *told]


def _make(world: World) -> list[Period]:
    world.update()
    update(world.mart)
    with dg.DagsterInstance.ephemeral() as instance:
        return [
            period
            for workflow in WORKFLOWS
            for period in make_reports(world.lake, world.mart, workflow, "What people say.", ["posts"], instance)
        ]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two days of posts and reviews, and an event that hostile messages tell."""
    folder = tmp_path_factory.mktemp("told")
    world = World(Lake(uri=str(folder / "lake")), Mart(folder / "mart"))
    for workflow in WORKFLOWS:
        for later in (-24, -23, 0, 1, 2):
            fire = HOSTILE * 2 if workflow == "sprinklr" and later > 0 else []
            world.publish(_hour(f"{workflow} {later}", fire), workflow, later)
    assert {period.name for period in _make(world)} == {"2026-11-19", "2026-11-20", "2026-W47"}
    return world


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def _open(page: Browser, world: World, workflow: str, period: Period = DAY, language: str = "en") -> str:
    page.open(f"file://{Path(world.lake.address(path_of(workflow, period, language))).resolve()}")
    page.wait_for("document.body && document.body.dataset.drawn")
    return str(page.evaluate("document.body.innerText"))


@pytest.mark.slow
@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("language", ["en", "it"])
def test_every_chart_is_drawn_without_an_error_or_a_request(
    told: World, page: Browser, workflow: str, language: str
) -> None:
    page.requested.clear()
    page.problems.clear()
    for period in (DAY, Period.of("week", DAY.first)):
        shown = _open(page, told, workflow, period, language)
        assert page.evaluate("[...document.querySelectorAll('.chart')].every(c => c.querySelector('svg path'))")
        charts = page.evaluate("document.querySelectorAll('.chart').length")
        assert charts == int(page.evaluate("document.body.dataset.drawn")) >= 5
        assert ("Messaggi" if language == "it" else "Messages") in shown
        assert page.evaluate("document.querySelectorAll('.chart[aria-labelledby] ~ details table').length") == charts
    assert page.problems == []
    assert [url for url in page.requested if not url.startswith(("file://", "data:"))] == []
    assert page.evaluate("document.title") == f"{workflow} · 2026-W47"


@pytest.mark.slow
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_figure_is_that_of_a_query_on_the_mart(told: World, page: Browser, workflow: str) -> None:
    _open(page, told, workflow)
    of_day = f"FROM fact_message WHERE workflow = '{workflow}' AND hour >= '2026-11-20' AND hour < '2026-11-21'"
    ((messages, negative, positive, authors, rating),) = told.ask(
        "SELECT count(*), avg((sentiment = 'negative')::INT), avg((sentiment = 'positive')::INT), "
        f"count(DISTINCT author), avg(rating) {of_day}"
    )
    shown = _shown(page, "figure", "value")
    meant = {"messages": messages, "negative_share": negative, "positive_share": positive, "authors": authors}
    assert shown == pytest.approx(meant | {"rating": rating})
    drawn = {name: page.evaluate(f"views['{name}'].data('figures')") for name in page.evaluate("Object.keys(views)")}
    by_hour = told.ask(f"SELECT strftime(hour, '%H'), sentiment, count(*) {of_day} GROUP BY ALL")
    volume = [row for row in drawn["volume"] if row["messages"]]
    assert {(_clock(row["hour"]), row["sentiment"], row["messages"]) for row in volume} == set(by_hour)
    for name, column in (("channels", "channel"), ("emotions", "emotion")):
        counts = dict(told.ask(f"SELECT {column}, count(*) {of_day} GROUP BY ALL"))
        assert {row["what"]: row["messages"] for row in drawn[name] if row["when"] == "now"} == counts
        assert {row["what"]: row["share"] for row in drawn[name] if row["when"] == "now"} == pytest.approx(
            {what: count / messages for what, count in counts.items()}
        )
    topics = dict(told.ask(
        f"SELECT topic, count(*) FROM fact_message_topic WHERE taxonomy = 'source' AND (workflow, hour, message_id) IN "
        f"(SELECT (workflow, hour, message_id) {of_day}) GROUP BY ALL"
    ))  # fmt: skip
    assert {row["what"]: row["messages"] for row in drawn["source"] if row["when"] == "now"} == topics
    stories = _shown(page, "story", "messages")
    meant_stories = told.ask(
        "SELECT story_id, count(*) FROM story_message WHERE (workflow, hour, message_id) IN "
        f"(SELECT (workflow, hour, message_id) {of_day}) GROUP BY ALL"
    )
    assert stories.items() <= dict(meant_stories).items()
    assert stories
    if workflow == "gmaps_stores":
        aspects = told.ask(
            "SELECT label, count(*) FROM fact_aspect WHERE label <> 'not_mentioned' AND aspect = 'prezzi' AND "
            f"(workflow, hour, message_id) IN (SELECT (workflow, hour, message_id) {of_day}) GROUP BY ALL"
        )
        assert {(r["sentiment"], r["messages"]) for r in drawn["aspects"] if r["aspect"] == "prices"} == set(aspects)
        places = page.evaluate("[...document.querySelectorAll('#places td:first-child')].map(e => e.innerText)")
        assert set(places) == {"p1", "p2"}


def _shown(page: Browser, name: str, value: str) -> dict[str, float]:
    """The numbers that elements of the page carry, by name."""
    elements = f"[...document.querySelectorAll('[data-{name}]')]"
    return dict(page.evaluate(f"{elements}.map(e => [e.dataset.{name}, +e.dataset.{value}])"))


def _clock(moment: Any) -> str:
    """Vega has times in milliseconds."""
    is_number = isinstance(moment, int | float)
    return f"{datetime(1970, 1, 1) + timedelta(milliseconds=moment):%H}" if is_number else moment[11:13]


@pytest.mark.slow
def test_what_looks_like_html_a_formula_or_a_link_is_text(told: World, page: Browser) -> None:
    shown = _open(page, told, "sprinklr")
    for text in ("</script><script>", "<img src=x onerror=", '=HYPERLINK("http://outside.example")', "<b>fire"):
        assert text in shown
    assert page.evaluate("document.title") == "sprinklr · 2026-11-20"
    assert page.evaluate("document.querySelectorAll('blockquote img, blockquote script, td b').length") == 0
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert set(links) == {"https://news.example/a?b=<c>"}
    assert page.evaluate("document.querySelector('a').rel") == "noopener noreferrer nofollow"


@pytest.mark.slow
def test_a_report_is_sent_once_to_each_channel_when_its_period_is_over(
    told: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = datetime(2026, 11, 21, 2, 20, tzinfo=UTC)
    with receiver() as (address, got):
        alerts = build_alerts(Settings(state=tmp_path, alerts=f"webhook:{address}/a,slack:ops"))
        assert deliver(told.lake, told.mart, "sprinklr", alerts, datetime(2026, 12, 24, tzinfo=UTC)) == []
        with pytest.raises(AlertNotSent, match="the secret 'ops' is not set"):
            deliver(told.lake, told.mart, "sprinklr", alerts, later)
        monkeypatch.setenv("SOCIALNLP_SECRET_OPS", f"{address}/b")
        assert deliver(told.lake, told.mart, "sprinklr", alerts, later) == [DAY]
        assert deliver(told.lake, told.mart, "sprinklr", alerts, later + timedelta(hours=20)) == []
        week = deliver(told.lake, told.mart, "sprinklr", alerts, datetime(2026, 11, 23, 1, 20, tzinfo=UTC))
        assert [period.name for period in week] == ["2026-W47"]
    assert [request.path for request in got] == ["/a", "/b", "/a", "/b"]
    day = got[0].json()
    ((messages,),) = told.ask("SELECT sum(messages) FROM agg_day WHERE workflow = 'sprinklr' AND day = '2026-11-20' "
                              "AND taxonomy = 'all'")  # fmt: skip
    assert (day["kind"], day["title"]) == ("report", "sprinklr: the day 2026-11-20")
    assert day["lines"][0].startswith(f"Messages: {messages}; ")
    assert any(line.startswith("story: ") and "Modena" in line for line in day["lines"])
    assert "against the day before" in day["lines"][0]
    assert Path(day["link"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert got[1].json()["text"].startswith("*sprinklr: the day 2026-11-20*\n• Messages: ")


@pytest.mark.slow
def test_a_person_whose_messages_are_erased_is_in_no_report_any_more(world: World) -> None:
    world.publish(some_messages("one"))
    world.publish(_hour("two", HOSTILE), later=1)
    world.publish(some_messages("three"), later=100)
    _make(world)
    made = [file.path for file in world.lake.objects("report")]
    assert any(ERASED[:8] in world.lake.get(path).decode() for path in made)
    assert any("Modena" in world.lake.get(path).decode() for path in made)
    world.publish(some_messages("two"), later=1)  # what a re-run without those messages publishes
    assert {period.name for period in _make(world)} == {"2026-11-20", "2026-W47", "2026-W48"}  # compared with W47
    for path in made:
        text = world.lake.get(path).decode()
        assert ERASED[:8] not in text
        assert "Modena" not in text
    assert _make(world) == []


def test_intervals_are_those_of_the_literature() -> None:
    """Newcombe 1998, examples of both papers: 81 of 263, and 56 of 70 against 48 of 80."""
    one = share(81, 263)
    assert one is not None
    assert (round(one.low, 4), round(one.high, 4)) == (0.2553, 0.3662)
    change = change_of_share(56, 70, 48, 80)
    assert change is not None
    assert (round(change.low, 4), round(change.high, 4)) == (0.0524, 0.3339)
    assert share(0, 0) is None
    assert change_of_rate(10, 1, 0, 1, 1) is None
    twice = change_of_rate(200, 10, 100, 10, 1)
    assert twice is not None
    assert twice.low < twice.value == 1.0 < twice.high


def test_only_pages_of_the_web_are_links() -> None:
    assert safe_link("https://news.example/a") == "https://news.example/a"
    for address in ("javascript:alert(1)", "data:text/html,x", "//news.example", "file:///etc", "http://[", None):
        assert safe_link(address) is None


def test_every_word_is_said_in_both_languages() -> None:
    english, italian = Words("en"), Words("it")
    assert italian.number(1234.5, 1) == "1.234,5"
    assert english.number(1234.5, 1) == "1,234.5"
    assert italian("of_before", change="+1", period=italian("before_day")) == "+1 rispetto a: il giorno prima"
    assert Period.of("week", HOUR).name == "2026-W47" == Period.named("week", "2026-W47").name
