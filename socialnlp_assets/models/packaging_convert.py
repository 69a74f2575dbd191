"""Hugging Face folders to the fast engines' files.

Each converter says which engine it is for, writes that engine's files and returns the settings of `model.json`
that its handler needs.
CTranslate2 4.8.5 and transformers 5 disagree in places; the work-arounds are here, each with its reason.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.models.packaging_origin import PackagingError

Convert = Callable[[Path, Path, ModelEntry], dict[str, Any]]
ONNX_OPSET = 17
CLASSIFIERS = (
    "roberta",
    "xlm-roberta",
    "camembert",
    "bert",
    "distilbert",
)  # types of models, as their config names them


@dataclass(frozen=True)
class Conversion:
    """How a Hugging Face folder becomes an engine's files."""

    convert: Convert
    libraries: tuple[str, ...]  # distributions that the engine needs where the model is served


CONVERSIONS: dict[str, Conversion] = {}  # by engine; the other engines' folders are packaged as they are


def makes(engine: str, *libraries: str) -> Callable[[Convert], Convert]:
    """Says of a function that it makes the files of `engine`, which needs `libraries`."""

    def declare(convert: Convert) -> Convert:
        CONVERSIONS[engine] = Conversion(convert, libraries)
        return convert

    return declare


@makes("ctranslate2-m2m100", "ctranslate2", "sentencepiece")
def convert_m2m100(source: Path, output: Path, entry: ModelEntry) -> dict[str, Any]:  # noqa: ARG001
    """M2M100 to CTranslate2, int8."""
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_tokenizer(self, tokenizer_class: Any, path: str, **options: Any) -> Any:
            tokenizer = super().load_tokenizer(tokenizer_class, path, **options)
            # transformers 5 no longer lists the language tokens among the special ones, where the loader
            # looks for them: the vocabulary would come out short by as many, and all after them shifted.
            vocabulary = {**tokenizer.encoder, **tokenizer.lang_token_to_id}
            tokenizer.get_vocab = lambda: vocabulary
            languages.extend(tokenizer.lang_code_to_token)
            shutil.copyfile(tokenizer.spm_file, pieces)
            return tokenizer

    languages: list[str] = []
    pieces = output.parent / "sentencepiece"
    Converter(str(source)).convert(str(output), quantization="int8", force=True)
    shutil.move(pieces, output / "sentencepiece.bpe.model")
    return {"languages": languages, "target_languages": languages}


@makes("ctranslate2-bart", "ctranslate2", "tokenizers")
def convert_bart(source: Path, output: Path, entry: ModelEntry) -> dict[str, Any]:  # noqa: ARG001
    """BART to CTranslate2, int8."""
    from ctranslate2.converters import TransformersConverter
    from transformers import GenerationConfig

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, path: str, **options: Any) -> Any:
            model = super().load_model(model_class, path, **options)
            # The loader reads two fields that transformers 5 dropped from BartConfig: BART's are these.
            model.config.normalize_before = False
            model.config.normalize_embedding = True
            return model

    Converter(str(source)).convert(str(output), quantization="int8", force=True)
    _save_tokenizer(source, output)
    generation = GenerationConfig.from_pretrained(source)
    return {
        "generation": {
            "length_penalty": generation.length_penalty or 1.0,
            "no_repeat_ngram_size": generation.no_repeat_ngram_size or 0,
        }
    }


@makes("onnx-sequence-classification", "onnxruntime", "tokenizers")
def convert_sequence_classification(source: Path, output: Path, entry: ModelEntry) -> dict[str, Any]:
    """A classifier of one of the types `CLASSIFIERS` to ONNX, int8. Its head reads the first token only, so after the
    last layer's attention nothing is computed for the others: one product in sixteen. DistilBERT's stay whole."""
    import torch
    from transformers import AutoModelForSequenceClassification

    class FirstTokenLayer(torch.nn.Module):
        def __init__(self, layer: Any) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, hidden: Any, mask: Any, *_: Any, **__: Any) -> Any:
            attended = self.layer.attention.self(hidden, mask)[0]
            attended = self.layer.attention.output(attended[:, :1], hidden[:, :1])
            return self.layer.output(self.layer.intermediate(attended), attended)

    model = AutoModelForSequenceClassification.from_pretrained(source, dtype="float32", attn_implementation="eager")
    if model.config.model_type not in CLASSIFIERS:
        raise PackagingError(f"the model is {model.config.model_type}; take one of {', '.join(CLASSIFIERS)}")
    if model.config.model_type != "distilbert":
        layers = model.base_model.encoder.layer
        layers[-1] = FirstTokenLayer(layers[-1])
    ids = torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1]])
    inputs = {"input_ids": (ids, ("rows", "tokens")), "attention_mask": (ids.ne(1).long(), ("rows", "tokens"))}
    labels = spelled_labels(model.config.id2label, entry)
    _export(model, inputs, ("logits", ("rows",)), output, model.config)
    return {"labels": labels, "padding": _save_tokenizer(source, output)}


