"""`entities`: the people, organisations and places that a message names, and where in its text they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import pyarrow as pa

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Analysis, Does, Hour, Result
from socialnlp_assets.checks import Expectation
from socialnlp_assets.schemas import INT, TEXT, Column
from socialnlp_assets.tasks.entities import KINDS, Entity

# The columns of one kind: its names, each once, as a table of people or places would be counted.
NAMES = {"person": "people", "organisation": "organisations", "place": "places"}


class Entities(Analysis):
    """The people, organisations and places that a message names, and where in its text they stand."""

    name: ClassVar = "entities"
    kinds: ClassVar = frozenset({"parquet", "spacy"})

    model: Annotated[str, Does("entities")] = "entities"

    def columns(self) -> tuple[Column, ...]:
        where = f"in {'.'.join(self.text)}"
        return (
            *(Column(NAMES[kind], pa.list_(TEXT), f"each {kind} that the text names, once") for kind in KINDS),
            Column("entities", pa.list_(TEXT), f"every name as it stands {where}, in order"),
            Column("entity_kinds", pa.list_(TEXT), f"of each: {', '.join(KINDS)}"),
            Column("entity_starts", pa.list_(INT), f"where each begins {where}, in characters from 0"),
            Column("entity_ends", pa.list_(INT), "the first character after each"),
        )

    def compute(self, hour: Hour) -> Result:
        table, texts = self.texts(hour)
        entities, usage = ask(hour, self.model, texts)
        return result_of_answers(table, [entities], self.table(), _row, [usage])

    def plausible(self) -> tuple[Expectation, ...]:
        return (
            Expectation(
                "expect_multicolumn_entities_to_stand_at_offsets",
                {
                    "column_list": [
                        f"read_{self.text[1]}",
                        "entities",
                        "entity_kinds",
                        "entity_starts",
                        "entity_ends",
                        *(NAMES[kind] for kind in KINDS),
                    ],
                    "kinds": list(KINDS),
                },
                "every name is what the text has between its offsets, and is listed under its kind",
                f"look at the answers of the model `{self.model}`, and go back to its version before",
                rejects=True,
            ),
        )


def _row(entities: Sequence[Entity]) -> Mapping[str, Any]:
    named = {NAMES[kind]: list(dict.fromkeys(e.text for e in entities if e.kind == kind)) for kind in KINDS}
    return named | {
        "entities": [e.text for e in entities],
        "entity_kinds": [e.kind for e in entities],
        "entity_starts": [e.start for e in entities],
        "entity_ends": [e.end for e in entities],
    }
