"""Bursts: phrases, names, topics and channels that an hour has more of than the same hours of the weeks before had.

The statistic is that of Farrington and others for outbreaks of infections: A Statistical Algorithm for the Early
Detection of Outbreaks of Infectious Disease, J. R. Statist. Soc. A 159 (1996), with two of the improvements of Noufaily
and others, Statistics in Medicine 32 (2013): hours that were bursts themselves weigh less in what is expected, and the
bound is a quantile of the negative binomial distribution.

Many terms are tested each hour, so each family of terms has a share of the false alarms that are allowed, and within
it each term the same part (Bonferroni). Phrases and names that are usual have a family apart from the rare ones, of
which there are many more; the past alone decides, as independent filtering asks (Bourgon and others, PNAS 107, 2010).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE_ALARMS = 0.3  # a week, of all terms of a workflow, that chance alone may bring
HOURS_A_WEEK = 168
LEAST_RATIO, LEAST_MESSAGES = 1.8, 8  # below, what is certain is not yet worth a person's time
USUAL = 1.0  # messages an hour that make a term usual
MEDIAN_SQUARE = 0.455  # of a standard normal variable
OUTLIER = 2.58  # standard deviations from which an hour of the past weighs less
LEAST_HOURS = 3  # of the past, to say anything
LEAST_TERMS = 10  # to tell from them what all have in common
LEAST_FACTOR = 0.05  # of the usual volume, of an hour that is nearly silent
VOLUME = {"all", "channel"}  # kinds that tell the volume itself
TOPICS = {"source", "reputation", "theme"}  # kinds of which one term may have much of the volume
LEAST_SHARE = 1.4  # of what a topic has of all messages, when its rise may be that of the volume

Floats = NDArray[np.float64]
Term = tuple[str, str]  # kind, such as phrase, person, theme, channel; and what it is
Counts = Mapping[Term, int]  # messages of an hour that have the term


@dataclass(frozen=True)
class Burst:
    """A term that an hour has surely more of than it usually would."""

    kind: str
    term: str
    messages: int
    expected: float
    p_value: float  # that chance brings so many, before it is corrected for the number of terms

    @property
    def ratio(self) -> float:
        return self.messages / self.expected


def bursts(now: Counts, before: Sequence[Counts], level: float = 1.0) -> list[Burst]:
    """The bursts of an hour, surest first; none where fewer than three hours are there to compare with.

    `now` has the messages of each term; `before` has those of each hour that it is compared with. `level` is what the
    volume of the last day is, of what it was on the same days then. What all terms have in common in an hour, such as a
    holiday or a source that fell silent, is told by the kinds in `VOLUME` alone; the others are compared without it.
    """
    if len(before) < LEAST_HOURS:
        return []
    terms = sorted({term for counts in (now, *before) for term in counts})
    places = {term: place for place, term in enumerate(terms)}
    table = np.zeros((len(terms), 1 + len(before)))
    for column, hour in enumerate((now, *before)):
        table[[places[term] for term in hour], column] = list(hour.values())
    counts, history = table[:, 0], table[:, 1:]
    volume = np.array([kind in VOLUME for kind, _ in terms])
    common = _common_factors(table[~volume])
    families = list(_families([kind for kind, _ in terms], history))
    bound = FALSE_ALARMS / HOURS_A_WEEK / len(families)
    found = []
    for family in families:
        kind = terms[family[0]][0]
        factors, least = common, np.full(len(family), float(LEAST_MESSAGES))
        if kind in VOLUME:
            factors = np.array([level, *np.ones(len(before))])
        elif kind in TOPICS and common[0] > level:  # it may be the topic itself that makes the volume rise
            factors = np.array([level, *common[1:]])
            least = np.maximum(least, LEAST_SHARE * _share_before(history[family], before) * _messages(now))
        expected, p_values = upper_tail(counts[family], history[family], factors)
        least = np.maximum(least, LEAST_RATIO * expected)
        for place in np.flatnonzero((p_values < bound / len(family)) & (counts[family] >= least)):
            kind, term = terms[family[place]]
            messages = int(counts[family[place]])
            found.append(Burst(kind, term, messages, float(expected[place]), float(p_values[place])))
    return sorted(found, key=lambda burst: (burst.p_value, -burst.messages, burst.kind, burst.term))


def _share_before(history: Floats, before: Sequence[Counts]) -> Floats:
    """What each term had of all messages."""
    return np.asarray(history.sum(axis=1) / max(1, sum(map(_messages, before))), dtype=float)


def _messages(counts: Counts) -> int:
    """All messages of an hour."""
    return counts.get(("all", "all"), 0)


def _families(kinds: Sequence[str], history: Floats) -> Iterator[NDArray[np.intp]]:
    """The places of the usual terms of each kind, and of the rare ones."""
    usual, of_kind = history.mean(axis=1) >= USUAL, np.array(["volume" if k in VOLUME else k for k in kinds])
    for kind in dict.fromkeys(of_kind):
        for chosen in (usual, ~usual):
            if (family := np.flatnonzero(chosen & (of_kind == kind))).size:
                yield family


def upper_tail(counts: Floats, history: Floats, factors: Floats) -> tuple[Floats, Floats]:
    """What is expected of each of n terms, and the chance of as many messages as `counts` (n) or more.

    `history` (n, hours) has the messages of the hours that `counts` is compared with; `factors` (1 + hours) says what
    the volume of now, and of each of those hours, is of the usual.
    """
    from scipy.stats import nbinom

    now, then = factors[0], factors[1:]
    weights = _trust(history, then)
    mean = ((weights * history).sum(axis=1) + 0.5) / (weights * then).sum(axis=1)
    there = mean[:, None] * then
    dispersion = _dispersion((weights * (history - there) ** 2 / there).sum(axis=1) / (len(then) - 1), mean)
    expected = mean * now
    spread = dispersion * (1 + now / then.sum())  # of what is to come, and of the mean itself
    p_values = nbinom.sf(counts - 1, expected / (spread - 1), 1 / spread)
    return expected, np.asarray(p_values, dtype=float)


def _trust(history: Floats, factors: Floats) -> Floats:
    """How much each hour of each term counts: less, the more it stands out above the term's median, in standard
    deviations by the median of the squares. Of rare terms every hour counts."""
    middle = np.median(history / factors, axis=1)
    there = np.maximum(middle, USUAL)[:, None] * factors
    spread = np.median((history - there) ** 2 / there, axis=1) / MEDIAN_SQUARE
    residuals = _anscombe(history, there) / np.sqrt(np.maximum(1.0, spread))[:, None]
    stands_out = (residuals > OUTLIER) & (middle >= USUAL)[:, None]
    return np.where(stands_out, (OUTLIER / np.maximum(residuals, OUTLIER)) ** 2, 1.0)


def _common_factors(counts: Floats) -> Floats:
    """What the volume of each hour (a column) is, of the usual: by the terms (rows) that do not stand out in it. One,
    where there are too few terms to tell."""
    mean = counts.mean(axis=1)  # of all hours alike, or terms would be chosen for their past
    counts, mean = counts[mean >= USUAL], mean[mean >= USUAL]
    if len(mean) < LEAST_TERMS:
        return np.ones(counts.shape[1])
    factors: Floats = np.maximum(np.median(counts / mean[:, None], axis=0), LEAST_FACTOR)
    for _ in range(3):
        there = mean[:, None] * factors
        usual = np.abs(_anscombe(counts, there)) < OUTLIER
        factors = (counts * usual).sum(axis=0) / np.maximum((mean[:, None] * usual).sum(axis=0), 1e-9)
        factors = np.maximum(factors, LEAST_FACTOR)
    return factors


def _dispersion(own: Floats, mean: Floats) -> Floats:
    """Variance by mean, of each term: what its own hours say, drawn half-way to what those of the usual terms of its
    family say, among which it grows with the mean. Never less than once."""
    usual = mean >= USUAL
    start, slope = 1.0, 0.0
    if usual.sum() >= LEAST_TERMS:
        trust = 1 / (1 + 0.05 * mean[usual])
        line = np.column_stack([np.ones(usual.sum()), mean[usual]]) * trust[:, None]
        (start, slope), *_ = np.linalg.lstsq(line, own[usual] * trust, rcond=None)
    elif usual.any():
        slope = float(((own[usual] - 1) / mean[usual]).mean())
    of_all = max(1.0, start) + max(0.0, slope) * mean
    found: Floats = np.maximum(1.0, np.where(usual, (own + of_all) / 2, np.maximum(own, of_all)))
    return found


def _anscombe(counts: Floats, mean: Floats) -> Floats:
    """Residuals of counts about their means that are nearly normal (Farrington 1996, section 3.6)."""
    found: Floats = 1.5 * (np.cbrt(counts**2) - np.cbrt(mean**2)) / np.cbrt(np.sqrt(mean))
    return found
