"""Emotion and sentiment, from labelled tweets in the layout of the TweetEval benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from socialnlp_assets.training.classifier import Classes, cross_validate, scores, train

EMOTIONS = ("anger", "joy", "optimism", "sadness")
SENTIMENTS = ("negative", "neutral", "positive")


def emotion(data: Path, folder: Path) -> dict[str, float]:
    """Fit on the training and validation tweets below `data`/emotion; the figures are validation's, by a model
    that saw only the training tweets."""
    texts, classes = read_tweets(data / "emotion", "train")
    held_out, truth = read_tweets(data / "emotion", "val")
    model = train(texts, classes, strength=3, balance=0.7)
    whole = train(texts + held_out, np.concatenate([classes, truth]), strength=3, balance=0.7)
    whole.save(folder, "emotion", EMOTIONS)
    return scores(truth, model.margins(held_out).argmax(axis=1))


def sentiment(data: Path, folder: Path) -> dict[str, float]:
    """Fit on the English validation tweets below `data`/sentiment; the figures are cross-validated."""
    texts, classes = read_tweets(data / "sentiment" / "english", "val")
    train(texts, classes, strength=0.3, balance=1).save(folder, "sentiment", SENTIMENTS)
    return scores(classes, cross_validate(texts, classes, strength=0.3, balance=1))


def read_tweets(folder: Path, split: str) -> tuple[list[str], Classes]:
    """`<split>_text.txt`, one tweet a line, and the numbers in `<split>_labels.txt`."""
    texts = (folder / f"{split}_text.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    labels = (folder / f"{split}_labels.txt").read_text(encoding="utf-8").split()
    if len(texts) != len(labels):
        raise ValueError(f"{folder}: {len(texts)} lines of {split}_text.txt, {len(labels)} of {split}_labels.txt")
    return texts, np.array(labels, np.int64)
