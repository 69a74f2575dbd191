"""Models of the production architectures, built on the spot: tokenizers trained on the texts given, weights
random. Tiny ones serve the tests, those of the production sizes the benchmarks: speed does not depend on
what the weights say.

Each function writes a Hugging Face folder and returns it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers


@dataclass(frozen=True)
class Size:
    """Width, heads, inner width, layers (of the encoder and, where there is one, the decoder), vocabulary."""

    width: int
    heads: int
    inner: int
    layers: int
    decoder_layers: int
    vocabulary: int  # 0: what the tokenizer has


TINY = Size(width=64, heads=4, inner=128, layers=2, decoder_layers=2, vocabulary=0)
M2M100_418M = Size(width=1024, heads=16, inner=4096, layers=12, decoder_layers=12, vocabulary=128_112)
ROBERTA_BASE = Size(width=768, heads=12, inner=3072, layers=12, decoder_layers=0, vocabulary=50_265)
DISTILBART_12_6 = Size(width=1024, heads=16, inner=4096, layers=12, decoder_layers=6, vocabulary=50_264)
DISTILBERT = Size(width=768, heads=12, inner=3072, layers=6, decoder_layers=0, vocabulary=30_522)

LANGUAGE_TOKENS = 108  # 100 languages and 8 places that fairseq kept


def m2m100(folder: Path, texts: Sequence[str], size: Size, pieces: int = 8000) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_prefix=str(folder / "pieces"),
        model_type="bpe",
        vocab_size=pieces,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "pieces.model"))
    found = [processor.id_to_piece(number) for number in range(3, processor.vocab_size())]
    tokens = fill(["<s>", "<pad>", "</s>", "<unk>", *found], size.vocabulary - LANGUAGE_TOKENS)
    vocabulary = folder / "pieces.json"
    vocabulary.write_text(json.dumps({token: number for number, token in enumerate(tokens)}), encoding="utf-8")
    tokenizer = transformers.M2M100Tokenizer(vocab_file=str(vocabulary), spm_file=str(folder / "pieces.model"))
    config = transformers.M2M100Config(
        vocab_size=len(tokens) + LANGUAGE_TOKENS,
        d_model=size.width,
        encoder_layers=size.layers,
        decoder_layers=size.decoder_layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=size.inner,
        decoder_ffn_dim=size.inner,
        max_position_embeddings=1024,
    )
    return save(folder, transformers.M2M100ForConditionalGeneration(config), tokenizer)


def bart(folder: Path, texts: Sequence[str], size: Size) -> Path:
    tokenizer = byte_level(texts, size.vocabulary)
    config = transformers.BartConfig(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=size.width,
        encoder_layers=size.layers,
        decoder_layers=size.decoder_layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=size.inner,
        decoder_ffn_dim=size.inner,
        decoder_start_token_id=2,
    )
    model = transformers.BartForConditionalGeneration(config)
    generation: Any = model.generation_config
    generation.forced_bos_token_id = 0
    generation.num_beams, generation.no_repeat_ngram_size, generation.length_penalty = 4, 3, 2.0  # as it was tuned
    return save(folder, model, transformers.BartTokenizer(tokenizer_object=tokenizer))


def roberta(folder: Path, texts: Sequence[str], size: Size, labels: Sequence[str]) -> Path:
    tokenizer = byte_level(texts, size.vocabulary)
    config = transformers.RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=size.inner,
        max_position_embeddings=514,
        type_vocab_size=1,
        id2label=dict(enumerate(labels)),
    )
    tokens = transformers.RobertaTokenizer(tokenizer_object=tokenizer)
    return save(folder, transformers.RobertaForSequenceClassification(config), tokens)


def distilbert(folder: Path, texts: Sequence[str], size: Size) -> Path:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=8000, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    tokens = fill(sorted(vocabulary, key=vocabulary.__getitem__), size.vocabulary)
    tokenizer.model = models.WordPiece({token: number for number, token in enumerate(tokens)}, unk_token="[UNK]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.decoder = decoders.WordPiece()
    config = transformers.DistilBertConfig(
        vocab_size=len(tokens), dim=size.width, n_layers=size.layers, n_heads=size.heads, hidden_dim=size.inner
    )
    fast: Any = transformers.PreTrainedTokenizerFast
    wrapped = fast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    return save(folder, transformers.DistilBertForMaskedLM(config), wrapped)


def byte_level(texts: Iterable[str], size: int) -> Tokenizer:
    """GPT-2's kind of tokenizer, with BART's and RoBERTa's special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=min(size, 20_000) or 600,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    trained = json.loads(tokenizer.to_str())["model"]
    tokens = fill(sorted(trained["vocab"], key=trained["vocab"].__getitem__), size)
    merges = [tuple(merge) for merge in trained["merges"]]
    tokenizer.model = models.BPE({token: number for number, token in enumerate(tokens)}, merges)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def fill(tokens: list[str], size: int) -> list[str]:
    """`tokens` and as many unused ones as make `size`."""
    return tokens + [f"unused{number}" for number in range(size - len(tokens))]


def save(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def seed(number: int = 0) -> None:
    """Make the next model's weights the same each time."""
    torch.manual_seed(number)
