"""`profile`: what an hour was like, in counts, beside the hours before it. Its check `drift` warns.

A measure is a mix (how many messages have which value: languages, labels, lengths and scores in bins), the volume, or
the seconds that a model took for a text. Which measures there are follows from the columns of the steps, so a new step
has its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import ClassVar

import dagster as dg
import pyarrow as pa

from socialnlp_assets.assets.plot import plot
from socialnlp_assets.assets.step import Hour, Lineage, Result, Step
from socialnlp_assets.checks import Check
from socialnlp_assets.checks.drift import DRIFT, HOUR, TRAILING, drift
from socialnlp_assets.checks.scores import Texts, tone
from socialnlp_assets.checks.texts import plain, unknown_share
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.lake import HourMissing, Lake
from socialnlp_assets.schemas import FLOAT, TEXT, Column, Schema

PLOTTED = ("volume", "posts.language", "sentiments.sentiment")
SKETCH = "texts"  # the measure whose values are digests of texts
SKETCHED = 200  # the smallest digests of an hour: enough to tell whether another hour has the same texts
COPIED = 0.8  # of an hour's texts, to say that it is a copy of another
WEEKS = 4  # of which the same hour of the week is read, for the volume
FOLLOWED = 50  # texts that tell whether scores follow them
POLARITY = {"positive": 1, "negative": -1}
READERS = 16  # objects that are read at once

_BY_VALUE = {"source", "language", "social", "kind", "country", "rating"}  # columns of `posts` whose values are counted
_LISTED = {"message"}  # and those whose lengths are

Profiled = dict[str, dict[str, float]]


class HourProfile(Step):
    """What the hour was like: volume, languages, lengths, labels, scores, and how long its models took."""

    name: ClassVar = "profile"
    kinds: ClassVar = frozenset({"parquet", "python"})
    resources: ClassVar = frozenset({"lake"})

    steps: tuple[Step, ...]  # those of the workflow, `posts` first

    def columns(self) -> tuple[Column, ...]:
        return (
            Column("bin", TEXT, "measure=value; unique in an hour"),
            Column("measure", TEXT, "step.column, or what is counted: volume, texts, seconds/<model>, follows/<step>"),
            Column("value", TEXT, "the value, or the lower end of its bin"),
            Column(
                "count",
                FLOAT,
                "how many messages have it; for seconds/<model> the seconds, for follows/<step> "
                "how alike the scores of like texts are, 0 to 1",
                between=(0, None),
            ),
        )

    def table(self) -> Schema:
        return Schema(self.name, self.columns(), key="bin")

    def inputs(self) -> list[str]:
        return [*(step.name for step in self.steps), "output"]

    def lineage(self) -> Lineage:
        return {}

    def own_checks(self) -> tuple[Check, ...]:
        return (DRIFT,)

    def compute(self, hour: Hour) -> Result:
        tables = {step.name: hour.read(step.name) for step in self.steps}
        now = profile_of(self.steps, tables)
        for usage in hour.used():
            if usage.rows:
                now[f"seconds/{usage.model}"] = {"a text": usage.request_seconds / usage.rows}
        before = read_profiles(hour.lake, hour.workflow, trailing(hour.hour))
        result = Result(as_table(now, self.table()), rows_in=sum(map(len, now.values())))
        verdict = drift(hour.hour, {measure: mix for measure, mix in now.items() if measure != SKETCH}, before)
        lines = {measure: _line(measure, hour.hour, now, before) for measure in PLOTTED if measure in now}
        return replace(
            result,
            verdicts=(verdict,),
            metadata={"plot": dg.MetadataValue.md(plot(lines)), "messages": int(now["volume"]["messages"])},
        )


def profile_of(steps: Iterable[Step], tables: Mapping[str, pa.Table]) -> Profiled:
    """Measure → value → count, of an hour's tables by step."""
    posts = tables["posts"]
    found: Profiled = {"volume": {"messages": float(posts.num_rows)}}
    for step in steps:
        table = tables[step.name]
        names = set(table.column_names)
        for column in step.columns():
            if f"{column.name}_score" not in names and (counts := _counts(step, column, table)):
                found[f"{step.name}.{column.name}"] = counts
        if step.writes_text:
            shares = map(unknown_share, table[step.writes_text].to_pylist())
            found[f"{step.name}.unknown_words"] = _count(f"{min(int(10 * share), 9) / 10}" for share in shares)
        found |= _by_tone(step, tables) | _following(step, tables)
    texts = posts["message"].to_pylist()
    found["posts.letters"] = _count("ASCII" if text.isascii() else "others, too" for text in texts)
    found["posts.marks"] = _count("none" if plain(text) else "of a program" for text in texts)
    found["posts.minutes"] = _count(f"{when.minute // 10}0" for when in posts["created_at"].to_pylist())
    repeated = Counter(texts)
    found["posts.repeated"] = _count("yes" if repeated[text] > 1 else "no" for text in texts)
    return found | {SKETCH: dict.fromkeys(sketch(texts), 1.0)}


