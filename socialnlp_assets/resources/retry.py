"""When something that failed is tried again, and when it is given up: the one policy for all that we call.

Pauses grow twice as long each time and are drawn at random from zero to that ("full jitter"), so that many who failed
together do not come back together. Where the other side names a time, such as with ``Retry-After``, it is waited out.
What may be tried again is told by the type of the exception; whoever calls decides what of theirs is of that type.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception_type

LONGEST_PAUSE = 60.0  # seconds, unless the other side names a longer time itself
MOST_ATTEMPTS = 100  # however short the pauses


def retrying(
    *retryable: type[BaseException],
    patience: float,
    first_pause: float = 1.0,
    longest_pause: float = LONGEST_PAUSE,
    most_attempts: int = MOST_ATTEMPTS,
    before_pause: Callable[[BaseException, int, float], None] = lambda *_: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Retrying:
    """Calls a function, or enters a block, until it raises none of `retryable`: the last is raised when it is given up.

    `patience` is how many seconds all pauses may take together. An exception with an attribute `after`, in seconds,
    names the least pause itself. `before_pause` is told the error, the number of the failed attempt and the pause.

        retrying(Busy, patience=60)(function, argument)
        for attempt in retrying(Busy, patience=60):
            with attempt:
                ...
    """

    def error_of(state: RetryCallState) -> BaseException:
        error = state.outcome.exception() if state.outcome else None
        assert error is not None
        return error

    def pause(state: RetryCallState) -> float:
        most = min(longest_pause, first_pause * 2.0 ** min(state.attempt_number - 1, 30))
        return max(random.uniform(0, most), getattr(error_of(state), "after", None) or 0.0)

    def is_given_up(state: RetryCallState) -> bool:
        return state.attempt_number >= most_attempts or state.idle_for + state.upcoming_sleep > patience

    def tell(state: RetryCallState) -> None:
        before_pause(error_of(state), state.attempt_number, state.upcoming_sleep)

    return Retrying(
        sleep=sleep,
        retry=retry_if_exception_type(retryable),
        wait=pause,
        stop=is_given_up,
        before_sleep=tell,
        reraise=True,
    )


def named_pause(header: str) -> float | None:
    """Seconds that a ``Retry-After`` asks for, a number or a date; None where it says neither."""
    value = header.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
