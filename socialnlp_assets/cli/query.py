"""`socialnlp query`: ask the data mart, or the output in the lake, in SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from socialnlp_assets.settings import Settings

if TYPE_CHECKING:
    import duckdb

CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ufeff]")  # what a terminal would obey


@click.command()
@click.argument("sql")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row in place of a table.")
def query(sql: str, as_json: bool) -> None:
    """Answer SQL (DuckDB's) from the tables of the data mart, the output of each workflow, called as the workflow, and
    `quarantine`.

    It only reads. For example:

    \b
    socialnlp query "FROM agg_day WHERE taxonomy = 'all' ORDER BY day"
    socialnlp query "SELECT phrase, count(*) AS n FROM fact_keyword GROUP BY ALL ORDER BY n DESC LIMIT 20"
    socialnlp query "SELECT social, sentiment, count(*) FROM sprinklr GROUP BY ALL"
    socialnlp query "SELECT workflow, step, reason, count(*) FROM quarantine GROUP BY ALL"
    """
    import duckdb

    from socialnlp_assets.mart.build import MartError

    try:
        statements = duckdb.extract_statements(sql)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise click.UsageError("ask one question: a statement that only reads, such as SELECT or FROM")
        with closing(duckdb.connect()) as database:
            _open(database, Settings(), sql)
            answer = database.execute(sql)
            names = [column[0] for column in answer.description or []]
            (_print_json if as_json else _print_table)(names, answer.fetchall())
    except (duckdb.Error, MartError) as error:
        raise click.ClickException(str(error)) from error


def _open(database: duckdb.DuckDBPyConnection, settings: Settings, sql: str) -> None:
    """Give `database` the tables of the mart, and of the outputs and quarantine those that `sql` names: to read what
    files there are takes its time."""
    from socialnlp_assets.assets.quarantine import as_table, waiting
    from socialnlp_assets.mart.build import Mart
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.resources.output_view import duckdb_sql
    from socialnlp_assets.workflow import running_workflows

    database.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    lake = build_lake(settings)
    for workflow in running_workflows(settings):
        if lake.folder and re.search(rf"\b{workflow}\b", sql) and any(lake.objects(f"{workflow}/output")):
            database.execute(duckdb_sql(lake, workflow))
    if re.search(r"\bquarantine\b", sql):
        database.register("quarantine", as_table(waiting(lake)))
    mart = Mart(settings.state / "mart", settings.mart_models)
    if mart.file.exists():
        mart.attach(database)


def _print_json(names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        click.echo(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=str))


def _print_table(names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """What people wrote is shown, and tells the terminal nothing."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*names)
    for row in rows:
        table.add_row(*(Text(plain("" if value is None else str(value))) for value in row))
    Console().print(table)


def plain(text: str) -> str:
    """`text` in one line, without what a terminal would obey."""
    return CONTROL.sub("", text)
