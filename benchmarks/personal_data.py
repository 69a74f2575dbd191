"""`python -m benchmarks.personal_data [FILE]`: how much of the personal data in a labelled set is found, and how much
of what is replaced is none.

FILE has a JSON object a line: `language`, `text`, and `people`, a list of `[kind, text]`. Without it, the set that the
tests use is read.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from socialnlp_assets.nlp.personal_data import replace_personal_data

SET = Path(__file__).parents[1] / "tests" / "security" / "data" / "personal_data.jsonl"


@dataclass
class Score:
    """Of one kind, or of all: replaced and personal; replaced and not; personal and not replaced."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed or 1)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong or 1)


def measure(file: Path) -> dict[str, Score]:
    """The score of each kind, and of `all`."""
    scores: dict[str, Score] = {"all": Score()}
    for line in file.read_text(encoding="utf-8").splitlines():
        labelled = json.loads(line)
        text, found = replace_personal_data(labelled["text"], [labelled["language"]])
        people = Counter(kind for kind, _ in labelled["people"])
        left = Counter(kind for kind, item in labelled["people"] if item in text)
        for kind in {*people, *found}:
            right = min(people[kind] - left[kind], found[kind])
            for score in (scores["all"], scores.setdefault(kind, Score())):
                score.right += right
                score.wrong += found[kind] - right
                score.missed += people[kind] - right
    return scores


@click.command()
@click.argument("file", default=SET, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(file: Path) -> None:
    """Print recall and precision on the labelled texts in FILE."""
    table = Table("kind", "there", "recall", "precision", box=None)
    for kind, score in measure(file).items():
        table.add_row(kind, str(score.right + score.missed), f"{score.recall:.3f}", f"{score.precision:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
