"""`socialnlp models`: the catalogue, the versions of its models, and packaging production models."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from socialnlp_assets.cli.extras import require_server
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.models.catalogue import CatalogueError
from socialnlp_assets.settings import Settings


@click.group()
def models() -> None:
    """The models: the built-in catalogue, and those of the folder SOCIALNLP_MODELS."""


@models.command("list")
def list_models() -> None:
    """What each model does, which version is in service (0: as shipped), and what stands behind it in production."""
    from socialnlp_assets.cli.versions import in_service

    columns = ("model", "version", "task", "production model", "licence", "engine", "endpoint")
    table = Table(*columns, box=None, pad_edge=False)
    versions = in_service()
    catalogue = load_catalogue(Settings().models)
    for name in catalogue.names():
        entry = catalogue[name]
        source = entry.aws.source + (f"@{entry.aws.revision}" if entry.aws.revision else "")
        shape = entry.aws.endpoint
        size = shape.instance_type or f"{shape.memory_mb} MB"
        where = f"that of {entry.endpoint_of}" if entry.endpoint_of else f"{shape.kind}, {size}"
        number = str(versions.get(entry.endpoint_of or name, 0))
        table.add_row(name, number, entry.task, source, entry.aws.licence, entry.aws.engine, where)
    Console(width=None if Console().is_terminal else 200).print(table)


@models.command("train")
@click.argument("names", nargs=-1)
@click.option("--if-changed", is_flag=True, help="Only those whose labels, recipe or code have changed.")
def train(names: tuple[str, ...], if_changed: bool) -> None:
    """Train MODELs (all that have labels, if none is named), measure them, and register what passes the gate."""
    from socialnlp_assets.cli import versions

    versions.train(names, if_changed)


@models.command("show")
@click.argument("model")
@click.argument("version", required=False, type=int)
def show(model: str, version: int | None) -> None:
    """The versions of MODEL, who decided what of them and why; of one VERSION, its card and what it was made of."""
    from socialnlp_assets.cli import versions

    versions.show(model, version)


def _who(command: Any) -> Any:
    """Options of a command that decides."""
    command = click.option("--who", default=getuser, show_default="you", help="Who decides.")(command)
    return click.option("--why", required=True, help="Why; it stays on record.")(command)


@models.command("approve")
@click.argument("model")
@click.argument("version", type=int)
@_who
def approve(model: str, version: int, who: str, why: str) -> None:
    """Put VERSION of MODEL into service, from the next hour on. Hours under way end on the one before."""
    from socialnlp_assets.cli import versions

    versions.decide(model, version, "approved", who, why)


@models.command("reject")
@click.argument("model")
@click.argument("version", type=int)
@_who
def reject(model: str, version: int, who: str, why: str) -> None:
    """Never put VERSION of MODEL into service."""
    from socialnlp_assets.cli import versions

    versions.decide(model, version, "rejected", who, why)


@models.command("rollback")
@click.argument("model")
@_who
def rollback(model: str, who: str, why: str) -> None:
    """Bring back the version of MODEL that was in service before the one that is."""
    from socialnlp_assets.cli import versions

    versions.rollback(model, who, why)


@models.command("compare")
@click.argument("model")
@click.argument("a", type=int)
@click.argument("b", type=int)
def compare(model: str, a: int, b: int) -> None:
    """The figures of versions A and B of MODEL side by side, and what they were made of."""
    from socialnlp_assets.cli import versions

    versions.compare(model, a, b)


@models.command("cost")
@click.argument("names", nargs=-1)
@click.option("--texts", default=1000, show_default=True, type=click.IntRange(min=0), help="Texts an hour.")
@click.option("--workflow", "of", multiple=True, help="Only endpoints that this workflow's hours ask.")
def cost(names: tuple[str, ...], texts: int, of: tuple[str, ...]) -> None:
    """Estimate what MODELs' endpoints on SageMaker come to [those that workflows use], an hour and a month of 730, for
    a volume.

    Prices are those of SOCIALNLP_PRICES or the shipped table; paces those of the catalogue; shapes those of
    SOCIALNLP_ENDPOINT_SHAPES, else of the workflow's file, else of the catalogue. Texts that an hour does not need to
    ask about, empty or repeated ones, cost nothing.
    """
    from socialnlp_assets.cli.costs import cost_of, total, used
    from socialnlp_assets.resources.endpoints.metering import load_prices
    from socialnlp_assets.workflow import WorkflowError, running_workflows

    settings = Settings()
    prices = load_prices(settings.prices)
    try:
        workflows = running_workflows(settings)
        if unknown := set(of) - set(workflows):
            raise click.UsageError(f"no workflow {unknown.pop()!r} runs here; there are {', '.join(workflows)}")
        catalogue = load_catalogue(settings.models)
        asked = used(catalogue, [workflows[name] for name in of or workflows], settings.endpoint_shapes, names)
    except (KeyError, CatalogueError, WorkflowError) as error:
        raise click.UsageError(error.args[0]) from None
    warm = settings.seconds_warm if settings.warm_seconds is not None else 15 * 60
    costs = [cost_of(each.model, each.entry, texts, warm, prices) for each in asked]
    table = Table("model", "machine", "asked by", "busy", "USD an hour", "USD a month", box=None, pad_edge=False)
    for each, endpoint in zip(costs, asked, strict=True):
        hour, month = (f"{each.hour:.4f}", f"{each.month:.2f}") if each.is_priced else ("no price known", "")
        by = ", ".join(endpoint.workflows) or "no workflow"
        table.add_row(each.model, each.machine, by, f"{each.seconds:.0f} s", hour, month)
    hour_of_all, month_of_all = total(costs)
    table.add_row("together", "", "", "", f"{hour_of_all:.4f}", f"{month_of_all:.2f}")
    Console(width=None if Console().is_terminal else 200).print(table)
    click.echo(f"{texts} texts an hour for each endpoint; prices of {prices.date}, {prices.region}, on demand")


@models.command("check")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(folder: Path | None) -> None:
    """Validate the catalogue files in FOLDER [SOCIALNLP_MODELS] and the model folders that they name; each mistake
    comes with file, line and remedy."""
    from socialnlp_assets.models.check import check_models

    settings = Settings()
    folder = folder or settings.models
    if folder is None:
        raise click.UsageError("name a folder of catalogue files, or set SOCIALNLP_MODELS to it")
    try:
        fit = check_models(folder, settings.state / "models", settings.aws_region, settings.aws_endpoint_url or "")
    except CatalogueError as error:
        raise click.ClickException(f"not every model fits:\n{error}") from None
    click.echo(f"{len(fit)} model{'s' if len(fit) != 1 else ''} fit: {', '.join(fit)}")


@models.command("package")
@click.argument("name")
@click.option(
    "--source", default="", help="Hub id, folder or file [the catalogue's source; required for what you trained]."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for model.tar.gz [packages/NAME in the state directory].",
)
@click.option("--force", is_flag=True, help="Also where the converted model disagrees with its original.")
@click.option("--upload/--no-upload", default=None, help="To SOCIALNLP_MODEL_BUCKET [where that is set].")
def package_model(name: str, source: str, output: Path | None, force: bool, upload: bool | None) -> None:
    """Convert model NAME to its fast form, check it against the original, and write model.tar.gz.

    A classifier of fastText or BlazingText is packaged as it was trained: SOURCE is its model.bin, model.tar.gz or
    their folder; for several targets, a folder with one of these a target, called as the target is.

    The archive serves on SageMaker and, unpacked, by `socialnlp serve --model`.
    """
    settings = Settings()
    if upload and not settings.model_bucket:
        raise click.UsageError("set SOCIALNLP_MODEL_BUCKET to an s3:// prefix, or leave --upload out")
    try:
        entry = load_catalogue(settings.models)[name]
    except KeyError as error:
        raise click.UsageError(error.args[0]) from None
    try:
        from socialnlp_assets.models import packaging
        from socialnlp_assets.models.packaging_origin import PackagingError
    except ModuleNotFoundError as error:
        raise click.ClickException(_missing(error.name)) from None
    try:
        packaged = packaging.package(
            name,
            entry,
            output or settings.state / "packages" / name,
            source=source,
            force=force,
            kept=settings.state / "hub",
        )
        click.echo(f"{packaged.archive}  {packaged.archive.stat().st_size / 1e6:.1f} MB  sha256 {packaged.sha256}")
        for field in ("source", "revision", "licence", "self_check"):
            if field in packaged.provenance:
                click.echo(f"  {field}: {packaged.provenance[field] or 'unknown'}")
        if settings.model_bucket and upload is not False:
            address = packaging.upload(
                packaged,
                name,
                entry,
                settings.model_bucket,
                region=settings.aws_region,
                endpoint_url=settings.aws_endpoint_url,
            )
            click.echo(f"  uploaded: {address}")
    except PackagingError as error:
        raise click.ClickException(str(error)) from None
    except ModuleNotFoundError as error:
        raise click.ClickException(_missing(error.name)) from None


@models.command("install")
@click.argument("name")
@click.option("--source", default="", help="Hub id or folder [the catalogue's source].")
@click.option("--force", is_flag=True, help="Also where the converted model disagrees with its original.")
@click.option("--who", default=getuser, show_default="you", help="Who decides.")
def install(name: str, source: str, force: bool, who: str) -> None:
    """Fetch the production model of NAME from its hub, convert and check it, and put it into service.

    It becomes a version as any other: `socialnlp models rollback NAME` brings back the one before. A download that
    breaks goes on where it was when the command is given again. HF_ENDPOINT names another hub, HF_TOKEN an account's
    token.
    """
    settings = Settings()
    try:
        entry = load_catalogue(settings.models)[name]
    except KeyError as error:
        raise click.UsageError(error.args[0]) from None
    require_server("engines", "package")
    from socialnlp_assets.cli.installing import install_model
    from socialnlp_assets.models.packaging_origin import PackagingError

    try:
        install_model(settings, name, entry, source=source, force=force, who=who)
    except PackagingError as error:
        raise click.ClickException(str(error)) from None


def _missing(library: str | None) -> str:
    return f"packaging needs {library}: pip install 'socialnlp-assets[engines,package]'"
