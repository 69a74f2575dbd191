"""Sample hours: invented messages about Enervia, an invented energy company, in the exact shapes of the sources.

Everything is a function of the hour, so the same call gives the same bytes; consecutive hours walk through the
sentences, so that little repeats. Each hour holds what sources really deliver: duplicates, an empty message, a
missing language, languages nobody asked for, messages at the edges of the hour. The second hour of a call also
has a record that is no message, one without a time, and a message of the hour before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from socialnlp_assets.fakes.pages import articles
from socialnlp_assets.sources.invented.messages import Raw, business_review, place_review, sprinklr_v1, sprinklr_v2
from socialnlp_assets.sources.invented.phrases import Phrase, fill, phrases, post

ARTICLES_AT = "http://127.0.0.1:8099"
HOUR = timedelta(hours=1)

# Posts an hour, by the name of their file of sentences.
_POSTS = {"sprinklr": {"it": 74, "en": 44}, "rwanda": {"sw": 22, "fr": 18, "en_rwanda": 10}}
_ARTICLES = {
    "sprinklr": (
        "parco-eolico-apre", "half-year-results", "sottostazione-incendio", "bollette-autorita-indagine",
        "electric-bus-depot", "scuola-tecnici",
    ),
    "rwanda": ("centrale-solaire-rwamagana", "clean-cooking-stoves"),
}  # fmt: skip
_REVIEWS = {"gmaps_stores": "reviews_stores", "gmaps_service_points": "reviews_service_points"}
_PLACES = ("ChIJ-Modena-01", "ChIJ-Lecco-02", "ChIJ-Taranto-03", "ChIJ-Siena-04")
_PASSED_ON = ("", "#Modena", "😡", "#Enervia #Modena", "Any news?", "pls share")
WORKFLOWS = (*_POSTS, *_REVIEWS)


def sample_hours(
    start: datetime,
    hours: int = 3,
    *,
    workflow: str = "sprinklr",
    articles_at: str = ARTICLES_AT,
    flawed: bool = True,
) -> dict[str, bytes]:
    """Landing files of `hours` hours from `start`, a UTC hour: key relative to the lake → content.

    `articles_at` is the address at which `pages.serve_articles` serves the pages that the articles link to. Without
    `flawed`, the second hour is like the others.
    """
    files: dict[str, bytes] = {}
    for number in range(hours):
        hour = start + number * HOUR
        for name, messages in _hour(workflow, hour, articles_at, flawed=flawed and number == 1).items():
            files[landing_key(workflow, hour, name)] = as_json(messages)
    return files


def sample_late_file(
    start: datetime, *, workflow: str = "sprinklr", articles_at: str = ARTICLES_AT
) -> dict[str, bytes]:
    """One more file of the hour `start`, to land after that hour has run: six new messages, one that was there."""
    rng = Random(f"late {workflow} {start:%Y-%m-%dT%H}")
    regular = _hour(workflow, start, articles_at)
    known = next(iter(regular.values()))[3]
    if workflow in _REVIEWS:
        fresh = _reviews(workflow, start, 6, rng)
    else:
        name = next(iter(_POSTS[workflow]))
        fresh = [sprinklr_v2(*text, _moment(start, rng), rng) for text in _posts({name: 6}, start, rng)]
    return {landing_key(workflow, start, "late"): as_json([*fresh, known])}


def sample_event(hour: datetime) -> dict[str, bytes]:
    """A file of `sprinklr` in which many tell of one event, a fire that leaves half a town without power, and some pass
    on what the first has said."""
    rng = Random(f"event {hour:%Y-%m-%dT%H}")
    said = phrases("event")
    told = [(fill(phrase.text, phrase.section, rng), phrase.section) for phrase in said]
    told += [(f"RT {said[0].text} {tail}".strip(), said[0].section) for tail in _PASSED_ON]
    posts = [sprinklr_v2(text, language, "outage", _moment(hour, rng), rng) for text, language in told]
    return {landing_key("sprinklr", hour, "event"): as_json(posts)}


def landing_key(workflow: str, hour: datetime, name: str) -> str:
    """Where a landing file lies in the lake."""
    return f"landing/{workflow}/date={hour:%Y-%m-%d}/hour={hour:%H}/{name}.json"


def as_json(messages: list[Any]) -> bytes:
    """A landing file: a JSON list."""
    return json.dumps(messages, ensure_ascii=False, separators=(",", ":")).encode()


def _hour(workflow: str, hour: datetime, articles_at: str, *, flawed: bool = False) -> dict[str, list[Any]]:
    """The hour's files by name; `flawed` adds what no source should deliver, and some do."""
    rng = Random(f"{workflow} {hour:%Y-%m-%dT%H}")
    if workflow in _REVIEWS:
        files = _review_files(workflow, hour, rng)
    elif workflow in _POSTS:
        files = _sprinklr_files(workflow, hour, articles_at, rng)
    else:
        raise ValueError(f"there are no samples for the workflow {workflow!r}; choose one of {', '.join(WORKFLOWS)}")
    if flawed:
        first, second = files.values()
        timeless = {k: v for k, v in first[2].items() if k not in ("channelCreatedTime", "createdTime", "publishTime")}
        first[4:4] = [{**timeless, "messageId": "broken", "name": "broken"}, "<h1>Developer Over Rate</h1>"]
        second.append(next(iter(_hour(workflow, hour - HOUR, articles_at).values()))[6])
    return files


