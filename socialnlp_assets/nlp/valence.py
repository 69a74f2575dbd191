"""How positive and negative an English text is by a lexicon and rules for negation, emphasis and emoji.

Source: Hutto and Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text,
ICWSM 2014, in the authors' implementation.
"""

from __future__ import annotations

from functools import cache
from typing import Any

VALENCE = ("neg", "neu", "pos", "compound")


def valence(text: str) -> list[float]:
    """Shares of negative, neutral and positive words, 0 to 1, and the overall score, -1 to 1."""
    scores = _analyzer().polarity_scores(text)
    return [scores[name] for name in VALENCE]


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
