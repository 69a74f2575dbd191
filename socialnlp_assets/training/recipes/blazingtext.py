"""What SageMaker's BlazingText would make of the same hyperparameters, by fastText's own library.

On SageMaker it is AWS's container that trains (`resources/trainers/blazingtext.py`); its `model.bin` has the same
format. Stopping early is the container's own: here all epochs are run.
"""

from __future__ import annotations

from pathlib import Path

from socialnlp_assets.training.container import Example, Job
from socialnlp_assets.training.recipes import fasttext

# Those of `resources/trainers/blazingtext.py`, which the server's part knows nothing of.
DEFAULTS = {"epochs": "30", "min_count": "3", "learning_rate": "0.02", "vector_dim": "100", "buckets": "200000"}


def fit(job: Job, examples: list[Example], folder: Path) -> dict[str, float]:
    """As `fasttext`, with other defaults."""
    settings = DEFAULTS | job.settings
    return fasttext.fit(Job(job.name, job.task, job.labels, job.seed, settings, job.checkpoints), examples, folder)
