"""Rate limits on a scripted clock, and what a caller makes of answers that go wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.resources.caller import (
    Caller,
    RateLimit,
    SourceRefused,
    SourceUnavailable,
    shared_rate_limit,
)
from socialnlp_assets.resources.retry import MOST_ATTEMPTS
from socialnlp_assets.sources.loopback import Faults, Request, Response, serve


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(
    calls=st.integers(1, 60),
    work=st.lists(st.floats(0, 0.5), min_size=60, max_size=60),
    per_second=st.integers(1, 10),
    per_minute=st.integers(1, 30),
)
def test_no_window_ever_holds_more_calls_than_its_limit(
    calls: int, work: list[float], per_second: int, per_minute: int
) -> None:
    clock = Clock()
    limit = RateLimit([(per_second, 1.0), (per_minute, 60.0)], clock, clock.sleep)
    made = []
    for number in range(calls):
        limit.wait()
        made.append(clock.now)
        clock.now += work[number]
    for most, seconds in ((per_second, 1.0), (per_minute, 60.0)):
        for first, last in zip(made, made[most:], strict=False):
            assert last - first >= seconds - 1e-9


def test_no_call_waits_without_need() -> None:
    clock = Clock()
    limit = RateLimit([(10, 1.0), (1000, 3600.0)], clock, clock.sleep)
    for _ in range(1000):
        limit.wait()
    assert clock.now == pytest.approx(99.0)
    limit.wait()
    assert clock.now == pytest.approx(3600.0)


def test_a_process_shares_a_limit_by_its_name() -> None:
    assert shared_rate_limit("a", (1, 1.0)) is shared_rate_limit("a", (1, 1.0))
    assert shared_rate_limit("a", (1, 1.0)) is not shared_rate_limit("b", (1, 1.0))


@pytest.mark.parametrize(("pause", "attempts"), [(0.01, range(3, 20)), (0.0, range(MOST_ATTEMPTS, MOST_ATTEMPTS + 1))])
def test_a_source_that_says_now_each_time_is_given_up_all_the_same(pause: float, attempts: range) -> None:
    faults = Faults(rate=1.0, kinds=("429",))  # with `Retry-After: 0`
    with serve(lambda _: Response(), faults) as url, pytest.raises(SourceUnavailable, match="run the hour again later"):
        Caller("A source", RateLimit([]), patience=0.1, first_pause=pause).ask("GET", url, read=str)
    assert len(faults.done) in attempts


def test_a_redirect_is_not_followed_with_a_secret() -> None:
    seen: list[Request] = []

    def elsewhere(request: Request) -> Response:
        seen.append(request)
        return Response(200, b"[]")

    with serve(elsewhere) as other:
        for status in (301, 302, 303, 307, 308):
            with serve(lambda _, status=status: Response(status, headers={"Location": other})) as url:  # type: ignore[misc]
                caller = Caller("A source", RateLimit([]))
                with pytest.raises(SourceRefused, match=str(status)):
                    caller.ask("GET", url, read=str, headers={"Key": "sample-key", "X-Goog-Api-Key": "sample-key"})
    assert not seen


def test_a_token_is_masked_where_a_source_repeats_it_without_the_word_before_it() -> None:
    def repeat(request: Request) -> Response:
        return Response(400, f"no such token: {request.headers['authorization'].split()[1]}".encode())

    caller = Caller("A source", RateLimit([]))
    with serve(repeat) as url, pytest.raises(SourceRefused) as raised:
        caller.ask("GET", url, read=str, headers={"Authorization": "Bearer 0123456789abcdef"})
    assert str(raised.value).endswith("no such token: **********")


def test_a_secret_is_masked_wherever_a_message_is_cut() -> None:
    secret = "0123456789abcdef"
    caller = Caller("A source", RateLimit([]))
    with serve(lambda request: Response(400, request.query["x"].encode() + request.headers["key"].encode())) as url:
        for before in range(450, 510):
            with pytest.raises(SourceRefused) as raised:
                caller.ask("GET", f"{url}/?x={'x' * before}", read=str, headers={"Key": secret})
            assert secret[:1] not in str(raised.value).removeprefix("A source answered 400: ")
