"""What translation and summarisation do with a text before and after the model: cutting it at sentence
ends and joining the answers. Shared by the fast engines and the reference, which must agree.

Of a text that would keep the model for minutes only the beginning is read, and its position is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from socialnlp_assets.nlp.chunking import CHUNK, MOST_CHUNKS, CountTokens, Mode, plan, split, whole_sentences
from socialnlp_assets.serving.handler import Predictions

# M2M100 was trained on sentences: what is longer is translated in pieces, of which none is cut off.
TRANSLATION_TOKENS = 200
MOST_TRANSLATED = 8192  # tokens of one text
CHARACTERS = 8  # of a token, at most, as a whole text goes: beyond, a megabyte is not even counted

Translate = Callable[[list[str], list[str], list[int]], Sequence[str]]
"""Pieces, their languages and the most tokens of each answer to translations, in order."""

Generate = Callable[[list[str], int, list[int]], Sequence[str]]
"""Chunks, the least tokens of each summary and the most tokens of each one, to summaries, in order."""


def translate(
    texts: Sequence[str], parameters: Mapping[str, Any], count_tokens: CountTokens, translate_pieces: Translate
) -> Predictions:
    """`texts` translated, long ones piece by piece, each up to `MOST_TRANSLATED` tokens."""
    heads = [beginning(text, MOST_TRANSLATED) for text in texts]
    pieces, truncated = [], []
    for position, (text, head) in enumerate(zip(texts, heads, strict=True)):
        found, whole = _pieces(head, count_tokens)
        pieces.append(found)
        if head != text or not whole:
            truncated.append(position)
    answers = iter(
        translate_pieces(
            [piece for found in pieces for piece, _ in found],
            [language for found, language in zip(pieces, parameters["src_lang"], strict=True) for _ in found],
            [min(parameters["max_length"], longest_answer(tokens)) for found in pieces for _, tokens in found],
        )
    )
    return Predictions([" ".join(next(answers) for _ in found) for found in pieces], truncated)


def _pieces(text: str, count_tokens: CountTokens) -> tuple[list[tuple[str, int]], bool]:
    """The pieces of `text` that are translated, with their tokens, and whether they are all of it."""
    if (tokens := count_tokens(text)) <= TRANSLATION_TOKENS:
        return [(text, tokens)], True
    kept: list[tuple[str, int]] = []
    total = 0
    for piece in split(text, count_tokens, TRANSLATION_TOKENS):
        tokens = count_tokens(piece)
        total += tokens
        if total > MOST_TRANSLATED:
            return kept, False
        kept.append((piece, tokens))
    return kept, True


def longest_answer(tokens: int) -> int:
    """The most tokens of the translation of so many: on noise the model may repeat itself without end.

    It goes by the piece alone, so that no text's answer depends on its neighbours, and in steps, so that most
    pieces of a request have the same.
    """
    step = next((step for step in (64, 128) if tokens <= step), TRANSLATION_TOKENS)
    return 3 * step + 16


def beginning(text: str, tokens: int) -> str:
    """As much of `text` as `tokens` can be; where it has more, not only the blanks before it."""
    most = tokens * CHARACTERS
    return text if len(text) <= most else text.lstrip()[:most]


def summarise(
    texts: Sequence[str], parameters: Mapping[str, Any], count_tokens: CountTokens, generate: Generate
) -> Predictions:
    """Summaries of `texts` by the 50 / 250 / 300 / 512 rules of `nlp.chunking`, of `MOST_CHUNKS` at most.

    Chunks that share a minimum go to the model together; it has one for all that it reads at once.
    """
    heads = [beginning(text, MOST_CHUNKS * CHUNK) for text in texts]
    lengths = {"max_length": parameters["max_length"], "min_length": parameters["min_length"]}
    plans = [plan(head, count_tokens, **lengths, most_chunks=MOST_CHUNKS) for head in heads]
    summaries: list[list[str]] = [[] for _ in texts]
    asked = [position for position, found in enumerate(plans) if found.mode is not Mode.KEEP]
    asked.sort(key=lambda position: plans[position].min_length)
    for least, positions in groupby(asked, key=lambda position: plans[position].min_length):
        owners = [position for position in positions for _ in plans[position].chunks]
        chunks = [chunk for position in dict.fromkeys(owners) for chunk in plans[position].chunks]
        most = [plans[position].max_length for position in owners]
        for position, summary in zip(owners, generate(chunks, least, most), strict=True):
            summaries[position].append(whole_sentences(summary))
    truncated = [n for n, head in enumerate(heads) if head != texts[n] or plans[n].truncated]
    results = [" ".join(found) if found else text for found, text in zip(summaries, texts, strict=True)]
    return Predictions(results, truncated)
