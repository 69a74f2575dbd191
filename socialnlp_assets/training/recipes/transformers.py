"""Fine-tuning of an encoder such as RoBERTa, exported for our engine `onnx-sequence-classification` (int8).

`base` is a folder or a hub id, at `base_revision`. The same seed, base and labels give the same model on the same kind
of machine; a graphics card is used where there is one. An epoch that is finished lies in the checkpoints.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from socialnlp_assets.models.catalogue import EmbeddedModel, ModelEntry
from socialnlp_assets.models.packaging_convert import CLASSIFIERS, CONVERSIONS
from socialnlp_assets.models.packaging_origin import PackagingError
from socialnlp_assets.models.packaging_source import Source, find_source
from socialnlp_assets.training.container import Example, Job, TrainingError

ENGINE = "onnx-sequence-classification"
CHECKPOINT = "epoch.pt"


def fit(job: Job, examples: list[Example], folder: Path) -> dict[str, float]:
    """`epochs` 3, `learning_rate` 2e-5, `batch_size` 32, `max_length` 128 tokens, `weight_decay` 0.01. Of several
    labels each is learned alone, as yes or no."""
    import torch

    base = _base(job)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, a graphics card is not deterministic
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(job.seed)
    model, tokenizer = _loaded(base, job)
    figures = _train(job, examples, model, tokenizer)
    tuned = job.checkpoints / "tuned"
    model.cpu().save_pretrained(tuned)
    tokenizer.save_pretrained(tuned)
    _export(job, tuned, folder, base)
    return figures


def _base(job: Job) -> Source:
    given = job.settings.get("base", "")
    if not given:
        raise TrainingError("recipe transformers needs the hyperparameter base: a hub id or a folder")
    try:
        return find_source(given, job.settings.get("base_revision", ""), _kept(job))
    except PackagingError as error:
        raise TrainingError(f"hyperparameter base: {error}") from None


def _kept(job: Job) -> Path:
    """Where a base from a hub is kept for the next training; a container's user has no home."""
    home = Path.home()
    return home / ".cache" / "socialnlp" / "hub" if home.is_dir() else job.checkpoints.parents[1] / "hub"


def _loaded(base: Source, job: Job) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    quiet: Any = logging
    quiet.disable_progress_bar()
    quiet.set_verbosity_error()  # of a new head, which is what we want
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            base.folder, num_labels=len(job.labels), ignore_mismatched_sizes=True, dtype="float32"
        )
        tokenizer = AutoTokenizer.from_pretrained(base.folder)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"hyperparameter base: {base.name} cannot be read: {' '.join(str(error).split())}"
        ) from None
    if model.config.model_type not in CLASSIFIERS:
        known = ", ".join(CLASSIFIERS)
        raise TrainingError(f"hyperparameter base: {base.name} is {model.config.model_type}; take one of {known}")
    model.config.id2label = {number: f"LABEL_{number}" for number in range(len(job.labels))}
    several = job.task == "multi-label"
    model.config.problem_type = "multi_label_classification" if several else "single_label_classification"
    return model, tokenizer


def _train(job: Job, examples: list[Example], model: Any, tokenizer: Any) -> dict[str, float]:
    import torch

    epochs, size = int(job.number("epochs", 3)), int(job.number("batch_size", 32))
    most, rate = int(job.number("max_length", 128)), job.number("learning_rate", 2e-5)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=job.number("weight_decay", 0.01))
    steps = max(1, epochs * -(-len(examples) // size))
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    path = job.checkpoints / CHECKPOINT
    path.parent.mkdir(parents=True, exist_ok=True)
    begun, loss_sum, right = 0, 0.0, 0
    if path.exists():
        kept = torch.load(path, map_location=device, weights_only=True)
        for part, state in zip((model, optimiser, schedule), kept["states"], strict=True):
            part.load_state_dict(state)
        begun, loss_sum, right = kept["epoch"], kept["loss"], kept["right"]
    for epoch in range(begun, epochs):
        loss_sum, right = 0.0, 0
        torch.manual_seed(job.seed + epoch + 1)  # of dropout, too: who goes on later comes to the same
        for batch in _batches(examples, size):
            encoded = tokenizer(
                [each.text for each in batch], padding=True, truncation=True, max_length=most, return_tensors="pt"
            ).to(device)
            truth = torch.tensor(_truth(batch, job), device=device)
            optimiser.zero_grad()
            output = model(**encoded, labels=truth)
            output.loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            loss_sum += float(output.loss.detach()) * len(batch)
            right += int(_is_right(output.logits, truth).sum())
        print(f"epoch={epoch + 1}; train_loss={loss_sum / len(examples):.4f};", flush=True)
        states = [part.state_dict() for part in (model, optimiser, schedule)]
        partial = path.with_suffix(".partial")
        torch.save({"states": states, "epoch": epoch + 1, "loss": loss_sum, "right": right}, partial)
        partial.replace(path)
    model.eval()
    return {"train_loss": round(loss_sum / len(examples), 4), "train_accuracy": round(right / len(examples), 4)}


def _truth(batch: list[Example], job: Job) -> list[Any]:
    """Of each text its label's place, or of several labels a 1 or 0 for each."""
    if job.task != "multi-label":
        return [each.labels[0] for each in batch]
    return [[float(place in each.labels) for place in range(len(job.labels))] for each in batch]


def _is_right(logits: Any, truth: Any) -> Any:
    """Whether each text has its label, or all of its labels and no other."""
    return logits.argmax(-1) == truth if truth.dim() == 1 else ((logits > 0) == truth.bool()).all(-1)


def _batches(examples: list[Example], size: int) -> Iterator[list[Example]]:
    import torch

    order = torch.randperm(len(examples)).tolist()
    for start in range(0, len(order), size):
        yield [examples[row] for row in order[start : start + size]]


def _export(job: Job, tuned: Path, folder: Path, base: Source) -> None:
    # Its head has no names: the order is the job's.
    entry = ModelEntry.model_validate(
        {
            "description": job.name, "task": job.task, "labels": job.labels, "aws": {"labels": job.labels},
            "embedded": EmbeddedModel(model="."),
        }
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    converted = CONVERSIONS[ENGINE].convert(tuned, folder, entry)
    settings = {
        "name": job.name, "task": job.task, "engine": ENGINE, **converted,
        "base": {"source": base.name, "revision": base.revision, "licence": base.licence},
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
