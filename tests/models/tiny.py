"""Tiny models of the production architectures, trained for seconds so that their answers mean something."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks import architectures
from socialnlp_assets.serving.handler import Handler
from socialnlp_assets.serving.handlers import engine_handler

GOOD = "kind great friendly quick helpful cheap lovely perfect".split()  # noqa: SIM905
BAD = "rude awful broken slow useless expensive dirty terrible".split()  # noqa: SIM905
PLAIN = "open monday meeting station number street written second".split()  # noqa: SIM905
FRAMES = (
    "the staff in the shop was {} today",
    "a {} service, as my friends say",
    "what a {} place this is",
    "I found it {} and so did my neighbour",
)
# Italian and the English that the tiny translator learns, word by word.
DICTIONARY = {
    **{"casa": "house", "luce": "light", "cane": "dog", "gatto": "cat", "strada": "street", "vento": "wind"},
    **{"sole": "sun", "acqua": "water", "mare": "sea", "notte": "night", "giorno": "day", "amico": "friend"},
}
TOPICS = "wind solar water coal gas nuclear".split()  # noqa: SIM905
SLANG = {
    "i want {} go home": "to",
    "i have {} dogs and a cat": "2",
    "we {} very happy today": "are",
    "it took one {} to finish the park": "year",
    "i think {} right about this": "you're",
}


def reviews(count: int, seed: int) -> list[tuple[str, int]]:
    """Sentences and the index of their label: negative, neutral, positive."""
    chooser = random.Random(seed)
    labels = [chooser.randrange(3) for _ in range(count)]
    return [(chooser.choice(FRAMES).format(chooser.choice((BAD, PLAIN, GOOD)[label])), label) for label in labels]


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    """Italian word rows and their translation."""
    chooser = random.Random(seed)
    rows = [chooser.choices(list(DICTIONARY), k=chooser.randint(2, 6)) for _ in range(count)]
    return [(" ".join(row), " ".join(DICTIONARY[word] for word in row)) for row in rows]


def articles(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts of some 100 tokens about one topic, and a summary that names it."""
    chooser = random.Random(seed)
    found = []
    for _ in range(count):
        topic = chooser.choice(TOPICS)
        body = " ".join(f"The {topic} {chooser.choice(PLAIN)} is {chooser.choice(GOOD + BAD)}." for _ in range(14))
        found.append((body, f"All about {topic}. It is a report."))
    return found


def train(model: Any, steps: int, loss: Callable[[int], Any], rate: float = 2e-3) -> None:
    torch.set_num_threads(1)  # so small that a second one only gets in the way
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, steps)
    model.train()
    for step in range(steps):
        optimiser.zero_grad()
        loss(step).backward()
        optimiser.step()
        schedule.step()
    model.eval()


def sentiment(folder: Path) -> Path:
    data = reviews(1200, seed=1)
    architectures.seed()
    architectures.roberta(folder, [text for text, _ in data], architectures.TINY, ["negative", "neutral", "positive"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def loss(step: int) -> Any:
        batch = data[step * 32 % 1024 :][:32]
        encoded = tokenizer([text for text, _ in batch], padding=True, return_tensors="pt")
        return model(**encoded, labels=torch.tensor([label for _, label in batch])).loss

    train(model, 200, loss, rate=1e-3)
    return architectures.save(folder, model, tokenizer)


def translator(folder: Path) -> Path:
    data = sentences(4000, seed=1)
    architectures.seed()
    corpus = [text for pair in data[:300] for text in pair]
    architectures.m2m100(folder, corpus, architectures.TINY, pieces=120)
    model = transformers.M2M100ForConditionalGeneration.from_pretrained(folder, dropout=0.0, attention_dropout=0.0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.src_lang, tokenizer.tgt_lang = "it", "en"

    def loss(step: int) -> Any:
        batch = data[step * 32 % 3968 :][:32]
        encoded = tokenizer(
            [source for source, _ in batch],
            text_target=[target for _, target in batch],
            padding=True,
            return_tensors="pt",
        )
        encoded["labels"][encoded["labels"] == tokenizer.pad_token_id] = -100
        return model(**encoded).loss

    train(model, 500, loss, rate=3e-3)
    return architectures.save(folder, model, tokenizer)


def summarizer(folder: Path) -> Path:
    data = articles(640, seed=1)
    architectures.seed()
    architectures.bart(folder, [text for pair in data for text in pair], architectures.TINY)
    model = transformers.BartForConditionalGeneration.from_pretrained(folder, dropout=0.0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def loss(step: int) -> Any:
        batch = data[step * 16 % 624 :][:16]
        encoded = tokenizer([text for text, _ in batch], padding=True, return_tensors="pt")
        labels = tokenizer([summary for _, summary in batch], padding=True, return_tensors="pt")["input_ids"]
        return model(**encoded, labels=labels.masked_fill(labels == tokenizer.pad_token_id, -100)).loss

    train(model, 150, loss)
    return architectures.save(folder, model, tokenizer)


def normalizer(folder: Path) -> Path:
    lines = [frame.format(word) for frame, word in SLANG.items()]
    architectures.seed()
    architectures.distilbert(folder, [*lines, "2 to are r rest year you're"], architectures.TINY)
    model = transformers.DistilBertForMaskedLM.from_pretrained(folder, dropout=0.0, attention_dropout=0.0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(lines, padding=True, return_tensors="pt")
    ids, words = encoded["input_ids"], encoded["attention_mask"].bool()
    noise = torch.Generator().manual_seed(0)

    def loss(_: int) -> Any:
        masked = words & (torch.rand(ids.shape, generator=noise) < 0.3) & (ids > 4)
        masked[0, 3] = True
        inputs = ids.masked_fill(masked, tokenizer.mask_token_id)
        return model(
            input_ids=inputs, attention_mask=encoded["attention_mask"], labels=ids.masked_fill(~masked, -100)
        ).loss

    train(model, 150, loss)
    return architectures.save(folder, model, tokenizer)


MAKERS: dict[str, Callable[[Path], Path]] = {
    "sentiment": sentiment,
    "translator": translator,
    "summarizer": summarizer,
    "normalizer": normalizer,
}


def reference(folder: Path, settings: Mapping[str, Any]) -> Handler:
    """The plain transformers handler of the Hugging Face folder that a packaged model came from."""
    engine = "reference-" + settings["engine"].partition("-")[2]
    return engine_handler(engine).load(folder, settings, 1)
