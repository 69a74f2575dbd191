"""fastText, by its own library, with the hyperparameters as SageMaker's BlazingText spells them.

One thread: more would write to the same weights, and the same seed would not give the same model.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from socialnlp_assets.tasks.multi_label import spelled
from socialnlp_assets.training.container import Example, Job, TrainingError

# BlazingText's name → fastText's, and what serves a few thousand texts.
NAMES = {
    "epochs": ("epoch", 25),
    "learning_rate": ("lr", 0.5),
    "vector_dim": ("dim", 50),
    "min_count": ("minCount", 1),
    "word_ngrams": ("wordNgrams", 2),
    "buckets": ("bucket", 50_000),
    "min_char": ("minn", 0),
    "max_char": ("maxn", 0),
}


def fit(job: Job, examples: list[Example], folder: Path) -> dict[str, float]:
    """Labels that stand alone are trained one against all; else softmax."""
    import fasttext

    given = {ours: job.number(theirs, default) for theirs, (ours, default) in NAMES.items()}
    options = {name: value if name == "lr" else int(value) for name, value in given.items()}
    lines = [" ".join([*(spelled(job.labels[label]) for label in each.labels), each.text]) for each in examples]
    loss = "ova" if job.task == "multi-label" else "softmax"
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "train.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            model = fasttext.train_supervised(
                str(path), loss=loss, seed=job.seed or 1, thread=1, verbose=0, **options
            )  # fmt: skip
        except ValueError as error:
            raise TrainingError(f"fastText: {error}; change the hyperparameters") from None
        _, precision, recall = model.test(str(path))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_model(str(folder / "model.bin"))
    settings = {"name": job.name, "task": job.task, "engine": "fasttext", "labels": job.labels}
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return {"train_precision": round(precision, 4), "train_recall": round(recall, 4)}
