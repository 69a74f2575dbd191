"""ONNX Runtime and padded batches: what the encoders share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from socialnlp_assets.serving.handler import BadModel

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
BATCH_TOKENS = 256  # padding included: what fits the cores' caches is faster than what fits the memory

Integers = npt.NDArray[np.int64]


def load_session(folder: Path, threads: int) -> tuple[Any, Tokenizer]:
    """The session over `model.onnx`, `threads` a call, and the tokenizer beside it; raises `BadModel`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Shapes differ with every batch, so a plan of memory made for one is no use to the next, and grows.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        session = onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # both libraries raise Exception itself
        raise BadModel(f"{folder} must hold {MODEL} and {TOKENIZER}: {error}") from error
    return session, tokenizer


def pad(rows: Sequence[Sequence[int]], padding: int) -> tuple[Integers, Integers]:
    """`rows` of token ids as one matrix, and its attention mask: 1 where there is a token."""
    longest = max(map(len, rows))
    ids = np.full((len(rows), longest), padding, np.int64)
    mask = np.zeros_like(ids)
    for position, row in enumerate(rows):
        ids[position, : len(row)] = row
        mask[position, : len(row)] = 1
    return ids, mask


def cut(ids: Sequence[int], most: int) -> list[int]:
    """`ids` in at most `most` tokens, the closing one kept."""
    return list(ids) if len(ids) <= most else [*ids[: most - 1], ids[-1]]
