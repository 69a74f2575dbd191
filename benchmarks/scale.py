"""An hour of 10,000 and of 100,000 posts through `posts` and through `output`, beside pandas-from-CSV.

Ours are the real steps, with their checks, run by Dagster on an instance and a lake in a temporary folder; what
`output` joins is invented, for the same messages. The rival is the thesis's way: the hour is one CSV file, which
each step reads whole with pandas and hands on with its own columns added; it checks nothing. Each run has a
process of its own.
"""

from __future__ import annotations

import ast
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.measure import Figure

ROWS = (10_000, 100_000)
HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)
WORKFLOW = "sprinklr"
TEXT = "La rete elettrica in città è stata potenziata, ma la bolletta resta cara per molte famiglie."
CLOSED = {"sentiment": ["negative", "neutral", "positive"], "emotion": ["joy", "optimism", "anger", "sadness"]}


def message(number: int) -> dict[str, Any]:
    """A message as Sprinklr delivers it: every tenth is an article, every hundredth comes twice."""
    number -= number % 100 == 99
    article = number % 10 == 0
    return {
        **{"sourceType": "LISTENING", "messageId": f"m{number:08}", "brandPost": False, "conversationId": "c"},
        **{
            "channelType": "WEB" if article else ("TWITTER", "FACEBOOK")[number % 2],
            "language": ("it", "en")[number % 2],
        },
        **{
            "channelCreatedTime": int(HOUR.timestamp() * 1000) + number,
            "permalink": f"https://social.example/p/{number}",
        },
        **{"content": {"text": f"{number} " + TEXT * (6 if article else 2), "attachment": None}},
        **{"topicIds": [str(number % 7), "7"], "enrichments": {}},
        **{"location": {"text": "", "additional": {"code": "IT"}}},
        "senderProfile": {"name": "A person", "username": f"p{number % 997}", "followers": number % 5000},
    }


def land(folder: Path, rows: int) -> None:
    """Write the hour's file."""
    path = folder / "lake" / "landing" / WORKFLOW / HOUR.strftime("date=%Y-%m-%d/hour=%H") / "batch.json"
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            file.write(("[" if number == 0 else ",") + json.dumps(message(number), ensure_ascii=False))
        file.write("]")


class NoEndpoints:
    """`posts` announces the models of its hour; here none is asked."""

    def warm(self, models: list[str], shapes: object = None) -> None:
        pass


def run_step(step: str, folder: Path) -> None:
    """One step of the hour, as Dagster runs it."""
    import dagster as dg

    from socialnlp_assets.definitions import build_definitions
    from socialnlp_assets.partitions import key_of
    from socialnlp_assets.settings import Settings

    settings = Settings(lake=str(folder / "lake"), state=folder / "state")
    definitions = build_definitions(settings, {"endpoints": NoEndpoints()})
    (folder / step).mkdir()
    with dg.DagsterInstance.local_temp(str(folder / step)) as instance:
        result = definitions.resolve_job_def(WORKFLOW).execute_in_process(
            partition_key=key_of(HOUR), instance=instance, asset_selection=[dg.AssetKey([WORKFLOW, step])]
        )
    assert result.success


def invent(folder: Path) -> None:
    """What the steps between `posts` and `output` would have written: as tables for ours, as one CSV for the rival."""
    from socialnlp_assets.resources.lake import Lake
    from socialnlp_assets.workflow import load_workflows

    lake, workflow = Lake(uri=str(folder / "lake")), load_workflows()[WORKFLOW]
    posts = lake.read_table(Lake.table_path(WORKFLOW, "posts", HOUR))
    wide = posts.to_pandas()
    for name, step in workflow.steps.items():
        schema = step.table()
        table = pa.table([invented(column, posts) for column in schema.arrow], schema=schema.arrow)
        lake.write_table(Lake.table_path(WORKFLOW, name, HOUR), table)
        wide = wide.merge(table.to_pandas(), on="message_id")
    wide["topic_ids"] = wide["topic_ids"].map(list)
    wide.to_csv(folder / "steps.csv", index=False)


