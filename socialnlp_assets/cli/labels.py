"""`socialnlp labels`: add labelled texts of a model, and find those that are worth labelling."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from socialnlp_assets.labels.suggest import Scores
    from socialnlp_assets.models.catalogue import ModelEntry
    from socialnlp_assets.resources.endpoints.predictor import Predictor
    from socialnlp_assets.resources.lake import Lake
    from socialnlp_assets.settings import Settings


@click.group()
def labels() -> None:
    """Labelled texts, which models are trained on."""


@labels.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", required=True, help="The model that learns from them, such as emotion.")
def add(file: Path, model: str) -> None:
    """Add FILE to the labels of a model: CSV (text, label), JSON lines, fastText's lines, or an export of Label Studio
    or Argilla. Nothing is added of a file in which anything cannot be read."""
    from socialnlp_assets.assets.models.build import read_all
    from socialnlp_assets.assets.models.shelf import Shelf
    from socialnlp_assets.labels.checks import findings
    from socialnlp_assets.labels.dataset import make_dataset
    from socialnlp_assets.labels.formats import read_labels
    from socialnlp_assets.labels.labelled import Labels, LabelsError
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings

    settings = Settings()
    known = Labels(trained_entry(settings, model))
    data = file.read_bytes()
    try:
        rows = read_labels(data, file.name, known)
    except LabelsError as error:
        raise click.ClickException(f"nothing was added:\n{error}") from None
    shelf = Shelf(build_lake(settings), model)
    path = f"{shelf.folder}/incoming/{sha256(data).hexdigest()[:8]}-{file.name}"
    if path in shelf.incoming():
        click.echo(f"{file.name} is there already")
        return
    before = read_all(shelf, known)[0]
    shelf.lake.put(path, data)
    dataset = make_dataset([*before, *rows])
    told = f"{len(rows)} rows added; {model} has {len(dataset.examples)} texts, {dataset.duplicates} duplicates"
    if dataset.contradictions:
        told += f", and {len(dataset.contradictions)} texts with two answers, which are left out"
    click.echo(told)
    found = [finding for finding in findings(dataset, known) if not finding.passed]
    for finding in found:
        click.echo(f"{finding.check}: {finding.told}")
    if all(finding.is_warning for finding in found):
        click.echo(f"train: socialnlp models train {model}")
    else:
        name = path.rpartition("/")[2]
        click.echo(f"no model is trained on these: add more, or socialnlp labels remove {name} --model {model}")


@labels.command()
@click.argument("name")
@click.option("--model", required=True, help="The model that would learn from them.")
def remove(name: str, model: str) -> None:
    """Take the file NAME out of the labels of a model. Versions that were trained on it stay, with what they learned
    from."""
    from socialnlp_assets.assets.models.shelf import Shelf
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings

    settings = Settings()
    trained_entry(settings, model)
    shelf = Shelf(build_lake(settings), model)
    files = {path.rpartition("/")[2]: path for path in shelf.incoming()}
    if name not in files:
        raise click.UsageError(f"{model} has no file of labels {name!r}; it has {', '.join(files) or 'none'}")
    shelf.lake.delete([files[name]])
    click.echo(f"{name} is out; {model} has {len(files) - 1} files of labels")


@labels.command()
@click.argument("model")
@click.option("--count", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--hours", type=click.IntRange(1, 1000), default=24, show_default=True, help="The newest, of a workflow.")
@click.option("--format", "form", type=click.Choice(["label-studio", "argilla", "csv"]), default="label-studio")
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-")
def suggest(model: str, count: int, hours: int, form: str, output: TextIO) -> None:
    """Texts of past hours that are worth labelling for MODEL: on which it is unsure, on which it and the version before
    disagree, or whose words are new. What it says of each is suggested; correct it, and add the export."""
    from socialnlp_assets.assets.models.shelf import NothingYet, Shelf
    from socialnlp_assets.labels.suggest import FORMATS
    from socialnlp_assets.labels.suggest import suggest as pick
    from socialnlp_assets.resources.build import build_endpoints, build_lake
    from socialnlp_assets.settings import Settings

    settings = Settings()
    entry = trained_entry(settings, model)
    lake = build_lake(settings)
    texts = _past(settings, lake, model, hours)
    if not texts:
        raise click.ClickException(f"no hour that asked {model} lies in the lake; run some, or look further: --hours")
    shelf = Shelf(lake, model)
    try:
        known = [example.text for example in shelf.read_labels(shelf.newest("labels")["version"])]
    except NothingYet:
        known = []
    with build_endpoints(settings) as endpoints:
        with endpoints.lease(model) as predictor:
            scores = _scores(predictor, entry, texts)
        label = endpoints.version_label(model)
        history = endpoints.registry.history(model)
        before = history.versions().get(history.before())
        others = None
        if before:
            with endpoints.lease(model, version=before.made) as predictor:
                others = _scores(predictor, entry, texts)
    found = pick(entry, texts, scores, others, known, count)
    output.write(FORMATS[form](entry, found, label))
    click.echo(f"{len(found)} of {len(texts)} texts of past hours", err=True)


def trained_entry(settings: Settings, model: str) -> ModelEntry:
    """The entry of a model that the catalogue trains; else a sentence."""
    from socialnlp_assets.models import load_catalogue

    catalogue = load_catalogue(settings.models)
    if model not in catalogue.trained():
        raise click.UsageError(f"{model!r} is not trained; those that are: {', '.join(catalogue.trained())}")
    return catalogue[model]


def _past(settings: Settings, lake: Lake, model: str, hours: int) -> list[str]:
    """What the model was asked about, in the newest hours of each workflow that asks it."""
    from socialnlp_assets.workflow import running_workflows

    texts: dict[str, None] = {}
    for name, workflow in running_workflows(settings).items():
        for step in workflow.steps.values():
            if model not in step.models():
                continue
            asset, column = step.text
            paths = sorted(file.path for file in lake.objects(f"{name}/{asset}") if file.path.endswith("/part.parquet"))
            for path in paths[-hours:]:
                texts |= dict.fromkeys(text for text in lake.read_table(path, [column])[column].to_pylist() if text)
    return list(texts)


def _scores(predictor: Predictor, entry: ModelEntry, texts: list[str]) -> list[Scores]:
    from socialnlp_assets.assets.models.measure import scores_of
    from socialnlp_assets.labels.labelled import Labels

    names = Labels(entry).all()
    return [dict(zip(names, map(float, row), strict=True)) for row in scores_of(predictor, entry, texts)]
