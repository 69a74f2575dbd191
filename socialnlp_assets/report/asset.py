"""The reports of a workflow as one asset, which remakes each day's and each week's whose figures have changed.

Like the mart, it is not partitioned: a late hour, a backfill and an erased message change the days and weeks that they
lie in, and those that are compared with them, so those are made again, and no others.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from socialnlp_assets import markdown
from socialnlp_assets.alerts import AlertNotSent
from socialnlp_assets.assets.plot import plot
from socialnlp_assets.mart.automation import with_mart
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.report.delivery import deliver
from socialnlp_assets.report.figures import LENGTHS, Figures, Period, figures_of
from socialnlp_assets.report.page import LANGUAGES, Words, headline, path_of, render
from socialnlp_assets.report.quality import quality_of
from socialnlp_assets.resources.lake import Lake

if TYPE_CHECKING:  # loading the code location need not wait for it
    import duckdb

GROUP = "report"
READ = ("fact_message", "fact_keyword", "fact_aspect", "agg_hour", "burst", "story", "story_message")
# Whatever a period's report is made of: its hours and those before as they are published, and what is on the rise.
MADE_OF = """
SELECT hour::VARCHAR, generation FROM mart.stage.known
WHERE workflow = $workflow AND hour >= $first - $length AND hour < $end
UNION ALL
SELECT story_id, name || ' ' || messages FROM story
WHERE workflow = $workflow AND last_hour >= $first AND first_hour < $end
UNION ALL
SELECT hour || kind, term FROM burst WHERE workflow = $workflow AND hour >= $first AND hour < $end
ORDER BY ALL
"""


def build_reports(workflow: str, description: str, steps: Sequence[str], folder: Path) -> dg.AssetsDefinition:
    """The asset `report/<workflow>` over the mart in `folder`; `steps` are those whose records tell its quality."""

    @dg.asset(
        key=dg.AssetKey([GROUP, workflow]),
        deps=[dg.AssetKey(["mart", table]) for table in READ],
        group_name=GROUP,
        kinds={"html"},
        description=f"A page a day and a week, in English and Italian. {description}",
        required_resource_keys={"lake", "alerts"},
        automation_condition=with_mart(),
    )
    def reports(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        lake: Lake = context.resources.lake
        made = make_reports(lake, Mart(folder), workflow, description, steps, context.instance)
        context.log.info("made again: %s", ", ".join(period.name for period in made) or "nothing")
        try:
            sent = deliver(lake, Mart(folder), workflow, context.resources.alerts, datetime.now(UTC))
            context.log.info("sent: %s", ", ".join(period.name for period in sent) or "nothing")
        except AlertNotSent as error:
            context.log.warning("A report was not delivered; the next build tries again: %s", error)
        return dg.MaterializeResult(metadata=_metadata(lake, Mart(folder), workflow, made))

    return reports


def make_reports(
    lake: Lake, mart: Mart, workflow: str, description: str, steps: Sequence[str], instance: dg.DagsterInstance
) -> list[Period]:
    """Make the report of each period of `workflow` whose figures are not those that it was made of; which they were."""
    ledger = f"report/{workflow}/made_of.json"
    known: dict[str, str] = json.loads(lake.get(ledger)) if lake.exists(ledger) else {}
    made = []
    with mart.open() as database:
        for period in _periods(database, workflow, known):
            name, is_made_of = f"{period.kind}/{period.name}", _made_of(database, workflow, period)
            if known.get(name) == is_made_of:
                continue
            figures = figures_of(database, workflow, period)
            quality = quality_of(instance, workflow, steps, period)
            for language in LANGUAGES:
                page = render(figures, quality, description, language)
                lake.put(path_of(workflow, period, language), page.encode())
            known[name] = is_made_of
            made.append(period)
    if made:
        lake.put(ledger, json.dumps(known, indent=1).encode())
    return made


def _periods(database: "duckdb.DuckDBPyConnection", workflow: str, known: dict[str, str]) -> Iterator[Period]:
    """Every day and week that has hours, or had when its report was made."""
    rows = database.execute("SELECT hour FROM mart.stage.known WHERE workflow = ? ORDER BY hour", [workflow]).fetchall()
    there = {Period.of(kind, hour) for (hour,) in rows for kind in ("day", "week")}
    had = {Period.named(*name.split("/")) for name in known}
    yield from sorted(there | had, key=lambda period: (period.first, period.kind))


def _made_of(database: "duckdb.DuckDBPyConnection", workflow: str, period: Period) -> str:
    values = {"workflow": workflow, "first": period.first, "end": period.end, "length": period.length}
    return blake2b(repr(database.execute(MADE_OF, values).fetchall()).encode(), digest_size=16).hexdigest()


def _metadata(lake: Lake, mart: Mart, workflow: str, made: Sequence[Period]) -> dict[str, dg.MetadataValue]:
    """Where the latest reports lie, and what they say."""
    with mart.open() as database:
        last = database.execute("SELECT max(hour) FROM mart.stage.known WHERE workflow = ?", [workflow]).fetchone()
        if not last or last[0] is None:
            return {"made": dg.MetadataValue.int(len(made))}
        latest = [figures_of(database, workflow, Period.of(kind, last[0])) for kind in LENGTHS]
    paths = {
        f"{figures.period.kind}_{language}": dg.MetadataValue.path(
            lake.address(path_of(workflow, figures.period, language))
        )
        for figures in latest
        for language in LANGUAGES
    }
    preview = "\n\n".join(_preview(figures, lake) for figures in latest)
    return {"preview": dg.MetadataValue.md(preview), "made": dg.MetadataValue.int(len(made)), **paths}


def _preview(figures: Figures, lake: Lake) -> str:
    """The headline, each hour, the largest stories, and where the page lies."""
    words, period = Words("en"), figures.period
    lines = [[words(each.name), each.shown, each.change] for each in headline(figures, words)]
    by_hour = {row["hour"]: row for row in figures.rows["hours"]}
    line: dict[str, list[float | None]] = {"messages": [], "negative": []}
    for number in range(period.length // timedelta(hours=1)):
        row = by_hour.get(period.first + timedelta(hours=number))
        line["messages"].append(row["messages"] if row else None)
        line["negative"].append(row["negative"] / row["messages"] if row else None)
    stories = [f"- {markdown.plain(row['name'], 80)}: {row['messages']}" for row in figures.rows["stories"][:5]]
    table = markdown.table([period.name, "", f"against the {period.kind} before"], lines, 80)
    drawn = plot(line, f"the {period.kind}, hour by hour")
    address = f"The page: {markdown.plain(lake.address(path_of(figures.workflow, period, 'en')))}"
    return "\n\n".join(filter(None, [table, drawn, "\n".join(stories), address]))
