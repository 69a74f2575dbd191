"""What translation and summarisation do with a text before and after the model: cutting it at sentence
ends and joining the answers. Shared by the fast engines and the reference, which must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from socialnlp_assets.nlp.chunking import CountTokens, Mode, plan, split, whole_sentences

# M2M100 was trained on sentences: what is longer is translated in pieces, of which none is cut off.
TRANSLATION_TOKENS = 200

Translate = Callable[[list[str], list[str], int], Sequence[str]]
"""Pieces, their languages and the most tokens of an answer to translations, in order."""

Generate = Callable[[list[str], int, list[int]], Sequence[str]]
"""Chunks, the least tokens of each summary and the most tokens of each one, to summaries, in order."""


def translate(
    texts: Sequence[str], parameters: Mapping[str, Any], count_tokens: CountTokens, translate_pieces: Translate
) -> list[str]:
    """`texts` translated, long ones piece by piece.

    On noise the model may repeat itself without end: an answer is not longer than a translation can be.
    """
    lengths = [count_tokens(text) for text in texts]
    pieces = [
        [text] if length <= TRANSLATION_TOKENS else split(text, count_tokens, TRANSLATION_TOKENS)
        for text, length in zip(texts, lengths, strict=True)
    ]
    answers = iter(
        translate_pieces(
            [piece for found in pieces for piece in found],
            [language for found, language in zip(pieces, parameters["src_lang"], strict=True) for _ in found],
            min(parameters["max_length"], 3 * min(max(lengths), TRANSLATION_TOKENS) + 16),
        )
    )
    return [" ".join(next(answers) for _ in found) for found in pieces]


def summarise(
    texts: Sequence[str], parameters: Mapping[str, Any], count_tokens: CountTokens, generate: Generate
) -> list[str]:
    """Summaries of `texts` by the 50 / 250 / 300 / 512 rules of `nlp.chunking`.

    Chunks that share a minimum go to the model together; it has one for all that it reads at once.
    """
    plans = [
        plan(text, count_tokens, max_length=parameters["max_length"], min_length=parameters["min_length"])
        for text in texts
    ]
    summaries: list[list[str]] = [[] for _ in texts]
    asked = [position for position, found in enumerate(plans) if found.mode is not Mode.KEEP]
    asked.sort(key=lambda position: plans[position].min_length)
    for least, positions in groupby(asked, key=lambda position: plans[position].min_length):
        owners = [position for position in positions for _ in plans[position].chunks]
        chunks = [chunk for position in dict.fromkeys(owners) for chunk in plans[position].chunks]
        most = [plans[position].max_length for position in owners]
        for position, summary in zip(owners, generate(chunks, least, most), strict=True):
            summaries[position].append(whole_sentences(summary))
    return [" ".join(found) if found else text for found, text in zip(summaries, texts, strict=True)]
