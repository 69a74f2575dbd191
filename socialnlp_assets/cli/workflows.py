"""`socialnlp workflows`: list, check and start workflow files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import BUILT_IN, Workflow, WorkflowError, load_workflow, load_workflows

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
  # translations: {{model: translator}}      # needed as soon as a language is not en; google: [sw] for Google's
  filtered_text: {{model: normalizer}}       # URLs, user names, emoji, slang
  # enrichments:                           # articles' own pages in place of excerpts
  classifications: {{model: reputation, only: social}}   # any multi-label or aspects model of the catalogue
  sentiments: {{sentiment: sentiment, emotion: emotion}}
  keywords: {{model: keywords, top: 10}}
  # themes: {{model: themes}}
  summaries: {{model: summarizer}}
"""


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
    for workflow in _all().values():
        source = workflow.source
        table.add_row(
            workflow.name,
            ", ".join(source.kinds) or "dropped",
            " ".join(source.languages),
            " → ".join(workflow.steps.named()),
        )
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
@click.option("--database", help="Create or replace the table in this Glue database instead of printing it.")
def table(name: str, database: str | None) -> None:
    """The Athena table of the workflow NAME's output: the TableInput of Glue's CreateTable, as JSON."""
    from socialnlp_assets.assets import STEPS
    from socialnlp_assets.assets.output import output_schema
    from socialnlp_assets.resources.athena import create_table, table_input
    from socialnlp_assets.resources.build import build_lake

    known = _all()
    if name not in known:
        raise click.UsageError(f"no workflow is called {name!r}; choose one of {', '.join(known)}")
    settings = Settings()
    location = build_lake(settings).address(f"output/{name}")
    definition = table_input(name, output_schema(STEPS, known[name]), location, settings.start)
    if database is None:
        click.echo(json.dumps(definition, indent=2, ensure_ascii=False))
        return
    created = create_table(definition, database, settings)
    click.echo(f"{database}.{name} {'created' if created else 'replaced'}; it reads {location}")


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
    path.write_text(TEMPLATE.format(name=name), encoding="utf-8")
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
