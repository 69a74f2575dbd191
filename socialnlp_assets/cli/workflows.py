"""`socialnlp workflows`: list, check and start workflow files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from socialnlp_assets.assets import step_kinds
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import (
    BUILT_IN,
    Workflow,
    WorkflowError,
    load_workflow,
    load_workflows,
    running_workflows,
)

TEMPLATE = """\
# What this workflow is for, in a sentence. `socialnlp workflows check` tells whether the file fits.
name: {name}
description: What people say about the company on …
owners: ["team:social-listening"]          # teams or e-mail addresses, shown in the Dagster UI
source:
  kind: dropped                            # dropped: files put into landing/{name}/; or sprinklr, google_maps
  languages: [en]                          # ISO 639-1; messages in others are dropped and counted
  # place_type: store                      # google_maps only: which places
steps:                                     # take out what you do not need; the order is always this one
{steps}
"""


def _lines_of_steps() -> str:
    """A line a step kind, with its options and what it does."""
    lines = []
    for name, kind in step_kinds().items():
        options = {o: f.examples[0] if f.examples else f.default for o, f in kind.model_fields.items()}
        shown = ", ".join(f"{option}: {value}" for option, value in options.items() if value not in (None, ()))
        lines.append(f"  {name}: {f'{{{shown}}}' if shown else ''}".ljust(42) + f" # {kind.description()}")
    return "\n".join(lines)


@click.group()
def workflows() -> None:
    """The workflow files: the built-in ones, and those in the folder SOCIALNLP_WORKFLOWS."""


def _all(**options: Any) -> dict[str, Workflow]:
    folder = Settings().workflows
    return load_workflows(*([folder] if folder else []), **options)


@workflows.command("list")
def list_() -> None:
    """Show every workflow with its source, languages and steps."""
    table = Table("workflow", "source", "languages", "steps")
    running = running_workflows(Settings())
    for workflow in _all().values():
        source = workflow.source
        name = workflow.name if workflow.name in running else f"{workflow.name} (off)"
        table.add_row(name, source.kind, " ".join(source.languages), " → ".join(workflow.steps))
    Console().print(table)


@workflows.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Validate FILES, or every workflow file; each mistake comes with file, line and remedy."""
    profile = Settings().profile
    if not files:
        click.echo(f"{len(_all(profile=profile))} workflows fit")
        return
    mistakes = []
    for path in files:
        try:
            load_workflow(path, profile=profile)
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

    known = _all()
    if name not in known:
        raise click.UsageError(f"no workflow is called {name!r}; choose one of {', '.join(known)}")
    settings = Settings()
    lake = build_lake(settings)
    if view:
        click.echo(duckdb_sql(lake, name))
        return
    definitions = tables(name, known[name].output().table(), lake, database or "default", settings.start)
    if database is None:
        click.echo(json.dumps(definitions, indent=2, ensure_ascii=False))
        return
    for definition in definitions:
        created = create_table(definition, database, settings)
        click.echo(f"{database}.{definition['Name']} {'created' if created else 'replaced'}")


@workflows.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a commented starting file for the workflow NAME, where the code location finds it: in the folder
    SOCIALNLP_WORKFLOWS, else beside the built-in ones of a checkout."""
    folder = Settings().workflows or _of_checkout()
    path = folder / f"{name}.yaml"
    for taken in (path, BUILT_IN / path.name):
        if taken.exists():
            raise click.ClickException(f"{taken} is there already; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(name=name, steps=_lines_of_steps()), encoding="utf-8")
    try:
        load_workflow(path)
    except WorkflowError as error:
        path.unlink()
        raise click.ClickException(str(error)) from None
    click.echo(f"{path}: edit it, then run `socialnlp workflows check` and reload the code location")


def _of_checkout() -> Path:
    """The folder of the built-in workflows, unless it belongs to an installed package: the next install empties it."""
    if {"site-packages", "dist-packages"} & set(BUILT_IN.parts) or not os.access(BUILT_IN, os.W_OK):
        raise click.ClickException(
            "the built-in workflows belong to the installed package; set SOCIALNLP_WORKFLOWS to a folder of your own, "
            "here and where the code location runs"
        )
    return BUILT_IN
