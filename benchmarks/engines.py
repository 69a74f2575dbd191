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
    for beams, count in ((1, 64), (5, 32)):
        parameters = {"src_lang": "fr", "num_beams": beams, "max_length": 32}
        found += compare(f"translation, beam {beams}", "translator", texts.foreign(count), parameters, rounds=1)
    return found


def emotion() -> list[Figure]:
    return compare("emotion", "emotion", texts.posts(192), {}, rounds=3)


def summarisation() -> list[Figure]:
    parameters = {"max_length": 60, "min_length": 60, "num_beams": 1}
    return compare("summarisation", "summarizer", texts.articles(32), parameters, rounds=1)


def compare(name: str, model: str, work: Sequence[str], parameters: dict[str, Any], rounds: int) -> list[Figure]:
    """Ours against both rivals; then both engines with 1, 2 and 4 requests of 16 texts in flight."""
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
        in_flight = rates(
            {
                f"{whose}, {flight}": partial(server.ask_all, work, parameters, rows=16, in_flight=flight)
                for flight in (1, 2, 4)
                for whose, server in (("theirs", reference), ("ours", ours))
            },
            len(work),
            rounds,
        )
    found = []
    for rival in (ROW_BY_ROW, BATCHED):
        found.append(figure(name, rival, rate["ours"].wall, rate[rival].wall))
        found.append(figure(name, rival, rate["ours"].processor, rate[rival].processor, "texts/processor s"))
    for flight in (1, 2, 4):
        mine, theirs = in_flight[f"ours, {flight}"], in_flight[f"theirs, {flight}"]
        found.append(figure(f"{name}, requests of 16 texts, {flight} in flight", BATCHED, mine.wall, theirs.wall))
    return found