def _counts(step: Step, column: Column, table: pa.Table) -> dict[str, float]:
    """The mix of one column; empty for one that says nothing of an hour, such as a link."""
    if column.name not in table.column_names:
        return {}
    if column.values or pa.types.is_boolean(column.type) or (step.name == "posts" and column.name in _BY_VALUE):
        return _count(str(value) for value in table[column.name].to_pylist())
    if column.between == (0.0, 1.0):
        return _count(_bin(score) for score in table[column.name].to_pylist() if score is not None)
    if pa.types.is_list(column.type) or column.name in (step.writes_text, "summary", *_LISTED):
        return _count(str(len(value or "").bit_length()) for value in table[column.name].to_pylist())
    if pa.types.is_integer(column.type) and not column.required:
        return _count("none" if value is None else str(value.bit_length()) for value in table[column.name].to_pylist())
    if step.name == "posts" and pa.types.is_string(column.type) and not column.required:
        times = Counter(table[column.name].to_pylist())
        return _count(_times(value, times) for value in times.elements())
    return {}


def _bin(score: float) -> str:
    """The lower end of its bin. Most scores of many labels are small: there the bins are narrow, so that labels differ
    in them."""
    return str(min(int(10 * score), 9) / 10 or next((low for low in (0.03, 0.01, 0.003) if score >= low), 0.0))


def _times(value: str | None, times: Counter[str | None]) -> str:
    return "none" if value is None else "once" if times[value] == 1 else "again"


def _by_tone(step: Step, tables: Mapping[str, pa.Table]) -> Profiled:
    """The labels of a step beside the tone of the texts that it read: swapped labels have the same shares."""
    labelled = [column.name for column in step.columns() if column.values and step.name != "posts"]
    if not labelled:
        return {}
    asset, column = step.text
    read, table = tables[asset], tables[step.name]
    texts = dict(zip(read["message_id"].to_pylist(), read[column].to_pylist(), strict=True))
    tones = ["friendly" if tone(texts[key]) > 0 else "unfriendly" for key in table["message_id"].to_pylist()]
    return {
        f"{step.name}.{name} by tone": _count(map(" ".join, zip(table[name].to_pylist(), tones, strict=True)))
        for name in labelled
    }


def _following(step: Step, tables: Mapping[str, pa.Table]) -> Profiled:
    """How much the scores of a step have to do with the words of the texts that it read: all of them, those of each
    label with its name, and what is positive or negative with the tone."""
    scores = [column.name for column in step.columns() if column.between == (0.0, 1.0)]
    if len(scores) < 2 or tables[step.name].num_rows < FOLLOWED:
        return {}
    asset, column = step.text
    read, table = tables[asset], tables[step.name]
    by_key = dict(zip(read["message_id"].to_pylist(), read[column].to_pylist(), strict=True))
    texts = Texts([by_key[key] for key in table["message_id"].to_pylist()])
    found = {step.name: texts.association(table.select(scores).to_pandas())}
    for column_ in step.columns():
        if pa.types.is_boolean(column_.type) and f"{column_.name}_score" in scores:
            name = column_.name.removeprefix(getattr(step, "prefix", "")).replace("_", " ")
            found[column_.name] = texts.follow(name, table[f"{column_.name}_score"].to_pylist())
        elif {"positive", "negative"} <= set(column_.values):
            said = [POLARITY.get(label, 0) for label in table[column_.name].to_pylist()]
            found[column_.name] = texts.follow_tone(said)
    return {f"follows/{name}": {"the texts": value} for name, value in found.items()}


