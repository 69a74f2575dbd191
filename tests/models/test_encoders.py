"""The encoders that a classifier may be made of: converted, each answers as it did before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from benchmarks import architectures
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.models.packaging_convert import CLASSIFIERS, convert_sequence_classification
from socialnlp_assets.models.packaging_origin import PackagingError
from socialnlp_assets.serving.loaded_model import Model

LABELS = ["good", "bad", "neither"]
ENTRY = ModelEntry.model_validate(
    {"description": "Mood.", "task": "text-classification", "labels": LABELS, "embedded": {"model": "."}}
)
TEXTS = ["the meter is great", "nobody answers", "a long text of many words that nobody would want to read twice", "ok"]


def words() -> Any:
    """A tokenizer of BERT's kind that knows the words of the texts; a trained one differs from time to time."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    known = [*special, *sorted({word for text in TEXTS for word in text.split()})]
    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(known)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast: Any = transformers.PreTrainedTokenizerFast
    return fast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]")


def encoder(folder: Path, kind: str) -> Path:
    """An encoder of a few thousand weights, which differ enough that its answers do."""
    architectures.seed()
    size, names = architectures.TINY, dict(enumerate(LABELS))
    tokenizer = words()
    shape = {"hidden_size": size.width, "num_attention_heads": size.heads, "num_hidden_layers": size.layers}
    if kind == "distilbert":
        shape = {"dim": size.width, "n_heads": size.heads, "n_layers": size.layers, "hidden_dim": size.inner}
    elif kind != "albert":
        shape["intermediate_size"] = size.inner
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), id2label=names, initializer_range=0.3, **shape
    )
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    last = getattr(model.classifier, "out_proj", model.classifier)
    last.weight.data.mul_(0.3)  # else the labels are as good as certain, whatever the text
    return architectures.save(folder, model, tokenizer)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_an_encoder_answers_as_before(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def left(whole: str, output: str, **_: Any) -> None:
        shutil.copyfile(whole, output)

    # What int8 costs depends on the weights, and packaging measures it; here nothing else may differ.
    monkeypatch.setattr("onnxruntime.quantization.quantize_dynamic", left)
    source, output = encoder(tmp_path / "source", kind), tmp_path / "output"
    output.mkdir()
    settings = convert_sequence_classification(source, output, ENTRY)
    about = {"name": "mood", "task": ENTRY.task, "engine": "onnx-sequence-classification", **settings}
    (output / "model.json").write_text(json.dumps(about))
    found = Model.load(output, threads=1).handler.predict(TEXTS, {"max_length": 64}).results
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(source).eval()
    with torch.no_grad():
        asked = {name: torch.tensor(ids) for name, ids in tokenizer(TEXTS, padding=True).items()}
        asked.pop("token_type_ids", None)
        expected = model(**asked).logits.softmax(-1).numpy()
    answered = np.array([[scores[label] for label in LABELS] for scores in found])
    print("F", np.ptp(expected, axis=0), np.abs(answered - expected).max())
    assert np.ptp(expected, axis=0).max() > 0.1  # the texts differ
    assert np.abs(answered - expected).max() < 1e-4


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    source = encoder(tmp_path, "albert")
    with pytest.raises(PackagingError, match="the model is albert; take one of roberta, "):
        convert_sequence_classification(source, tmp_path, ENTRY)
