"""One module an engine. `model.json` names the engine; only that engine's module is imported."""

from __future__ import annotations

from importlib import import_module

from socialnlp_assets.serving.handler import BadModel, Handler

# engine -> module in this package : class
ENGINES = {
    "extractive-summary": "extractive_summary:ExtractiveSummary",
    "fasttext": "fasttext:FastText",
    "lexicon-normalisation": "lexicon_normalisation:LexiconNormalisation",
    "lexicon-translation": "lexicon_translation:LexiconTranslation",
    "linear": "linear:Linear",
    "spacy-textrank": "spacy_textrank:SpacyTextRank",
    # Production engines.
    "ctranslate2-bart": "ctranslate2_bart:CTranslate2Bart",
    "ctranslate2-m2m100": "ctranslate2_m2m100:CTranslate2M2M100",
    "onnx-masked-lm": "onnx_masked_lm:OnnxMaskedLM",
    "onnx-sequence-classification": "onnx_sequence_classification:OnnxSequenceClassification",
    # Plain transformers and torch, to compare the production engines with.
    "reference-bart": "reference_bart:ReferenceBart",
    "reference-m2m100": "reference_m2m100:ReferenceM2M100",
    "reference-masked-lm": "reference_masked_lm:ReferenceMaskedLM",
    "reference-sequence-classification": "reference_sequence_classification:ReferenceSequenceClassification",
}


def engine_handler(engine: str) -> type[Handler]:
    """The handler class of `engine`: a name above, or ``package.module:Class`` of a handler elsewhere.

    Raises `BadModel` when there is none or its library is missing.
    """
    if engine in ENGINES:
        path = f"{__name__}.{ENGINES[engine]}"
    elif ":" in engine:
        path = engine
    else:
        raise BadModel(
            f"no engine is called {engine!r}; model.json may name {', '.join(sorted(ENGINES))}, "
            "or package.module:Class of your own"
        )
    module, _, name = path.partition(":")
    try:
        handler: type[Handler] = getattr(import_module(module), name)
    except AttributeError as error:
        raise BadModel(f"the engine {engine!r} has no class {name!r}") from error
    except ModuleNotFoundError as error:
        raise BadModel(
            f"the engine {engine!r} needs {error.name!r}, which is not installed: install the extra "
            "socialnlp-assets[embedded] or socialnlp-assets[engines], or put your own on PYTHONPATH"
        ) from error
    return handler