def _count(values: Iterable[str]) -> dict[str, float]:
    return {value: float(count) for value, count in Counter(values).items()}


def sketch(texts: Iterable[str]) -> list[str]:
    """The smallest digests of the texts, in order: those of two hours overlap as much as the hours do (Broder 1997)."""
    found = {blake2b(" ".join(text.lower().split()).encode(), digest_size=6).hexdigest() for text in texts}
    return sorted(found)[:SKETCHED]


def alike(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of the texts of `one` that `other` has, too, 0 to 1, from their sketches."""
    limit = other[-1] if len(other) == SKETCHED else None
    asked = [digest for digest in one if limit is None or digest <= limit]
    return len(set(asked) & set(other)) / len(asked) if asked else 0.0


def copied_from(lake: Lake, workflow: str, when: datetime, texts: Iterable[str]) -> str | None:
    """Another hour that has four fifths of this one's texts: one of the day before, or the same hour of one of the
    seven days before."""
    mine = sketch(texts)
    others = dict.fromkeys(when - HOUR * back for back in (*range(1, 25), *range(24, 24 * 8, 24)))
    shares = {
        other: alike(mine, sorted(profile.get(SKETCH, ())))
        for other, profile in read_profiles(lake, workflow, list(others)).items()
    }
    most = max(shares, key=shares.__getitem__, default=None)
    return f"{key_of(most)}: {shares[most]:.0%} of its texts" if most and shares[most] >= COPIED else None


def as_table(profile: Profiled, schema: Schema) -> pa.Table:
    rows = [
        {"bin": f"{measure}={value}", "measure": measure, "value": value, "count": count}
        for measure, mix in profile.items()
        for value, count in mix.items()
    ]
    return pa.Table.from_pylist(rows, schema=schema.arrow)


def trailing(when: datetime) -> list[datetime]:
    """The hours that an hour is compared with: seven days, and the same hour of the weeks before."""
    days = [when - number * HOUR for number in range(1, int(TRAILING / HOUR) + 1)]
    return [*days, *(when - timedelta(weeks=number) for number in range(2, WEEKS + 1))]


def read_profiles(lake: Lake, workflow: str, hours: Sequence[datetime]) -> dict[datetime, Profiled]:
    """The profiles of those of `hours` that have one."""
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(lambda hour: _read(lake, workflow, hour), hours)
        return {hour: profile for hour, profile in zip(hours, found, strict=True) if profile}


def _read(lake: Lake, workflow: str, hour: datetime) -> Profiled:
    try:
        table = lake.read_table(lake.table_path(workflow, HourProfile.name, hour), ["measure", "value", "count"])
    except HourMissing:
        return {}
    found: Profiled = {}
    for measure, value, count in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found.setdefault(measure, {})[value] = count
    return found


def _line(measure: str, when: datetime, now: Profiled, before: Mapping[datetime, Profiled]) -> list[float | None]:
    """The measure of each hour of the last seven days: the volume, or the share of this hour's commonest value."""
    value = max(now[measure], key=now[measure].__getitem__)
    hours = [when - number * HOUR for number in range(int(TRAILING / HOUR), 0, -1)]
    return [*_points(measure, value, (before.get(hour) for hour in hours)), *_points(measure, value, [now])]


def _points(measure: str, value: str, profiles: Iterable[Profiled | None]) -> Iterator[float | None]:
    for profile in profiles:
        mix = (profile or {}).get(measure)
        if not mix:
            yield None
        else:
            yield mix.get(value, 0.0) / (1 if measure == "volume" else sum(mix.values()))
