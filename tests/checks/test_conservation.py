"""Nothing is lost: whatever lands and whatever models do, each message of each step is in its rows, in quarantine, or
dropped for the reason that is counted."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialnlp_assets.assets.asset import checks_of, computed
from socialnlp_assets.assets.quarantine import Rejected
from socialnlp_assets.assets.step import Result
from socialnlp_assets.checks import Checks
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import load_workflows
from tests.checks.scripted import Answer, ScriptedEndpoints, hour_of_step, plain, refuses
from tests.platform.conftest import HOUR, message

pytestmark = pytest.mark.slow  # Great Expectations is imported

WORKFLOW = "sprinklr"
TEXTS = st.sampled_from(
    [
        "The power is back in our street since seven",
        "La bolletta di gennaio è arrivata due volte con 120 euro in più",
        "Nessuno risponde al numero verde da tre giorni interi",
        "They did not repair line 42 and nobody says why",
        "",
        "😡😡",
        "Der Strom ist wieder da, aber niemand weiß warum",
    ]
)


@st.composite
def landed(draw: st.DrawFn) -> list[Any]:
    """Records as a source might deliver them: some twice, some broken, some of other hours, kinds and languages."""
    records: list[Any] = []
    for number in range(draw(st.integers(0, 12))):
        changes: dict[str, Any] = {"language": draw(st.sampled_from(["it", "en", "de", None]))}
        match draw(st.sampled_from(["post", "post", "article", "twice", "broken", "other hour", "timeless"])):
            case "article":
                changes |= {"channelType": "WEB", "permalink": f"https://news.example/{number}"}
            case "twice":
                records.append(message(number, "The power is back"))
            case "broken":
                records.append("<h1>Developer Over Rate</h1>")
            case "other hour":
                changes["channelCreatedTime"] = int(HOUR.timestamp() * 1000) + 3_600_000
            case "timeless":
                changes["channelCreatedTime"] = None
        records.append(message(number, draw(TEXTS), **changes))
    return records


def faulty(model: str, fault: str, every: int) -> Answer:
    """A model with one fault, in some texts."""
    answer = plain(model)
    wrong: Answer = {
        "silent": lambda _: "",
        "looping": lambda _: "again and again and again and again and again and again",
        "echo": lambda text: text,
    }.get(fault, answer)
    if fault == "refusing":
        return refuses(answer, every)
    return lambda text: wrong(text) if every and len(text) % every == 0 else answer(text)


FAULTS = st.fixed_dictionaries(
    {
        model: st.tuples(st.sampled_from(["none", "silent", "looping", "echo", "refusing"]), st.integers(1, 4))
        for model in ("translator", "normalizer", "summarizer")
    }
    | {
        model: st.tuples(st.sampled_from(["none", "refusing"]), st.integers(1, 4))
        for model in ("reputation", "sentiment", "keywords", "themes")
    }
)


@given(records=landed(), faults=FAULTS)
@settings(max_examples=12)
def test_every_message_of_every_step_is_somewhere(records: list[Any], faults: dict[str, tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, home = _landed(folder, records)
        results = _run(lake, home, {model: faulty(model, *fault) for model, fault in faults.items()})
    if results:
        _down_to_identities(records, results)


@given(records=landed(), faults=FAULTS, chance=st.randoms(use_true_random=False))
@settings(max_examples=6)
def test_of_a_replay_what_was_not_chosen_stays_as_it_was(
    records: list[Any], faults: dict[str, tuple[str, int]], chance: Random
) -> None:
    """The hour again, with models that take all: what was chosen is tried, and every message is somewhere."""
    with tempfile.TemporaryDirectory() as folder:
        lake, home = _landed(folder, records)
        before = _run(lake, home, {model: faulty(model, *fault) for model, fault in faults.items()})
        held = {
            step: {each.identity: each for each in result.rejected if chance.random() < 0.5}
            for step, result in before.items()
        }
        after = _run(lake, home, {}, held) if before else {}
    for step, result in after.items():
        now = {each.identity: each for each in result.rejected}
        assert held[step].items() <= now.items(), step
        assert all("too strange" not in now[each].reason for each in now.keys() - held[step].keys()), step
    if after:
        _down_to_identities(records, after)


def _landed(folder: str, records: list[Any]) -> tuple[Lake, Settings]:
    home = Settings(lake=f"{folder}/lake", state=Path(folder) / "state")
    lake = Lake(uri=home.lake_uri)
    lake.put(f"{Lake.landing_folder(WORKFLOW, HOUR)}/batch.json", json.dumps(records).encode())
    return lake, home


def _run(
    lake: Lake, home: Settings, answers: dict[str, Answer], held: Mapping[str, Mapping[str, Rejected]] | None = None
) -> dict[str, Result]:
    """What each step makes of the hour; nothing of an hour that is not published. Its accounts must be right."""
    results: dict[str, Result] = {}
    for step in load_workflows()[WORKFLOW].all_steps():
        stay = (held or {}).get(step.name)
        hour = hour_of_step(WORKFLOW, step.name, lake, home, ScriptedEndpoints(answers), stay)
        result, found = computed(step, hour, checks_of(step, Checks(quarantine=1.0)), quarantine=1.0)
        accounts = result.accounts()
        assert accounts.rows_in == accounts.rows_out + accounts.rows_dropped + accounts.quarantined, step.name
        if not found.passed:
            # An hour of nothing but faults is not published: all of it is still accounted for.
            assert result.table.num_rows == 0 or found.rejected == {}
            return {}
        results[step.name] = result
        lake.write_table(lake.table_path(WORKFLOW, step.name, HOUR), result.table)
    return results


def _ids(result: Result) -> Counter[str]:
    return Counter(result.table["message_id"].to_pylist())


def _down_to_identities(records: list[Any], results: dict[str, Result]) -> None:
    posts = results["posts"]
    assert posts.rows_in == len(records)
    kinds = dict(zip(posts.table["message_id"].to_pylist(), posts.table["kind"].to_pylist(), strict=True))
    wanted = _wanted(records)
    assert set(_ids(posts)) == wanted
    reads = {
        "translations": "posts", "filtered_text": "translations", "enrichments": "filtered_text",
        "classifications": "enrichments", "sentiments": "translations", "keywords": "enrichments",
        "entities": "enrichments", "themes": "enrichments", "summaries": "enrichments",
    }  # fmt: skip
    for name, upstream in reads.items():
        came = _ids(results[upstream])
        gone = Counter(rejected.message_id for rejected in results[name].rejected)
        dropped = {key for key in came if name == "classifications" and kinds[key] != "social"}
        assert came == _ids(results[name]) + gone + Counter(dropped), name
    text = results["enrichments"].table
    usable = {
        key
        for key, value in zip(text["message_id"].to_pylist(), text["text_enriched"].to_pylist(), strict=True)
        if value.strip()
    }
    assert set(_ids(results["output"])) == usable


def _wanted(records: list[Any]) -> set[str]:
    """The messages that must be rows of `posts`, told without the platform's own code: in time, in a language of the
    workflow or in none that anybody named; of a message that came twice, the one that came first decides."""
    start = int(HOUR.timestamp() * 1000)
    wanted: set[str] = set()
    for record in records:
        if not isinstance(record, dict) or not start <= record.get("channelCreatedTime", 0) < start + 3_600_000:
            continue
        german = "Strom" in record["content"]["text"]
        if record.get("language") in ("it", "en") or ("language" not in record and not german):
            wanted.add(record["messageId"])
    return wanted