def invented(column: pa.Field, posts: pa.Table) -> Any:
    """A valid column of a step."""
    if column.name == "message_id":
        return posts["message_id"]
    values: Any
    if column.name in CLOSED:
        values = CLOSED[column.name]
    elif pa.types.is_string(column.type):
        return posts["message"]
    elif pa.types.is_list(column.type):
        values = [["power grid", "bill", "family"]] if pa.types.is_string(column.type.value_type) else [[0.3, 0.2, 0.1]]
    else:
        values = [True, False] if pa.types.is_boolean(column.type) else [0.25, 0.5, 0.75]
    return pa.array((values * posts.num_rows)[: posts.num_rows], column.type)


def posts_by_pandas(folder: Path) -> None:
    import pandas as pd

    from socialnlp_assets.landing import author_hash

    (path,) = folder.rglob("batch.json")
    with path.open(encoding="utf-8") as file:
        pd.json_normalize(json.load(file)).to_csv(folder / "raw.csv", index=False)
    frame = pd.read_csv(folder / "raw.csv").drop_duplicates("messageId")
    frame = frame[frame["language"].isin(["it", "en"])]
    frame["created_at"] = pd.to_datetime(frame["channelCreatedTime"], unit="ms", utc=True)
    frame["author"] = frame["senderProfile.username"].map(lambda name: author_hash(name, b"a key of sixteen"))
    frame.to_csv(folder / "posts.csv", index=False)


def output_by_pandas(folder: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(folder / "steps.csv")
    frame = frame[frame["text_enriched"].str.strip() != ""]
    frame["topic_ids"] = frame["topic_ids"].map(ast.literal_eval)
    frame["topic_id"] = frame["topic_ids"]
    for (social, topic), rows in frame.explode("topic_id").groupby(["social", "topic_id"]):
        target = folder / "by_pandas" / f"social={social}" / f"topic_id={topic}"
        target.mkdir(parents=True)
        rows.to_parquet(target / "part.parquet")


PARTS: dict[str, Callable[[Path], None]] = {
    "posts": partial(run_step, "posts"),
    "invent": invent,
    "output": partial(run_step, "output"),
    "posts by pandas": posts_by_pandas,
    "output by pandas": output_by_pandas,
}


def peak_megabytes() -> float:
    """The most memory that this process had. Linux's `ru_maxrss` would count its parent's at the fork, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # macOS tells bytes


def measured(part: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak MB of one part, in a process of its own; RuntimeError with its last words where it fails."""
    command = [sys.executable, "-m", "benchmarks.scale", part, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"{part} has failed: {run.stderr[-2000:]}")
    seconds, peak = run.stdout.split()[-2:]
    return float(seconds), float(peak)


def scale(rows: tuple[int, int] = ROWS) -> list[Figure]:
    """Seconds, peak memory, and what ten times the posts add to both; the import of Dagster and of Great
    Expectations, seconds and some 300 MB whatever the rows, is ours alone."""
    taken: dict[tuple[str, int], tuple[float, float]] = {}
    for count in rows:
        with tempfile.TemporaryDirectory() as name:
            land(Path(name), count)
            taken |= {(part, count): measured(part, Path(name)) for part in PARTS}
    few, many = rows
    figures = []
    for step in ("posts", "output"):
        for place, unit in enumerate(("s", "MB")):
            (ours_few, ours), (theirs_few, theirs) = (
                [taken[part, count][place] for count in rows] for part in (step, f"{step} by pandas")
            )
            figures.append(less(f"{step}, {many:,} posts", ours, theirs, unit))
            figures.append(
                less(f"{step}, {many:,} posts over {few:,}", ours / ours_few, theirs / theirs_few, f"× {unit}")
            )
    return figures


def less(name: str, ours: float, theirs: float, unit: str) -> Figure:
    """A figure of which less is better."""
    return Figure(name, "pandas from CSV", round(ours, 3), round(theirs, 3), round(theirs / ours, 3), unit)


if __name__ == "__main__":
    start = time.perf_counter()
    PARTS[sys.argv[1]](Path(sys.argv[2]))
    print(time.perf_counter() - start, peak_megabytes())
