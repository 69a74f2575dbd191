"""`bursts`: how often a planted burst is found in its hour, and how often chance alone makes an alarm; then how well
messages on one event are grouped.

Each hour is a sample of what the real models made of one pool of messages, by a usual week: more by day, less at the
weekend, with hours that are busier or quieter than theirs usually are. A burst triples the messages of one term, by
more of the messages that have it. The first eight weeks are what the next eight are compared with. Of a term that most
messages have, three times the usual is a burst of the whole volume, and is found when that is told.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from random import Random

import click
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix

from benchmarks.hours import pool
from benchmarks.texts import data
from socialnlp_assets.hot_topics.bursts import VOLUME, Term, bursts
from socialnlp_assets.hot_topics.record import AROUND, WEEKS
from socialnlp_assets.hot_topics.stories import Message, OpenStory, group
from socialnlp_assets.sources.invented.phrases import phrases

WEEK = 168
SIMULATED = 8  # weeks in which alarms are counted
AN_HOUR = 1_000  # messages, on average
MOST = 0.5  # of all messages: a term that has more makes the volume rise with it
UNREST = 0.1  # standard deviation of an hour's volume about what is usual, as a logarithm
TIMES = 3  # the usual, of a planted burst
PLANTED_EVERY = 7  # hours: one burst of each size
SIZES = ((5, 10), (10, 20), (20, 40), (40, 80), (80, 1_000))  # usual messages an hour of a term that bursts
COPIES, STORIES = 5, 60
Caught = dict[tuple[int, int], list[bool]]  # by the usual volume of the terms: whether each planted burst was found


def rates(table: pa.Table, weeks: int = SIMULATED, seed: int = 0) -> tuple[Caught, list[str]]:
    """Whether each planted burst was found in its hour, by the term's usual volume; and the false alarms."""
    rng = np.random.default_rng(seed)
    terms, has = _terms(table)
    share = np.asarray(has.mean(axis=0)).ravel()
    hours = [_drawn(has, number, rng) for number in range((WEEKS + weeks) * WEEK)]
    totals = [int(counts[-1]) for counts in hours]
    found: Caught = defaultdict(list)
    alarms: list[str] = []
    for number in range(WEEKS * WEEK, len(hours)):
        then = [number - back * WEEK + near for back in range(1, WEEKS + 1) for near in AROUND]
        before = [_counts(terms, hours[hour]) for hour in then]
        level = sum(totals[number - 24 : number]) / np.mean(
            [sum(totals[number - 24 - back * WEEK : number - back * WEEK]) for back in range(1, WEEKS + 1)]
        )
        for each in bursts(_counts(terms, hours[number]), before, float(level)):
            alarms.append(f"week {number // WEEK - WEEKS + 1}: {each.kind}, {each.messages} for {each.expected:.0f}")
        if number % PLANTED_EVERY:
            continue
        usual = share * _usual(number)
        for size in SIZES:
            fitting = np.flatnonzero((usual >= size[0]) & (usual < size[1])).tolist()
            if able := [place for place in fitting if terms[place][0] not in VOLUME]:
                place = int(rng.choice(able))
                now = hours[number] + _more(has, place, int(rng.poisson((TIMES - 1) * usual[place])), rng)
                caught = bursts(_counts(terms, now), before, float(level))
                told_by = {terms[place], terms[-1]} if share[place] > MOST else {terms[place]}
                found[size].append(bool(told_by & {(each.kind, each.term) for each in caught}))
    return found, alarms


def _terms(table: pa.Table) -> tuple[list[Term], csr_matrix]:
    """The terms of a workflow's output, and which message (a row) has which (a column); the last is every message."""
    names = table.column_names
    labels = [name for name in names if f"{name}_score" in names and pa.types.is_boolean(table.schema.field(name).type)]
    lists = {"keywords": "phrase", "people": "person", "organisations": "organisation", "places": "place"}
    lists["topic_ids"] = "source"
    places: dict[Term, int] = {}
    rows, columns = [], []
    for row, message in enumerate(table.to_pylist()):
        terms = {(kind, term) for name, kind in lists.items() if name in names for term in message[name] or ()}
        terms |= {("theme" if name.startswith("theme_") else "reputation", name) for name in labels if message[name]}
        for term in [("channel", message["social"]), *sorted(terms)]:
            rows.append(row)
            columns.append(places.setdefault(term, len(places)))
    rows += range(table.num_rows)
    columns += [len(places)] * table.num_rows
    has = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(table.num_rows, len(places) + 1))
    return [*places, ("all", "all")], has


