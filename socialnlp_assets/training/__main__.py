"""`python -m socialnlp_assets.training NAME --data DIR`: rebuild one embedded model, print its figures."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import click

from socialnlp_assets.models.catalogue import EMBEDDED_MODELS, load_catalogue
from socialnlp_assets.nlp.lexicon import DATA

TRAINERS = {
    "aspects-service-points": "seeded:aspects",
    "aspects-stores": "seeded:aspects",
    "emotion": "comments:emotion",
    "emotion-tweets": "tweets:emotion",
    "normalizer": "normalisation:written",
    "normalizer-tweets": "normalisation:tweets",
    "reputation": "seeded:topics",
    "sentiment": "comments:sentiment",
    "sentiment-tweets": "tweets:sentiment",
    "themes": "seeded:topics",
    "translator": "translator:translator",
    "word-vectors": "word_vectors:word_vectors",
}
HOMES = {"normalizer": DATA}  # of what does not ship in models/embedded/NAME


@click.command()
@click.argument("name", type=click.Choice(["all", *sorted(TRAINERS)]))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True,
              help="Folder with the labelled data (docs/models.md says which).")  # fmt: skip
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Instead of where NAME ships; of all, a folder each below it.",
)
def main(name: str, data: Path, into: Path | None) -> None:
    """Rebuild the embedded model NAME, or all that ship, from DATA and the project's own seeds."""
    names = [known for known in TRAINERS if known in load_catalogue().names()] if name == "all" else [name]
    for each in names:
        module, function = TRAINERS[each].split(":")
        trainer = getattr(import_module(f"socialnlp_assets.training.{module}"), function)
        folder = into / each if into and name == "all" else into or HOMES.get(each, EMBEDDED_MODELS / each)
        click.echo(
            f"{each}: {json.dumps(trainer(data, folder))}" if name == "all" else json.dumps(trainer(data, folder))
        )


if __name__ == "__main__":
    main()
