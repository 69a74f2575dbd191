"""An hour of 10,000 and of 100,000 posts through reading and standardising, beside pandas-from-CSV.

The rival is the thesis's way: the raw messages are first written as one CSV file, which each step then reads
whole with `pandas.read_csv`. Each run has a process of its own; peak is its largest resident size.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, figure

ROWS = (10_000, 100_000)
BATCH = 4096


def write_hour(path: Path, rows: int) -> None:
    text = "La rete elettrica in città è stata potenziata, ma la bolletta resta cara per molte famiglie. " * 2
    with path.open("w", encoding="utf-8") as file:
        for index in range(rows):
            message = {
                **{"sourceType": "LISTENING", "messageId": f"m{index:08}", "channelType": "TWITTER", "language": "it"},
                **{
                    "createdTime": 1_763_625_600_000 + index,
                    "content": {"text": f"{index} {text}", "attachment": None},
                },
                **{"permalink": f"https://social.example/p/{index}", "topicIds": [index % 7, 7], "brandPost": False},
                "senderProfile": {"name": "A person", "username": f"p{index % 997}", "followers": index % 5000},
                **{"location": {"text": "", "additional": {"code": "IT"}}, "enrichments": {}, "conversationId": "c"},
            }
            file.write(("[" if index == 0 else ",") + json.dumps(message, ensure_ascii=False))
        file.write("]")


def ours(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from socialnlp_assets.landing import Reject, author_hash, read_records, standardise
    from socialnlp_assets.schemas import POSTS

    count = 0
    with path.open("rb") as file, pq.ParquetWriter(path.with_suffix(".parquet"), POSTS.arrow) as writer:
        rows: list[dict[str, Any]] = []
        for record in read_records(file, path.name):
            row = record if isinstance(record, Reject) else standardise(record, "sprinklr")
            assert isinstance(row, dict), row
            row["author"] = author_hash(row["author"], b"a key of sixteen")
            rows.append(row)
            count += 1
            if len(rows) == BATCH:
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=POSTS.arrow))
                rows = []
        writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=POSTS.arrow))
    return count


def pandas_from_csv(path: Path) -> int:
    import pandas as pd

    with path.open(encoding="utf-8") as file:
        pd.json_normalize(json.load(file)).to_csv(path.with_suffix(".csv"), index=False)
    frame = pd.read_csv(path.with_suffix(".csv"))
    frame["created_at"] = pd.to_datetime(frame["createdTime"], unit="ms", utc=True)
    frame.to_csv(path.with_suffix(".posts.csv"), index=False)
    return len(frame)


def measured(way: str, path: Path) -> tuple[float, float]:
    """Seconds and peak MB of one run in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.landing_scale", way, str(path)], check=True, capture_output=True, text=True
    )
    seconds, peak = run.stdout.split()
    return float(seconds), float(peak)


def landing() -> list[Figure]:
    taken: dict[tuple[str, int], tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for rows in ROWS:
            path = Path(folder) / f"{rows}.json"
            write_hour(path, rows)
            for way in ("ours", "pandas"):
                taken[way, rows] = measured(way, path)
    few, many = ROWS
    rival = "pandas from CSV"
    (ours_s, ours_mb), (theirs_s, theirs_mb) = taken["ours", many], taken["pandas", many]
    growth = {way: taken[way, many][1] / taken[way, few][1] for way in ("ours", "pandas")}
    return [
        figure(f"{many:,} posts landed", rival, many / ours_s, many / theirs_s, "posts/s"),
        figure(
            f"{many:,} posts landed, a GB of memory", rival, many / ours_mb * 1000, many / theirs_mb * 1000, "posts/GB"
        ),
        figure("memory for ten times the posts, inverse", rival, 1 / growth["ours"], 1 / growth["pandas"], "1/times"),
    ]


if __name__ == "__main__":
    start = time.perf_counter()
    {"ours": ours, "pandas": pandas_from_csv}[sys.argv[1]](Path(sys.argv[2]))
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