@makes("onnx-masked-lm", "onnxruntime", "tokenizers")
def convert_masked_lm(source: Path, output: Path, entry: ModelEntry) -> dict[str, Any]:  # noqa: ARG001
    """A DistilBERT language model to ONNX, int8, answering at the masks only."""
    import torch
    from transformers import DistilBertForMaskedLM

    class AtPositions(torch.nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any, positions: Any) -> Any:
            hidden = self.model.distilbert(input_ids=input_ids, attention_mask=attention_mask)[0]
            hidden = hidden.gather(1, positions.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
            hidden = self.model.vocab_layer_norm(self.model.activation(self.model.vocab_transform(hidden)))
            return self.model.vocab_projector(hidden).log_softmax(-1)

    model = DistilBertForMaskedLM.from_pretrained(source, dtype="float32", attn_implementation="eager")
    ids = torch.tensor([[2, 5, 4, 3], [2, 4, 3, 0]])
    inputs = {
        "input_ids": (ids, ("rows", "tokens")),
        "attention_mask": (ids.ne(0).long(), ("rows", "tokens")),
        "positions": (torch.tensor([[1, 2], [1, 0]]), ("rows", "masks")),
    }
    _export(AtPositions(model), inputs, ("scores", ("rows", "masks")), output, model.config)
    return {"padding": _save_tokenizer(source, output)}


def spelled_labels(names: Mapping[int, str], entry: ModelEntry) -> list[str]:
    """The catalogue's labels in the order of the model's logits: as the model's `names` say, or where it was saved
    without (LABEL_0…), as the catalogue's `aws.labels` do. A guess would swap joy and anger unseen."""
    found = [names[number].lower() for number in sorted(names)]
    if all(name == f"label_{number}" for number, name in enumerate(found)):
        if not entry.aws.labels:
            raise PackagingError(
                f"the model does not name its labels ({', '.join(found)}): look them up and give their order as "
                "aws.labels in catalogue.yaml"
            )
        if len(entry.aws.labels) == len(found):
            found = list(entry.aws.labels)
    if sorted(found) != sorted(entry.labels):
        raise PackagingError(f"the model's labels are {', '.join(found)}; the catalogue has {', '.join(entry.labels)}")
    return found


def _save_tokenizer(source: Path, output: Path) -> int:
    """Write `tokenizer.json`; the id of the padding token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.save(str(output / "tokenizer.json"))
    return int(tokenizer.pad_token_id)


def _export(model: Any, inputs: dict[str, Any], result: tuple[str, tuple[str, ...]], output: Path, config: Any) -> None:
    """`model` to ONNX, its attention fused, its matrices int8.

    The weights keep seven bits: on processors without VNNI, the eighth saturates the 16-bit sums. The
    embeddings keep their 32: reading them costs no time, and one scale for all words would cost accuracy.
    """
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    plain, fused = str(output / "plain.onnx"), str(output / "fused.onnx")
    axes = {name: dict(enumerate(dimensions)) for name, (_, dimensions) in inputs.items()}
    axes[result[0]] = dict(enumerate(result[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of every shape that it takes for a constant
        torch.onnx.export(
            model.eval(),
            tuple(example for example, _ in inputs.values()),
            plain,
            input_names=list(inputs),
            output_names=[result[0]],
            dynamic_axes=axes,
            opset_version=ONNX_OPSET,
            dynamo=False,
        )
    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False  # it expects BERT's segments
    optimize_model(
        plain,
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        optimization_options=options,
        opt_level=0,
    ).save_model_to_file(fused)
    quantize_dynamic(
        fused,
        str(output / "model.onnx"),
        op_types_to_quantize=["MatMul", "Attention"],
        weight_type=QuantType.QInt8,
        reduce_range=True,
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": 1},
    )
    for path in output.glob("*.onnx*"):
        if path.name != "model.onnx":
            path.unlink()
