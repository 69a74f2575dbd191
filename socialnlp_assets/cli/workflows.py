"""`socialnlp workflows`: list, check and start workflow files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from socialnlp_assets.models import load_catalogue
from socialnlp_assets.settings import Settings

if TYPE_CHECKING:  # what knows the steps knows Dagster, too, which --help need not wait for
    from socialnlp_assets.workflow import Workflow


@click.group()
def workflows() -> None:
    """The workflow files: the built-in ones, and those in the folder SOCIALNLP_WORKFLOWS."""


def _all(**options: Any) -> dict[str, Workflow]:
    from socialnlp_assets.workflow import load_workflows

    settings = Settings()
    folders = [settings.workflows] if settings.workflows else []
    return load_workflows(*folders, catalogue=load_catalogue(settings.models), **options)


def _named(name: str) -> Workflow:
    known = _all()
    if name not in known:
        raise click.UsageError(f"no workflow is called {name!r}; choose one of {', '.join(known)}")
    return known[name]


@workflows.command("list")
def list_() -> None:
    """Show every workflow with its source, languages and steps."""
    from rich.console import Console
    from rich.table import Table

    from socialnlp_assets.workflow import running_workflows

    table = Table("workflow", "source", "languages", "steps")
    running = running_workflows(Settings())
    for workflow in _all().values():
        source = workflow.source
        name = workflow.name if workflow.name in running else f"{workflow.name} (off)"
        kinds = ", ".join(source.kinds) or "dropped"
        table.add_row(name, kinds, " ".join(source.languages), " → ".join(workflow.steps))
    Console().print(table)


@workflows.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Validate FILES, or every workflow file and the sources file; each mistake comes with file, line and remedy."""
    from socialnlp_assets.sources.sources_file import configured_sources
    from socialnlp_assets.workflow import WorkflowError, load_workflow

    settings = Settings()
    if not files:
        configured_sources(settings)
        click.echo(f"{len(_all(profile=settings.profile))} workflows fit")
        return
    mistakes = []
    for path in files:
        try:
            load_workflow(path, load_catalogue(settings.models), settings.profile)
        except WorkflowError as error:
            mistakes.append(str(error))
    if mistakes:
        raise click.ClickException("not every workflow file fits:\n" + "\n".join(mistakes))
    click.echo(f"{len(files)} workflow{'s' if len(files) > 1 else ''} fit")


@workflows.command()
@click.argument("name")
@click.option("--database", help="Create or replace the tables and the view in this Glue database.")
@click.option("--view", is_flag=True, help="Print SQL that makes the view in DuckDB.")
def table(name: str, database: str | None, view: bool) -> None:
    """The output of the workflow NAME in Athena: a view, called as the workflow, and the two tables that it stands
    on. Prints the TableInputs of Glue's CreateTable, as JSON."""
    from socialnlp_assets.resources.athena import create_table, tables
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.resources.output_view import duckdb_sql

    workflow, settings = _named(name), Settings()
    lake = build_lake(settings)
    if view:
        click.echo(duckdb_sql(lake, name))
        return
    definitions = tables(name, workflow.output().table(), lake, database or "default", settings.start)
    if database is None:
        click.echo(json.dumps(definitions, indent=2, ensure_ascii=False))
        return
    for definition in definitions:
        created = create_table(definition, database, settings)
        click.echo(f"{database}.{definition['Name']} {'created' if created else 'replaced'}")


@workflows.command()
@click.argument("name")
@click.option("--owner", required=True, help="ARN of the user or group of QuickSight that is to own both.")
@click.option("--database", default="default", show_default=True, help="The Glue database that has the view.")
@click.option("--days", default=35, show_default=True, help="How far back the data set goes.")
def quicksight(name: str, owner: str, database: str, days: int) -> None:
    """The output of the workflow NAME in QuickSight, on its view in Athena. Prints what to ask of CreateDataSource and
    CreateDataSet, as JSON. The channels and topics are those of the lake: print it again when there are new ones."""
    from socialnlp_assets.resources.athena import tables
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.resources.quicksight import requests, values

    workflow, settings = _named(name), Settings()
    lake = build_lake(settings)
    named = values(lake, name)
    if not named["social"]:
        raise click.ClickException(f"the lake has no output of {name}; run an hour of it first")
    *_, view = tables(name, workflow.output().table(), lake, database, settings.start)
    try:
        asked = requests(view, named, days, database, settings.aws_region, owner)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(json.dumps(asked, indent=2, ensure_ascii=False))


@workflows.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a commented starting file for the workflow NAME, where the code location finds it: in the folder
    SOCIALNLP_WORKFLOWS, else beside the built-in ones of a checkout."""
    from socialnlp_assets.starting_file import starting_file
    from socialnlp_assets.workflow import BUILT_IN, WorkflowError, load_workflow

    folder = Settings().workflows or _of_checkout(BUILT_IN)
    path = folder / f"{name}.yaml"
    for taken in (path, BUILT_IN / path.name):
        if taken.exists():
            raise click.ClickException(f"{taken} is there already; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(starting_file(name), encoding="utf-8")
    try:
        load_workflow(path)
    except WorkflowError as error:
        path.unlink()
        raise click.ClickException(str(error)) from None
    click.echo(f"{path}: edit it, then run `socialnlp workflows check` and reload the code location")


def _of_checkout(built_in: Path) -> Path:
    """The folder of the built-in workflows, unless it belongs to an installed package: the next install empties it."""
    if {"site-packages", "dist-packages"} & set(built_in.parts) or not os.access(built_in, os.W_OK):
        raise click.ClickException(
            "the built-in workflows belong to the installed package; set SOCIALNLP_WORKFLOWS to a folder of your own, "
            "here and where the code location runs"
        )
    return built_in
