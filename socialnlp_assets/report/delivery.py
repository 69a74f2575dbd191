"""A report goes where alerts go, once, when its day or week is over: the headline, and where the pages lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from socialnlp_assets.alerts import Alert, AlertNotSent, Alerts
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.report.figures import LENGTHS, Figures, Period, figures_of
from socialnlp_assets.report.page import LANGUAGES, Words, headline, path_of
from socialnlp_assets.resources.lake import Lake

SETTLED = timedelta(hours=1)  # after a period's end: its last hour is in the mart by then
STORIES = 3


def deliver(lake: Lake, mart: Mart, workflow: str, alerts: Alerts, now: datetime) -> list[Period]:
    """Send the reports of the last day and the last week that are over to each channel that has not had them; which
    were sent. Older ones are no news, so a backfill sends none.

    Raises `AlertNotSent` when all is tried: what a channel did not take is sent to it by the next call.
    """
    ledger = f"report/{workflow}/sent.json"
    known: dict[str, list[str]] = json.loads(lake.get(ledger)) if lake.exists(ledger) else {}
    told: dict[str, list[str]] = {}
    sent, refused = [], []
    for period in _over(now):
        name = f"{period.kind}/{period.name}"
        had = set(known.get(name, ()))
        has = set(had)
        if set(alerts.channels) - had and lake.exists(path_of(workflow, period, LANGUAGES[0])):
            with mart.open() as database:
                figures = figures_of(database, workflow, period)
            try:
                alerts.send(as_alert(figures, lake), has)
            except AlertNotSent as error:
                refused.append(str(error))
        told[name] = sorted(has)
        if has - had:
            sent.append(period)
    if sent:
        lake.put(ledger, json.dumps(told, indent=1).encode())
    if refused:
        raise AlertNotSent("; ".join(dict.fromkeys(refused)))
    return sent


def as_alert(figures: Figures, lake: Lake) -> Alert:
    """What people are told of a report."""
    words, period = Words("en"), figures.period
    lines = [f"{words(each.name)}: {each.shown}; {each.change}" for each in headline(figures, words)]
    lines += [f"story: {row['name']}, {row['messages']} messages" for row in figures.rows["stories"][:STORIES]]
    pages = [lake.address(path_of(figures.workflow, period, language)) for language in LANGUAGES]
    return Alert("report", f"{figures.workflow}: the {period.kind} {period.name}", (*lines, *pages[1:]), link=pages[0])


def _over(now: datetime) -> Iterator[Period]:
    """The last day and the last week that are over."""
    for kind, length in LENGTHS.items():
        yield Period.of(kind, Period.of(kind, now - SETTLED).first - length)
