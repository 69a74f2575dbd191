"""A report's charts, as Vega-Lite specifications, each with its data and the table that says the same in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from socialnlp_assets.report.figures import Figures, Row
from socialnlp_assets.report.uncertainty import share

Say = Callable[[str], str]
# Told apart by people who see no red or green, and in grey (Okabe and Ito 2008).
COLOURS = {"negative": "#d55e00", "neutral": "#b8b8b8", "positive": "#0072b2"}
NOW, BEFORE = "#0072b2", "#c8c8c8"
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # a name; nobody fetches it
BAR = 22  # pixels, of a bar with its gap
Spec = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """A chart by its name: what is drawn, and its figures as headings and rows."""

    name: str
    spec: Spec
    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]


def charts(figures: Figures, say: Say) -> dict[str, Chart]:
    """Every chart of `figures` that has something to show, by name. `say` translates."""
    drawn = (
        *_of_hours(figures, say),
        *_of_shares(figures, say),
        *_of_aspects(figures, say),
        *_of_stories(figures, say),
    )
    return {chart.name: chart for chart in drawn}


def _spec(name: str, say: Say, data: Sequence[Row], height: int, **rest: Any) -> Spec:
    return {
        "$schema": SCHEMA,
        "description": say(name),
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"name": "figures", "values": [{k: _plain(v) for k, v in row.items()} for row in data]},
        **rest,
    }


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%S}Z" if isinstance(value, datetime) else value


def _time(figures: Figures) -> Spec:
    form = "%H" if figures.period.kind == "day" else "%a %d"
    end = [f"{moment:%Y-%m-%dT%H:%M:%S}Z" for moment in (figures.period.first, figures.period.end)]
    axis = {"format": form, "title": None, "labelOverlap": True, "grid": False, "tickCount": 8}
    scale = {"type": "utc", "domain": end}
    return {"field": "hour", "type": "temporal", "timeUnit": "utcyearmonthdatehours", "scale": scale, "axis": axis}


def _of_hours(figures: Figures, say: Say) -> Iterator[Chart]:
    rows = figures.rows["hours"]
    if not rows:
        return
    parts = [
        {"hour": row["hour"], "sentiment": say(name), "order": order, "messages": row[name]}
        for row in rows
        for order, name in enumerate(("negative", "neutral", "positive"))
    ]
    yield Chart(
        "volume",
        _spec(
            "volume", say, parts, 220,
            mark={"type": "bar", "tooltip": True},
            encoding={
                "x": _time(figures),
                "y": {"field": "messages", "type": "quantitative", "aggregate": "sum", "title": say("messages")},
                "color": _sentiments(say),
                "order": {"field": "order", "type": "ordinal"},
            },
        ),
        [say(name) for name in ("hour", "messages", "negative", "neutral", "positive")],
        [[row["hour"], row["messages"], row["negative"], row["neutral"], row["positive"]] for row in rows],
    )  # fmt: skip
    shares = [(row, share(row["negative"], row["messages"])) for row in rows]
    told = [{"hour": row["hour"], "share": s.value, "low": s.low, "high": s.high} for row, s in shares if s]
    percent = {
        "type": "quantitative",
        "axis": {"format": ".0%"},
        "title": say("negative_share"),
        "scale": {"zero": True},
    }
    yield Chart(
        "negative_by_hour",
        _spec(
            "negative_by_hour", say, told, 160,
            encoding={"x": {**_time(figures), "bandPosition": 0.5}},
            layer=[
                {"mark": {"type": "rule", "color": COLOURS["negative"], "opacity": 0.5}, "encoding": {
                    "y": {"field": "low", **percent}, "y2": {"field": "high"}}},
                {"mark": {"type": "point", "filled": True, "size": 40, "color": COLOURS["negative"], "tooltip": True},
                 "encoding": {"y": {"field": "share", **percent}}},
            ],
        ),
        [say("hour"), say("negative_share"), "95 %", "95 %"],
        [[row["hour"], *(f"{x:.1%}" for x in (row["share"], row["low"], row["high"]))] for row in told],
    )  # fmt: skip


def _sentiments(say: Say) -> Spec:
    return {
        "field": "sentiment",
        "type": "nominal",
        "scale": {"domain": [say(name) for name in COLOURS], "range": list(COLOURS.values())},
        "legend": {"orient": "top", "title": None},
    }


def _of_shares(figures: Figures, say: Say) -> Iterator[Chart]:
    """Emotions, channels and topics: their shares of all messages, now and before."""
    total = figures.one("headline")
    for name, column in (
        *(("emotions", "emotion"), ("channels", "channel")),
        *((taxonomy, "topic") for taxonomy in ("theme", "reputation", "source")),
    ):
        rows = figures.rows[name]
        if not rows:
            continue
        parts = [
            {
                "what": say(row[column]),
                "when": say(when),
                "order": order,
                "share": row[count] / whole,
                "messages": row[count],
            }
            for row in rows
            for order, (when, count, whole) in enumerate(
                (("now", "messages", total["messages"]), ("before", "before", total["before"]))
            )
            if whole
        ]
        yield Chart(
            name,
            _spec(
                name, say, parts, 2 * BAR * len(rows),
                mark={"type": "bar", "tooltip": True},
                encoding={
                    "y": {"field": "what", "type": "nominal", "sort": [say(row[column]) for row in rows],
                          "title": None, "axis": {"labelLimit": 150}},
                    "yOffset": {"field": "order", "type": "ordinal"},
                    "x": {"field": "share", "type": "quantitative", "title": None,
                          "axis": {"format": ".0%", "tickCount": 5}},
                    "color": {"field": "when", "type": "nominal", "legend": {"orient": "top", "title": None},
                              "scale": {"domain": [say("now"), say("before")], "range": [NOW, BEFORE]}},
                },
            ),
            [say(column), say("messages"), say("before"), *([say("negative")] if "negative" in rows[0] else [])],
            [[say(row[column]), row["messages"], row["before"], *([row["negative"]] if "negative" in row else [])]
             for row in rows],
        )  # fmt: skip


def _of_aspects(figures: Figures, say: Say) -> Iterator[Chart]:
    rows = figures.rows["aspects"]
    if not rows:
        return
    parts = [
        {"aspect": say(row["aspect"]), "sentiment": say(row["label"]), "messages": row["messages"]} for row in rows
    ]
    aspects = list(dict.fromkeys(part["aspect"] for part in parts))
    yield Chart(
        "aspects",
        _spec(
            "aspects", say, parts, 2 * BAR * len(aspects),
            mark={"type": "bar", "tooltip": True},
            encoding={
                "y": {"field": "aspect", "type": "nominal", "title": None},
                "yOffset": {"field": "sentiment", "type": "nominal"},
                "x": {"field": "messages", "type": "quantitative", "title": say("messages"),
                      "axis": {"tickMinStep": 1}},
                "color": {**_sentiments(say), "scale": {
                    "domain": [say("negative"), say("positive")],
                    "range": [COLOURS["negative"], COLOURS["positive"]]}},
            },
        ),
        [say("aspect"), say("sentiment"), say("messages")],
        [[part["aspect"], part["sentiment"], part["messages"]] for part in parts],
    )  # fmt: skip


def _of_stories(figures: Figures, say: Say) -> Iterator[Chart]:
    names = {row["story_id"]: f"{place}" for place, row in enumerate(figures.rows["stories"], start=1)}
    parts = [
        {"story": names[row["story_id"]], "hour": row["hour"], "messages": row["messages"]}
        for row in figures.rows["story_hours"]
        if row["story_id"] in names
    ]
    if not parts:
        return
    yield Chart(
        "stories_by_hour",
        _spec(
            "stories_by_hour", say, parts, BAR * len(names) + BAR,
            mark={"type": "circle", "color": NOW, "tooltip": True},
            encoding={
                "x": {**_time(figures), "bandPosition": 0.5},
                "y": {"field": "story", "type": "nominal", "sort": list(names.values()), "title": say("story")},
                "size": {"field": "messages", "type": "quantitative",
                         "legend": {"orient": "top", "title": say("messages"), "tickMinStep": 1, "tickCount": 3}},
            },
        ),
        [say("story"), say("hour"), say("messages")],
        [[part["story"], part["hour"], part["messages"]] for part in parts],
    )  # fmt: skip


def data_of(chart: Chart) -> list[Mapping[str, Any]]:
    """What a chart draws."""
    values: list[Mapping[str, Any]] = chart.spec["data"]["values"]
    return values