def _usual(number: int) -> float:
    """Messages of an hour of the week, before chance has its say."""
    daily = 1 + 0.6 * np.sin(2 * np.pi * (number % 24 - 9) / 24)
    return float(AN_HOUR * daily * (0.8 if number // 24 % 7 >= 5 else 1.08))


def _drawn(has: csr_matrix, number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    volume = rng.poisson(_usual(number) * np.exp(rng.normal(0, UNREST)))
    return _of(has, rng.integers(0, has.shape[0], volume))


def _more(has: csr_matrix, place: int, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The terms of so many messages that have the term at `place`."""
    return _of(has, rng.choice(has.getcol(place).nonzero()[0], count))


def _of(has: csr_matrix, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(has.T @ np.bincount(chosen, minlength=has.shape[0])).ravel()


def _counts(terms: Sequence[Term], counts: NDArray[np.float64]) -> dict[Term, int]:
    return {terms[place]: int(counts[place]) for place in np.flatnonzero(counts).tolist()}


# Stories


def told() -> dict[str, list[list[str]]]:
    """Stories to find, as the texts of each, by how they were made."""
    rng = Random(0)
    usual = [text for text in _texts() if len(text.split()) > 10]
    copied = [[_edited(text, rng) for _ in range(COPIES)] for text in rng.sample(usual, STORIES)]
    found = {"near-duplicates of posts": copied}
    if folder := data():
        pages = json.loads((folder / "articles" / "ground-truth.json").read_text(encoding="utf-8"))
        bodies = [_sentences(page["articleBody"]) for _, page in sorted(pages.items())]
        found["posts that quote the head of an article"] = [_quotes(body) for body in bodies if len(body) >= 8]
        found["any sentences of an article"] = [body[:12:2] for body in bodies if len(body) >= 8]
    return found


def grouping(stories: Sequence[Sequence[str]], hours: int = 6) -> tuple[float, float]:
    """B-cubed precision and recall (Bagga and Baldwin 1998) of messages that come over so many hours amid others."""
    rng = Random(1)
    others = _texts()
    messages = [(f"story {number}", text) for number, texts in enumerate(stories) for text in texts]
    messages += [(f"other {number}", text) for number, text in enumerate(others[:1_200])]
    rng.shuffle(messages)
    meant = {str(place): story for place, (story, _) in enumerate(messages)}
    seen: dict[str, str] = {}
    texts: dict[str, list[str]] = defaultdict(list)
    waiting: list[Message] = []
    for hour in range(hours):
        batch = [*waiting, *(Message(str(place), messages[place][1]) for place in range(hour, len(messages), hours))]
        known = [OpenStory(story, tuple(latest[-30:])) for story, latest in texts.items()]
        by_key = {message.key: message for message in batch}
        for each in group(batch, known, others[1_200:]):
            seen[each.key] = each.story
            texts[each.story].append(by_key[each.key].text)
        waiting = [message for message in batch if message.key not in seen]
    return _b_cubed(meant, {key: seen.get(key, key) for key in meant})


def _b_cubed(meant: dict[str, str], seen: dict[str, str]) -> tuple[float, float]:
    both = Counter((meant[key], seen[key]) for key in meant)
    is_meant, is_seen = Counter(meant.values()), Counter(seen.values())
    keys = [key for key in meant if meant[key].startswith("story")]
    together = [both[meant[key], seen[key]] for key in keys]
    precision = sum(n / is_seen[seen[key]] for n, key in zip(together, keys, strict=True)) / len(keys)
    return precision, sum(n / is_meant[meant[key]] for n, key in zip(together, keys, strict=True)) / len(keys)


def _texts() -> list[str]:
    if folder := data():
        return (folder / "sentiment/english/val_text.txt").read_text(encoding="utf-8").splitlines()
    return [phrase.text for name in ("en", "en_rwanda") for phrase in phrases(name)]


def _edited(text: str, rng: Random) -> str:
    """What people make of a post when they pass it on."""
    words = text.split()
    match rng.randrange(4):
        case 0:
            return f"RT {text}"
        case 1:
            return " ".join(words[: max(5, 3 * len(words) // 4)])
        case 2:
            return " ".join(word for word in words if rng.random() > 0.15)
        case _:
            return f"{text} #{rng.choice(['energy', 'news', 'wow'])}"


def _sentences(text: str) -> list[str]:
    return [each for each in re.split(r"(?<=[.!?])\s+", text) if len(each.split()) >= 8]


def _quotes(body: Sequence[str]) -> list[str]:
    head, second, third, fourth = body[:4]
    pairs = [(head,), (head, second), (head, third), (second, head[:60]), (head[:70], fourth), (head[-80:], second)]
    return [" ".join(pair) for pair in pairs]


def _rows(found: Caught) -> Iterator[tuple[str, str, str]]:
    for (least, most), caught in sorted(found.items()):
        yield f"{least} to {most}", str(len(caught)), f"{sum(caught) / len(caught):.1%}"


def bursts_and_stories() -> None:
    """Print both rates, and the measure of grouping."""
    output = pool("sprinklr").results["output"].table
    found, alarms = rates(output)
    console = Console(width=120)
    table = Table("usual messages an hour", "bursts planted at 3 times", "found in their hour", box=None)
    for row in _rows(found):
        table.add_row(*row)
    console.print(table)
    click.echo(f"false alarms a week, of {SIMULATED} weeks without a burst: {len(alarms) / SIMULATED:.2f}")
    for alarm in alarms:
        click.echo(f"  {alarm}")
    table = Table("stories", "how many", "B-cubed precision", "recall", "F1", box=None)
    for name, stories in told().items():
        precision, recall = grouping(stories)
        f1 = 2 * precision * recall / (precision + recall)
        table.add_row(name, str(len(stories)), *(f"{each:.2f}" for each in (precision, recall, f1)))
    console.print(table)
