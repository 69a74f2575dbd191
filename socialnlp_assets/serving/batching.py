"""Length-sorted batches under a token budget, for engines that pad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


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


def by_length(
    run: Callable[[list[Item]], Sequence[Result]],
    items: Sequence[Item],
    lengths: Sequence[int],
    budget: int,
    most: int = 64,
) -> list[Result]:
    """`run` over `items` in such batches; results in the order of `items`."""
    results: dict[int, Result] = {}
    for batch in batches(lengths, budget, most):
        outputs = run([items[position] for position in batch])
        results.update(zip(batch, outputs, strict=True))
    return [results[position] for position in range(len(items))]
