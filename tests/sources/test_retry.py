"""How long we are patient, on a clock that passes when somebody sleeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from socialnlp_assets.resources.retry import named_pause, retrying


class Busy(Exception):
    def __init__(self, after: float | None = None) -> None:
        super().__init__("busy")
        self.after = after


class Service:
    """Is busy for the first `failures` calls."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self, answer: str) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return answer


def test_what_passes_is_waited_for() -> None:
    slept: list[float] = []
    service = Service(5, Busy())
    assert retrying(Busy, patience=100, first_pause=1.0, sleep=slept.append)(service, "here") == "here"
    assert len(slept) == 5
    assert all(0 <= pause <= 2.0**number for number, pause in enumerate(slept))


def test_pauses_are_drawn_from_zero_on_so_that_callers_part() -> None:
    firsts: list[float] = []
    for _ in range(200):
        retrying(Busy, patience=100, first_pause=1.0, sleep=firsts.append)(Service(1, Busy()), "")
    assert min(firsts) < 0.2
    assert max(firsts) > 0.8


def test_a_named_time_is_waited_out() -> None:
    slept: list[float] = []
    retrying(Busy, patience=1000, longest_pause=2.0, sleep=slept.append)(Service(3, Busy(after=90.0)), "")
    assert slept == [90.0, 90.0, 90.0]


def test_patience_ends_before_the_pause_that_would_exceed_it() -> None:
    slept: list[float] = []
    service = Service(1_000_000, Busy(after=30.0))
    with pytest.raises(Busy):
        retrying(Busy, patience=100, sleep=slept.append)(service, "")
    assert slept == [30.0, 30.0, 30.0]
    assert service.calls == 4


def test_attempts_end_although_nobody_pauses() -> None:
    service = Service(1_000_000, Busy())
    with pytest.raises(Busy):
        retrying(Busy, patience=100, first_pause=0.0, most_attempts=7)(service, "")
    assert service.calls == 7


def test_other_errors_are_not_tried_again() -> None:
    service = Service(1, ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        retrying(Busy, patience=100)(service, "")
    assert service.calls == 1


def test_each_pause_is_told() -> None:
    told: list[tuple[str, int, float]] = []
    retrying(
        Busy,
        patience=100,
        sleep=lambda _: None,
        before_pause=lambda error, attempt, pause: told.append((str(error), attempt, pause)),
    )(Service(2, Busy(after=3.0)), "")
    assert told == [("busy", 1, 3.0), ("busy", 2, 3.0)]


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0", 0.0), ("", None), ("soon", None), ("²", None)])
def test_a_named_time_in_seconds(header: str, seconds: float | None) -> None:
    assert named_pause(header) == seconds


def test_a_named_time_as_a_date() -> None:
    in_a_minute = format_datetime(datetime.fromtimestamp(time.time() + 60, UTC), usegmt=True)
    assert named_pause(in_a_minute) == pytest.approx(60, abs=3)
    assert named_pause(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0
