"""Translation, emotion and summarisation on weights of the production sizes, three ways over HTTP:

- row by row: one text a request to transformers, as Step Functions and Lambda did it; every fourth text,
  for it is slow;
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
        found += compare(f"translation, beam {beams}", "translator", texts.foreign(count), parameters)
    return found


def emotion() -> list[Figure]:
    """Posts alone; then an hour's mix, in which every seventh text is an article."""
    return [
        *compare("emotion, posts", "emotion", texts.posts(192), {}),
        *compare("emotion, posts and articles", "emotion", texts.hour(56), {}),
    ]


def summarisation() -> list[Figure]:
    parameters = {"max_length": 60, "min_length": 60, "num_beams": 1}
    return compare("summarisation", "summarizer", texts.articles(32), parameters)


def compare(name: str, model: str, work: Sequence[str], parameters: dict[str, Any], rounds: int = 2) -> list[Figure]:
    """Ours against both rivals; then both engines with 1, 2 and 4 requests of 16 texts in flight."""
    ours_folder, reference_folder = folders(model)
    fourth = work[::4]
    with serving(ours_folder) as ours, serving(reference_folder) as reference:
        rate = rates(
            {
                ROW_BY_ROW: lambda: reference.ask_all(fourth, parameters, rows=1),
                BATCHED: lambda: reference.ask_all(work, parameters, rows=len(work)),
                "ours": lambda: ours.ask_all(work, parameters, rows=len(work)),
            },
            {ROW_BY_ROW: len(fourth), BATCHED: len(work), "ours": len(work)},
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
            1,
        )
    found = []
    for rival in (ROW_BY_ROW, BATCHED):
        found.append(figure(name, rival, rate["ours"].wall, rate[rival].wall))
        found.append(figure(name, rival, rate["ours"].processor, rate[rival].processor, "texts/processor s"))
    for flight in (1, 2, 4):
        mine, theirs = in_flight[f"ours, {flight}"], in_flight[f"theirs, {flight}"]
        found.append(figure(f"{name}, requests of 16 texts, {flight} in flight", BATCHED, mine.wall, theirs.wall))
    return found
