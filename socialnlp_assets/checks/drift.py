"""The check `drift`: whether an hour is like those before it. Named statistics of SciPy, corrected for their number.

- a mix (languages, labels, lengths and scores in bins): G-test of homogeneity (Wilks 1935) against the trailing
  hours together. Hours differ more than chance alone has them differ, since a topic brings many like messages; how
  much is estimated from the trailing hours, and the test becomes an F-test (quasi-likelihood, McCullagh and Nelder
  1989);
- the volume: negative binomial around what that hour of the week brings, its dispersion from the trailing hours;
- seconds a text: Student's prediction interval of the logarithm, for what is slower;
- how much scores follow the texts: the same without a logarithm, for what is less.

Each is asked of the hour, and of the hour and the one before together, so that a small hour's shift is seen in two.
The chances are corrected by Benjamini and Hochberg (1995).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from socialnlp_assets.checks.expectation import Check, Expectation, Level
from socialnlp_assets.checks.guard import Finding, Verdict

HOUR = timedelta(hours=1)
TRAILING = timedelta(days=7)
LEAST_HOURS = 24  # with fewer hours before it, nothing is said of an hour
CHANCE = 0.001  # of a warning of an hour that is like the others
LEAST_EXPECTED = 5  # messages in a bin; rarer values are taken together
LEAST_SLOWER = 2.0  # times
TAILS = 15  # degrees of freedom at most of how scores follow texts: clean hours lie further out than normal ones
DRIFT = Check("drift", "the hour is like those of the seven days before it; a warning")

Mix = Mapping[str, float]  # value → how many
Profile = Mapping[str, Mix]  # measure → its mix; `volume`, `seconds/…`, `follows/…` have one value


@dataclass(frozen=True)
class Comparison:
    """One measure beside the trailing hours: how likely chance alone makes such a difference."""

    measure: str
    statistic: str
    chance: float
    told: str  # this hour, and what is usual
    hours: int  # 1, or 2 with the hour before


def drift(when: datetime, now: Profile, before: Mapping[datetime, Profile]) -> Verdict:
    """Compare the hour `when` with those before it, by time; later ones and older ones than needed are left out."""
    recent = {hour: before[hour] for hour in sorted(before) if when - TRAILING <= hour < when}
    if len(recent) < LEAST_HOURS:
        asked = f"{len(recent)} of the {LEAST_HOURS} hours before it that are needed"
        nothing = _expectation("the hour", "no statistic yet", "")
        return Verdict(DRIFT, (Finding(nothing, Level.NOT_ASKED, asked),))
    found = list(_comparisons(when, now, recent, before))
    return Verdict(DRIFT, tuple(_findings(found)))


def _findings(found: Sequence[Comparison]) -> Iterator[Finding]:
    from scipy.stats import false_discovery_control

    corrected = false_discovery_control([comparison.chance for comparison in found])
    bound = f"a chance of {CHANCE} or more, corrected for {len(found)} comparisons"
    for comparison, chance in zip(found, corrected, strict=True):
        span = "" if comparison.hours == 1 else " (with the hour before)"
        level = Level.WARNING if chance < CHANCE else Level.PASSED
        expectation = _expectation(comparison.measure, comparison.statistic, span)
        yield Finding(expectation, level, f"{comparison.told}; a chance of {chance:.2g}", bound)


def _expectation(measure: str, statistic: str, span: str) -> Expectation:
    return Expectation(
        statistic, {"column": measure}, f"{measure} is as it usually is{span}",
        "look at the hour's messages of this measure: the source, the model behind it or its version has changed",
        level=Level.WARNING,
    )  # fmt: skip


def _comparisons(
    when: datetime, now: Profile, recent: Mapping[datetime, Profile], before: Mapping[datetime, Profile]
) -> Iterator[Comparison]:
    for measure, mix in now.items():
        known = {hour: profile[measure] for hour, profile in recent.items() if measure in profile}
        if len(known) < LEAST_HOURS:
            continue
        if measure == "volume":
            older = {hour: profile["volume"]["messages"] for hour, profile in before.items() if hour < when}
            yield from _volumes(when, mix["messages"], older)
        elif measure.startswith("seconds/"):
            yield from _seconds(measure, mix["a text"], [usual["a text"] for usual in known.values()])
        elif measure.startswith("follows/"):
            yield _following(measure, mix["the texts"], [usual["the texts"] for usual in known.values()])
        else:
            yield from _mixes(when, measure, mix, known)


def _mixes(when: datetime, measure: str, mix: Mix, known: Mapping[datetime, Mix]) -> Iterator[Comparison]:
    values = sorted({value for one in (mix, *known.values()) for value in one})
    trailing = np.array([[one.get(value, 0.0) for value in values] for one in known.values()])
    this = np.array([mix.get(value, 0.0) for value in values])
    yield from _mix(measure, values, this, trailing, 1)
    if when - HOUR in known:
        last = list(known).index(when - HOUR)
        yield from _mix(measure, values, this + trailing[last], np.delete(trailing, last, axis=0), 2)


def _mix(
    measure: str, values: Sequence[str], this: npt.NDArray[np.float64], trailing: npt.NDArray[np.float64], hours: int
) -> Iterator[Comparison]:
    from scipy.stats import chi2_contingency, f, trim_mean

    usual = trailing.sum(axis=0)
    if not this.sum() or not usual.sum():
        return
    rare = usual / usual.sum() * this.sum() < LEAST_EXPECTED
    counts, hourly = (np.column_stack([*rows.T[~rare], rows.T[rare].sum(axis=0)]) for rows in (this[None], trailing))
    table = np.vstack([counts, hourly.sum(axis=0)])
    kept = table.sum(axis=0) > 0
    table, hourly = table[:, kept], hourly[:, kept]
    if table.shape[1] < 2:
        return
    outcome = chi2_contingency(table, correction=False, lambda_="log-likelihood")
    expected = hourly.sum(axis=1, keepdims=True) * hourly.sum(axis=0) / max(1.0, hourly.sum())
    pearson = (np.square(hourly - expected) / np.maximum(expected, 1e-9)).sum(axis=1)
    dispersion = max(1.0, float(trim_mean(pearson / outcome.dof, 0.05)))
    chance = float(f.sf(outcome.statistic / outcome.dof / dispersion, outcome.dof, outcome.dof * (len(hourly) - 1)))
    yield Comparison(measure, "G-test, corrected for overdispersion", chance, _told(values, this, usual), hours)


def _told(values: Sequence[str], this: npt.NDArray[np.float64], usual: npt.NDArray[np.float64]) -> str:
    """The value whose share has changed most."""
    shares = this / this.sum(), usual / usual.sum()
    most = int(np.abs(shares[0] - shares[1]).argmax())
    return f"{values[most]}: {shares[0][most]:.0%}, usually {shares[1][most]:.0%}"


def _volumes(when: datetime, now: float, older: Mapping[datetime, float]) -> Iterator[Comparison]:
    yield _volume(now, {when: now}, older, 1)
    if when - HOUR in older:
        two = {when - HOUR: older[when - HOUR], when: now}
        yield _volume(sum(two.values()), two, {hour: n for hour, n in older.items() if hour not in two}, 2)


def _volume(now: float, hours: Mapping[datetime, float], older: Mapping[datetime, float], span: int) -> Comparison:
    """The volume of one hour, or two, beside what those hours of the week bring."""
    from scipy.stats import nbinom

    like = [_like(hour, older) for hour in hours]
    usual = sum(float(np.mean(volumes)) for volumes in like)
    by_hour: dict[int, list[float]] = {}
    for hour, volume in older.items():
        by_hour.setdefault(hour.hour, []).append(volume)
    spread = [(v - np.mean(all_)) ** 2 / max(1.0, float(np.mean(all_))) for all_ in by_hour.values() for v in all_]
    dispersion = max(1.0, float(np.sum(spread)) / max(1, len(older) - len(by_hour)))
    dispersion = dispersion * (1 + 1 / min(map(len, like))) + 1e-9  # what is usual is an estimate, too
    usual = max(usual, 0.5)
    distribution = nbinom(usual / (dispersion - 1), 1 / dispersion)
    chance = min(1.0, 2 * float(min(distribution.cdf(now), distribution.sf(now - 1))))
    return Comparison("volume", "negative binomial", chance, f"{now:.0f} messages, usually {usual:.0f}", span)


def _like(hour: datetime, older: Mapping[datetime, float]) -> list[float]:
    """The volumes of hours like `hour`: the same of the week, else of the day, else all; three at least."""
    choices: Iterable[list[float]] = (
        [n for other, n in older.items() if (other.weekday(), other.hour) == (hour.weekday(), hour.hour)],
        [n for other, n in older.items() if other.hour == hour.hour],
    )
    return next((volumes for volumes in choices if len(volumes) >= 3), list(older.values()))


def _following(measure: str, now: float, usual: Sequence[float]) -> Comparison:
    from scipy.stats import t

    deviation = max(float(np.std(usual, ddof=1)), 0.01) * (1 + 1 / len(usual)) ** 0.5
    chance = float(t.cdf((now - np.mean(usual)) / deviation, min(len(usual) - 1, TAILS)))
    return Comparison(measure, "Student's prediction", chance, f"{now:.2f}, usually {np.mean(usual):.2f}", 1)


def _seconds(measure: str, now: float, usual: Sequence[float]) -> Iterator[Comparison]:
    from scipy.stats import t

    logarithms = np.log(np.maximum(usual, 1e-9))
    deviation = max(float(logarithms.std(ddof=1)), 0.05) * (1 + 1 / len(usual)) ** 0.5
    median = float(np.median(usual))
    chance = float(t.sf((np.log(max(now, 1e-9)) - logarithms.mean()) / deviation, len(usual) - 1))
    told = f"{now:.2g} s, usually {median:.2g} s"
    yield Comparison(measure, "Student's prediction", chance if now >= LEAST_SLOWER * median else 1.0, told, 1)
