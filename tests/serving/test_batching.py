"""Batches hold every text once, within the budget, in runs of like length."""

from __future__ import annotations

from threading import Barrier, get_ident

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.serving.batching import batches, by_length, even_budget, lanes_of

LENGTHS = st.lists(st.integers(0, 200), max_size=60)


@given(lengths=LENGTHS, budget=st.integers(1, 500), most=st.integers(1, 20))
def test_each_position_once_within_the_limits(lengths: list[int], budget: int, most: int) -> None:
    made = list(batches(lengths, budget, most))
    assert sorted(position for batch in made for position in batch) == list(range(len(lengths)))
    for batch in made:
        longest = max(lengths[position] for position in batch)
        assert len(batch) <= most
        assert len(batch) == 1 or longest * len(batch) <= budget


@given(lengths=LENGTHS)
def test_longest_first(lengths: list[int]) -> None:
    in_order = [lengths[position] for batch in batches(lengths, 300) for position in batch]
    assert in_order == sorted(lengths, reverse=True)


@given(words=st.lists(st.text(), max_size=30), budget=st.integers(1, 50), lanes=st.integers(1, 4))
def test_results_in_the_order_of_the_items(words: list[str], budget: int, lanes: int) -> None:
    results = by_length(lambda batch: [word.upper() for word in batch], words, [len(w) for w in words], budget, lanes)
    assert results == [word.upper() for word in words]


def test_sorting_saves_padding() -> None:
    lengths = [10, 100] * 32
    in_file_order = sum(100 * 16 for _ in range(4))
    sorted_cost = sum(max(lengths[p] for p in batch) * len(batch) for batch in batches(lengths, 1600))
    assert sorted_cost == sum(lengths)
    assert sorted_cost < in_file_order


@given(lengths=LENGTHS, budget=st.integers(1, 500), lanes=st.integers(2, 4))
def test_lanes_have_batches_alike(lengths: list[int], budget: int, lanes: int) -> None:
    least = even_budget(lengths, budget, lanes)
    assert least <= budget
    made, plain = list(batches(lengths, least)), list(batches(lengths, budget))
    assert len(plain) <= len(made) <= -(-len(plain) // lanes) * lanes


def test_one_batch_is_shared_by_the_lanes() -> None:
    assert [len(batch) for batch in batches([10] * 8, even_budget([10] * 8, 1000, 2))] == [4, 4]


def test_batches_run_side_by_side() -> None:
    both = Barrier(2, timeout=30)
    assert by_length(lambda batch: [both.wait() >= 0 for _ in batch], ["a", "b"], [1, 1], 1, lanes=2) == [True, True]


def test_a_failure_in_a_lane_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        by_length(lambda batch: [1 // n for n in batch], [1, 0, 1], [1, 1, 1], 1, lanes=2)


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 5, 6, 7, 8, 11, 64])
def test_lanes_share_the_cores(threads: int) -> None:
    lanes, each = lanes_of(threads)
    assert min(threads, 2) <= lanes <= 4
    assert threads - 1 <= lanes * each <= threads


def test_a_single_lane_or_batch_runs_where_it_is_asked() -> None:
    def run(batch: list[str]) -> list[int]:
        return [get_ident() for _ in batch]

    assert by_length(run, ["a", "b"], [1, 1], 1, lanes=1) == [get_ident()] * 2
    assert by_length(run, ["a"], [1], 1, lanes=2) == [get_ident()]
    assert by_length(run, [], [], 1, lanes=2) == []
