"""Translation, emotion and summarisation on weights of the production sizes, three ways over HTTP:

- row by row: one text a request to transformers, as Step Functions and Lambda did it;
- batched: transformers in batches of 16, in file order;
- ours: the fast engine, whole requests.

Random weights never end a sentence, so every answer has the same, given length: all do the same work.
Processor seconds are those of the server; they say the same where other programs take the processors away.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks import texts
from benchmarks.measure import Figure, figure, rates
from benchmarks.production import folders
from benchmarks.servers import serving

ROW_BY_ROW, BATCHED = "transformers, row by row", "transformers, batches of 16 in file order"


def translation() -> list[Figure]:
    found = []
    for beams, count in ((1, 16), (5, 8)):
        parameters = {"src_lang": "fr", "num_beams": beams, "max_length": 32}
        found += compare(f"translation, beam {beams}", "translator", texts.foreign(count), parameters, rounds=1)
    return found


def emotion() -> list[Figure]:
    return compare("emotion", "emotion", texts.posts(48), {}, rounds=1)


def summarisation() -> list[Figure]:
    parameters = {"max_length": 60, "min_length": 60, "num_beams": 1}
    return compare("summarisation", "summarizer", texts.articles(8), parameters, rounds=1)


def compare(name: str, model: str, work: Sequence[str], parameters: dict[str, Any], rounds: int) -> list[Figure]:
    """Ours against both rivals, and ours with 1, 2 and 4 requests in flight."""
    ours_folder, reference_folder = folders(model)
    with serving(ours_folder) as ours, serving(reference_folder) as reference:
        rate = rates(
            {
                ROW_BY_ROW: lambda: reference.ask_all(work, parameters, rows=1),
                BATCHED: lambda: reference.ask_all(work, parameters, rows=len(work)),
                "ours": lambda: ours.ask_all(work, parameters, rows=len(work)),
            },
            len(work),
            rounds,
            dict.fromkeys((ROW_BY_ROW, BATCHED), reference.processor_seconds) | {"ours": ours.processor_seconds},
        )
        rows = max(1, len(work) // 4)
        flights = rates(
            {
                f"{flight} in flight": partial(ours.ask_all, work, parameters, rows=rows, in_flight=flight)
                for flight in (1, 2, 4)
            },
            len(work),
            rounds,
        )
    ours_rate = rate["ours"]
    found = []
    for rival in (ROW_BY_ROW, BATCHED):
        found.append(figure(name, rival, ours_rate.wall, rate[rival].wall))
        found.append(figure(name, rival, ours_rate.processor, rate[rival].processor, "texts/processor s"))
    for flight, its_rate in flights.items():
        found.append(
            figure(f"{name}, requests of {rows} texts, {flight}", ROW_BY_ROW, its_rate.wall, rate[ROW_BY_ROW].wall)
        )
    return found
