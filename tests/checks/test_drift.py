"""The check `drift` on profiles of one's own: what it warns of, and what it lets pass."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from socialnlp_assets.checks import Level
from socialnlp_assets.checks.drift import Profile, drift
from tests.platform.conftest import HOUR


def profile(rng: np.random.Generator, messages: int = 120, italian: float = 0.6, seconds: float = 0.01) -> Profile:
    volume = int(rng.poisson(messages))
    first = int(rng.binomial(volume, italian))
    return {
        "volume": {"messages": float(volume)},
        "posts.language": {"it": float(first), "en": float(volume - first)},
        "seconds/translator": {"a text": seconds * float(rng.lognormal(0, 0.1))},
    }


def warned(**shift: float) -> list[str]:
    """The measures that warn of an hour after a week of like ones."""
    rng = np.random.default_rng(3)
    before = {HOUR - timedelta(hours=n): profile(rng) for n in range(1, 169)}
    verdict = drift(HOUR, profile(rng, **shift), before)  # type: ignore[arg-type]
    return sorted({finding.expectation.about() for finding in verdict.findings if finding.failed})


@pytest.mark.parametrize(
    ("shift", "measures"),
    [
        ({}, []),
        ({"messages": 60}, ["volume"]),
        ({"italian": 0.3}, ["posts.language"]),
        ({"seconds": 0.05}, ["seconds/translator"]),
        ({"seconds": 0.002}, []),  # faster is no news
    ],
)
def test_what_has_shifted_is_told(shift: dict[str, float], measures: list[str]) -> None:
    assert warned(**shift) == measures


def test_nothing_is_said_of_the_first_day() -> None:
    rng = np.random.default_rng(3)
    before = {HOUR - timedelta(hours=n): profile(rng) for n in range(1, 24)}
    verdict = drift(HOUR, profile(rng, 10), before)
    assert verdict.level is Level.NOT_ASKED
    assert "23 of the 24 hours" in verdict.findings[0].observed


def test_a_language_that_nobody_has_seen_before_is_told_by_its_name() -> None:
    rng = np.random.default_rng(3)
    before = {HOUR - timedelta(hours=n): profile(rng) for n in range(1, 169)}
    now = profile(rng)
    now = {"posts.language": {"de": 20.0, **now["posts.language"]}}
    told = [finding for finding in drift(HOUR, now, before).findings if finding.failed]
    assert [finding.observed.split(";")[0] for finding in told] == ["de: 13%, usually 0%", "de: 8%, usually 0%"]
    assert {finding.expectation.says for finding in told} == {
        "posts.language is as it usually is",
        "posts.language is as it usually is (with the hour before)",
    }


def test_a_volume_that_always_goes_up_and_down_is_no_news() -> None:
    before: dict[datetime, Profile] = {
        HOUR - timedelta(hours=n): {"volume": {"messages": 40.0 if n // 24 % 2 else 200.0}} for n in range(1, 169)
    }
    assert drift(HOUR, {"volume": {"messages": 50.0}}, before).passed
