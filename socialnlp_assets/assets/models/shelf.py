"""Where the assets of one model lie in the lake: `models/<model>/`.

``incoming/`` has the files of labels as they were added, ``labels/<version>.parquet`` each data set that was made of
them, ``files/<digest>/`` each trained model, ``log/`` its registry. ``labels.json``, ``trained.json`` and
``evaluation.json`` say what the newest of each is, and are replaced last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from socialnlp_assets.labels.dataset import HELD_BACK, TRAIN, Dataset, Example
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.lake import HourMissing, Lake, is_message_file
from socialnlp_assets.tasks.multi_label import spelled

SCHEMA = pa.schema(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("labels", pa.list_(pa.string()), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("about", pa.map_(pa.string(), pa.string())),
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
    ]
)


class NothingYet(LookupError):
    """The asset before has not been materialised; the message says which."""


@dataclass(frozen=True)
class Shelf:
    """One model's part of the lake."""

    lake: Lake
    model: str

    @property
    def folder(self) -> str:
        return f"models/{self.model}"

    def incoming(self) -> list[str]:
        """The files of labels, by name."""
        found = (file.path for file in self.lake.objects(f"{self.folder}/incoming"))
        return sorted(path for path in found if is_message_file(path))

    def write_labels(self, dataset: Dataset) -> str:
        """Keep a data set, and make it the newest; its path."""
        path = self.labels_path(dataset.version)
        rows = [
            {
                "text": each.text,
                "labels": list(each.labels),
                "split": each.split,
                "about": list(each.about.items()),
                "file": each.file,
                "line": each.line,
            }
            for each in dataset.examples
        ]
        if not self.lake.exists(path):
            self.lake.write_table(path, pa.Table.from_pylist(rows, schema=SCHEMA))
        self.put("labels", {"version": dataset.version, "rows": dataset.rows, "texts": len(dataset.examples)})
        return path

    def labels_path(self, version: str) -> str:
        return f"{self.folder}/labels/{version}.parquet"

    def read_labels(self, version: str) -> list[Example]:
        """The examples of a data set; none for a version that is not there (any more)."""
        try:
            table = self.lake.read_table(self.labels_path(version))
        except HourMissing:
            return []
        return [
            Example(row["text"], tuple(row["labels"]), row["split"], dict(row["about"] or ()), row["file"], row["line"])
            for row in table.to_pylist()
        ]

    def put(self, asset: str, record: dict[str, Any]) -> None:
        """Say what the newest of `asset` is."""
        self.lake.put(f"{self.folder}/{asset}.json", json.dumps(record, indent=1).encode())

    def newest(self, asset: str) -> dict[str, Any]:
        """What `put` was told last. Raises `NothingYet`."""
        try:
            found: dict[str, Any] = json.loads(self.lake.get(f"{self.folder}/{asset}.json"))
        except FileNotFoundError:
            raise NothingYet(f"there are no {asset} of {self.model} yet; materialise {asset}/{self.model}") from None
        return found


def channels(examples: Sequence[Example], entry: ModelEntry, prepare: Callable[[str], str]) -> dict[str, bytes]:
    """The files of the training program's channel `train`, prepared as the served model will be asked."""
    training = [(example, prepare(example.text)) for example in examples if example.split == TRAIN]
    found = {}
    for target in entry.targets or ("",):
        lines = []
        for example, text in training:
            labels = example.labels
            if target:
                labels = tuple(label.partition("=")[2] for label in labels if label.partition("=")[0] == target)
                if not labels:
                    continue
            words = [word for word in text.split() if not word.startswith("__label__")]
            if words:
                lines.append(" ".join([*map(spelled, labels), *words]))
        found[f"{target or 'texts'}.txt"] = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    return found


def held_back(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.split == HELD_BACK]
