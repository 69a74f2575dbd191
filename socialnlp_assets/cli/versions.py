"""What `socialnlp models` shows of the registry, and how it decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from socialnlp_assets.models import load_catalogue
from socialnlp_assets.resources.build import build_lake, build_registry
from socialnlp_assets.resources.registry.card import card
from socialnlp_assets.resources.registry.registry import LakeRegistry, approval
from socialnlp_assets.resources.registry.versions import SHIPPED, State
from socialnlp_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

MADE_OF = ("source", "labels", "rows", "recipe", "hyperparameters", "seed", "code", "digest", "size", "archive")


def in_service() -> dict[str, int]:
    """Model → number of the version in service, of those that have any but the shipped one."""
    registry = _registry()
    found = {model: registry.history(model).in_service() for model in registry.models()}
    return {model: version.number for model, version in found.items() if version}


def show(model: str, number: int | None) -> None:
    from socialnlp_assets.assets.models.canary import tally_of

    _known(model)
    registry = _registry()
    if number is not None:
        click.echo(card(registry.version(model, number), load_catalogue(Settings().models)[model].description))
        return
    table = Table("version", "state", "since", "who", "why", "macro F1", "labels", box=None, pad_edge=False)
    versions = registry.history(model).versions()
    if load_catalogue(Settings().models)[model].embedded.is_made:
        shipped = "retired" if registry.history(model).in_service() else "approved"
        table.add_row(str(SHIPPED), shipped, "", "", "as shipped", "", "")
    for version in versions.values():
        figure = version.made.figures.get("macro_f1")
        table.add_row(
            str(version.number), version.state, f"{version.at:%Y-%m-%d %H:%M}", version.who, version.why,
            "" if figure is None else f"{figure:.3f}", version.made.labels[:8],
        )  # fmt: skip
    _print(table)
    if candidate := registry.history(model).in_canary():
        click.echo(f"version {candidate.number} in canary: {tally_of(registry.lake, model, candidate.number)}")


def decide(model: str, number: int, state: str, who: str, why: str) -> None:
    _known(model)
    registry, decided = _registry(), State(state)
    if decided is State.APPROVED and number != SHIPPED:
        decided = approval(load_catalogue(Settings().models)[model], registry.version(model, number))
    registry.decide(model, number, decided, who, why)
    told = {
        State.APPROVED: "is in service from the next hour on",
        State.CANARY: "answers a share of the hours' texts beside the one in service, until that has shown enough; "
        "approve it again to put it into service at once",
    }
    click.echo(f"{model}: version {number} {told.get(decided, f'is {decided}')}")


def rollback(model: str, who: str, why: str) -> None:
    _known(model)
    back = _registry().rollback(model, who, why)
    click.echo(f"{model}: version {back} is in service again from the next hour on")


def compare(model: str, a: int, b: int) -> None:
    _known(model)
    registry = _registry()
    first, second = registry.version(model, a).made, registry.version(model, b).made
    table = Table("", str(a), str(b), box=None, pad_edge=False)
    for name in MADE_OF:
        pair = [str(getattr(each, name)) for each in (first, second)]
        if any(pair):
            table.add_row(name, *pair)
    left, right = flat(first.figures), flat(second.figures)
    for name in left | right:
        table.add_row(name, *(f"{side[name]:.3f}" if name in side else "" for side in (left, right)))
    _print(table)


def train(names: tuple[str, ...], if_changed: bool) -> None:
    from socialnlp_assets.assets.models.build import is_up_to_date, job_name
    from socialnlp_assets.assets.models.shelf import Shelf
    from socialnlp_assets.cli.home import QUIET, dagster_instance, interruptible
    from socialnlp_assets.definitions import build_definitions

    settings = Settings()
    catalogue, lake = load_catalogue(settings.models), build_lake(settings)
    trained = catalogue.trained()
    if unknown := sorted(set(names) - trained.keys()):
        raise click.UsageError(f"not trained: {', '.join(unknown)}; those that are: {', '.join(trained)}")
    failed = []
    with dagster_instance() as instance:
        for name in names or [name for name in trained if Shelf(lake, name).incoming()]:
            if if_changed and is_up_to_date(Shelf(lake, name), catalogue[name]):
                click.echo(f"{name}: nothing has changed")
                continue
            job = build_definitions(settings).resolve_job_def(job_name(name))
            with interruptible():
                result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
            click.echo(f"{name}: {_outcome(result)}")
            if not result.success:
                failed.append(name)
    if failed:
        raise click.ClickException(f"no version of {', '.join(failed)} was registered")


def _outcome(result: dg.ExecuteInProcessResult) -> str:
    """In a sentence."""
    if result.success:
        *_, event = result.get_asset_materialization_events()  # of the last step
        found = {name: value.value for name, value in event.materialization.metadata.items()}
        return f"version {found['version']}, {found['state']}, macro F1 {found['macro_f1']:.3f}"
    for check in result.get_asset_check_evaluations():
        if check.check_name == "gate" and not check.passed:
            return f"the gate has stopped it. {check.description}"
    told = [
        event.step_failure_data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    ]
    return str(told[0]) if told else f"failed; run {result.run_id}"


def flat(figures: Mapping[str, Any], above: str = "") -> dict[str, float]:
    """The numbers of nested figures by dotted name."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{above}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[above + name] = float(value)
    return found


def _registry() -> LakeRegistry:
    return build_registry(Settings()).open()


def _known(model: str) -> None:
    try:
        load_catalogue(Settings().models)[model]
    except KeyError as error:
        raise click.UsageError(error.args[0]) from None


def _print(table: Table) -> None:
    Console(width=None if Console().is_terminal else 200, markup=False).print(table)
