"""Plain transformers and torch: what the reference handlers share.

They run a Hugging Face folder as it is, in batches in the order of the request. They are here to be
compared with: the fast engines must agree with them, and be faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers

from socialnlp_assets.serving.handler import BadModel

Item = TypeVar("Item")
Result = TypeVar("Result")


def load_reference(folder: Path, model_class: str, threads: int) -> tuple[Any, Any]:
    """The model of class `transformers.<model_class>` in `folder`, and its tokenizer; raises `BadModel`."""
    torch.set_num_threads(threads)
    try:
        model = getattr(transformers, model_class).from_pretrained(folder, local_files_only=True, dtype="float32")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BadModel(f"{folder} holds no {model_class} that transformers can load: {error}") from error
    return model.eval(), tokenizer


def in_order(
    run: Callable[[list[Item]], Sequence[Result]], items: Sequence[Item], settings: Mapping[str, Any]
) -> list[Result]:
    """`run` over `items` in batches of `batch_size` (16), in order, without gradients."""
    size = settings.get("batch_size", 16)
    with torch.inference_mode():
        return [result for start in range(0, len(items), size) for result in run(list(items[start : start + size]))]