def _sprinklr_files(workflow: str, hour: datetime, articles_at: str, rng: Random) -> dict[str, list[Any]]:
    texts = list(_posts(_POSTS[workflow], hour, rng))
    rng.shuffle(texts)
    v1_share = len(texts) // 3
    v1 = [sprinklr_v1(*text, _moment(hour, rng), rng) for text in texts[:v1_share]]
    v2 = [sprinklr_v2(*text, _moment(hour, rng), rng) for text in texts[v1_share + 2 :]]
    first, last = texts[v1_share : v1_share + 2]
    v2.append(sprinklr_v2(*first, hour, rng))
    v2.append(sprinklr_v2(*last, hour + HOUR - timedelta(milliseconds=1), rng))

    for number, slug in enumerate(_ARTICLES[workflow]):
        article = articles()[slug]
        files, shape = (v1, sprinklr_v1) if number % 3 == 2 else (v2, sprinklr_v2)
        link = f"{articles_at}/{slug}.html?{hour:%Y%m%d%H}"  # listened to again, an article is a new message
        theme = "governance" if slug in ("half-year-results", "bollette-autorita-indagine") else "renewables"
        files.append(shape(article.teaser, article.language, theme, _moment(hour, rng), rng, link))
    for phrase in _walk(phrases("other"), hour, 3):  # languages that the workflow drops
        v2.append(sprinklr_v2(phrase.text, phrase.section, "brand", _moment(hour, rng), rng))
    main = texts[-1][1]
    v2.append(sprinklr_v2("", main, "brand", _moment(hour, rng), rng))
    undetermined = sprinklr_v2(*texts[-1], _moment(hour, rng), rng)
    v2.append({**undetermined, "language": "und"})
    rng.shuffle(v2)
    v2 += [v2[2], v2[7], {**v2[9], "insights": {"POST_LIKE_COUNT": 99.0}}]  # delivered twice, once with news
    v1.append(v1[1])
    return {"sprinklr-v2": v2, "sprinklr-v1": v1}


def _review_files(workflow: str, hour: datetime, rng: Random) -> dict[str, list[Any]]:
    reviews = _reviews(workflow, hour, 26, rng)
    places = [review for review in reviews if "publishTime" in review]
    profile = [review for review in reviews if "createTime" in review]
    places.append(place_review("", "en", 4, _PLACES[0], hour, rng))
    places.append(place_review(phrases("it")[20].text, "it", 2, _PLACES[1], _moment(hour, rng), rng))
    profile.append(business_review("", 5, "2001", hour + HOUR - timedelta(milliseconds=1), rng))
    return {"places": [*places, places[2]], "business-profile": [*profile, profile[1]]}


def _reviews(workflow: str, hour: datetime, count: int, rng: Random) -> list[Raw]:
    """Reviews in turn in the two shapes."""
    found: list[Raw] = []
    # Drawn, for they have no slots to fill: by walking, each third hour would have the same reviews.
    for number, phrase in enumerate(rng.sample(phrases(_REVIEWS[workflow]), count)):
        text = fill(phrase.text, "en", rng)
        stars = rng.choice((1, 2, 4, 5)) if phrase.section == "short" else int(phrase.section)
        if number % 2:
            found.append(business_review(text, stars, f"200{number % 4}", _moment(hour, rng), rng))
        else:
            found.append(place_review(text, "en", stars, rng.choice(_PLACES), _moment(hour, rng), rng))
    return found


def _posts(counts: dict[str, int], hour: datetime, rng: Random) -> Iterator[tuple[str, str, str]]:
    """(text, language, theme) of so many posts of each file of sentences."""
    for name, count in counts.items():
        for phrase in _walk(phrases(name), hour, count):
            yield post(phrase, name, rng), name[:2], phrase.section


def _walk(pool: tuple[Phrase, ...], hour: datetime, count: int) -> list[Phrase]:
    """The hour's `count` phrases; the next hour's begin where these end."""
    shuffled = Random(len(pool)).sample(pool, k=len(pool))
    first = int(hour.timestamp()) // 3600 * count
    return [shuffled[(first + step) % len(pool)] for step in range(count)]


def _moment(hour: datetime, rng: Random) -> datetime:
    return hour + timedelta(milliseconds=rng.randrange(1, 3_599_999))
