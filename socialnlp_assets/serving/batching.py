"""Length-sorted batches under a token budget, for engines that pad.

A batch a core is faster than all cores on one batch, whose threads wait for each other after each matrix.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_LANES = 4  # each reads the model's weights from memory, which has no room for many


def lanes_of(threads: int) -> tuple[int, int]:
    """How many batches to run at a time on `threads` cores, and the threads of each."""
    several = range(min(threads, 2), min(threads, MOST_LANES) + 1)
    lanes = max(several, key=lambda lanes: (threads // lanes * lanes, lanes))  # of which the fewest cores idle
    return lanes, threads // lanes


def batches(lengths: Sequence[int], budget: int, most: int = 64) -> Iterator[list[int]]:
    """Positions in batches of similar length, longest first.

    A batch holds at most `most` positions and at most `budget` tokens once padded to its longest; an item
    over the budget goes alone. Longest first, so that the peak of memory comes at once and not at the end.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        longest = lengths[batch[0]] if batch else 0
        if batch and (len(batch) == most or longest * (len(batch) + 1) > budget):
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def even_budget(lengths: Sequence[int], budget: int, lanes: int, most: int = 64) -> int:
    """The least budget, at most `budget`, that makes no more batches than fill all lanes equally often."""
    made = sum(1 for _ in batches(lengths, budget, most))
    allowed = -(-made // lanes) * lanes
    return bisect_left(range(budget), True, key=lambda least: sum(1 for _ in batches(lengths, least, most)) <= allowed)


def by_length(
    run: Callable[[list[Item]], Sequence[Result]],
    items: Sequence[Item],
    lengths: Sequence[int],
    budget: int,
    lanes: int = 1,
) -> list[Result]:
    """`run` over `items` in such batches, `lanes` of them at a time; results in the order of `items`."""
    if lanes > 1:
        budget = even_budget(lengths, budget, lanes)
    made = list(batches(lengths, budget))
    results: dict[int, Result] = {}

    def answer(batch: list[int]) -> None:
        results.update(zip(batch, run([items[position] for position in batch]), strict=True))

    if min(lanes, len(made)) <= 1:
        for batch in made:
            answer(batch)
    else:
        with ThreadPoolExecutor(lanes) as pool:
            deque(pool.map(answer, made), maxlen=0)  # raises what a lane raised
    return [results[position] for position in range(len(items))]
