"""Messages in the exact shapes that the sources deliver, around invented texts and people."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

Raw = dict[str, Any]

# What Enervia listens for: the identities of its topics, by the theme of a text.
TOPICS = {
    "brand": 1, "bills": 2, "service": 2, "app": 2, "outage": 3, "safety": 3, "renewables": 4, "products": 4,
    "jobs": 5, "governance": 6, "community": 6,
}  # fmt: skip
_STARS = {1: "ONE", 2: "TWO", 3: "THREE", 4: "FOUR", 5: "FIVE"}
_CHANNELS = ("TWITTER", "FACEBOOK", "INSTAGRAM", "REDDIT", "YOUTUBE")
_COUNTRIES = {
    "it": "IT",
    "en": "GB",
    "es": "ES",
    "de": "DE",
    "pt": "PT",
    "el": "GR",
    "pl": "PL",
    "fr": "RW",
    "sw": "RW",
}
_FIRST = ("Ada", "Bruno", "Chiara", "Dario", "Emma", "Franco", "Grace", "Hugo", "Irene", "Jonas", "Kezia", "Livia")
_LAST = ("Bianchi", "Conti", "Doyle", "Esposito", "Farrell", "Gatti", "Habimana", "Uwase", "Marini", "Njoroge")


def milliseconds(when: datetime) -> int:
    """`when` as the sources count time: milliseconds since 1970."""
    return round(when.timestamp() * 1000)


def sprinklr_v2(text: str, language: str, theme: str, when: datetime, rng: Random, link: str = "") -> Raw:
    """A message of Sprinklr's v2 listening stream; with a `link` it is an article."""
    token, channel, person = _identity(rng), "WEB" if link else rng.choice(_CHANNELS), _person(rng)
    created, followers = milliseconds(when), rng.choice((rng.randint(0, 900), rng.randint(0, 40000)))
    return {
        "sourceType": "LISTENING",
        "sourceId": -1,
        "content": {"text": text, "isRichText": False},
        "channelMessageId": token,
        "channelType": channel,
        "channelCreatedTime": created,
        "senderProfile": {
            "name": person[0], "channelType": channel, "channelId": person[2], "followers": followers,
            "following": rng.randint(0, 900), "username": person[1], "deleted": False, "snCreatedTime": 0,
            "snModifiedTime": 0, "statusCount": rng.randint(1, 3000), "accountSpecificInfos": [],
        },
        "permalink": link or f"https://social.example/{channel.lower()}/{token}",
        "language": language,
        "messageId": f"LISTENING_-1_{created}_{channel}_36_{token}",
        "brandPost": False,
        "createdTime": created + rng.randint(2_000, 400_000),
        "topicIds": _topics(theme, rng),
        "location": {"text": "Unknown", "lat": 0.0, "lon": 0.0, "additional": {"code": _country(language)}},
        "insights": {"POST_LIKE_COUNT": float(rng.randint(0, 60)), "FOLLOWER_COUNT_AT_POST": float(followers)},
        "workflow": {},
        "enrichments": {},
        "conversationId": token,
        "autoImported": False,
        "autoResponse": False,
    }  # fmt: skip


def sprinklr_v1(text: str, language: str, theme: str, when: datetime, rng: Random, link: str = "") -> Raw:
    """A message of Sprinklr's v1 listening stream; with a `link` it is an article."""
    token, channel, person = _identity(rng), "WEB" if link else rng.choice(_CHANNELS), _person(rng)
    created = milliseconds(when)
    return {
        "favorite": False,
        "promotedOnly": False,
        "fromVerifiedProfile": False,
        "partnerId": 1090,
        "clientId": 5547,
        "sourceId": -1,
        "accountId": 999998,
        "sourceType": "LISTENING",
        "snType": channel,
        "snMsgId": token,
        "messageType": 2,
        "messageSubType": 247,
        "universalMessageId": f"{channel}_2_{token}",
        "permalink": link or f"https://social.example/{channel.lower()}/{token}",
        "message": text,
        "senderProfile": {
            "snType": channel, "age": 0, "location": "", "snId": person[2], "name": person[0],
            "screenName": person[1], "bio": "", "following": rng.randint(0, 900),
            "followers": rng.randint(0, 4000), "statusCount": rng.randint(1, 3000), "verified": False,
        },
        "createdTime": created + rng.randint(2_000, 400_000),
        "snCreatedTime": created,
        "snModifiedTime": created,
        "workflowProperties": {"sentiment": 0, "isSpam": False, "isProfane": False, "read": False},
        "location": {"text": "Unknown", "additional": {"code": _country(language)}},
        "language": language,
        "conversationId": token,
        "deleted": False,
        "brandPost": False,
        "hasParentPost": False,
        "isSharedPost": False,
        "topicIds": [str(topic) for topic in _topics(theme, rng)],
        "additionalInformation": {},
    }  # fmt: skip


def place_review(text: str, language: str, stars: int, place: str, when: datetime, rng: Random) -> Raw:
    """A review of Google's Places API (New); one without a text has neither `text` nor `originalText`."""
    contributor, name = rng.randrange(10**20, 10**21), _person(rng)[0]
    review: Raw = {
        "name": f"places/{place}/reviews/{_identity(rng)}",
        "relativePublishTimeDescription": "in the last week",
        "rating": stars,
        "authorAttribution": {
            "displayName": name,
            "uri": f"https://www.google.com/maps/contrib/{contributor}/reviews",
            "photoUri": f"https://lh3.googleusercontent.com/a/{contributor}",
        },
        "publishTime": when.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }
    if text:
        review["text"] = review["originalText"] = {"text": text, "languageCode": language}
    return review


def business_review(text: str, stars: int, location: str, when: datetime, rng: Random) -> Raw:
    """A review of the Business Profile API: no language, stars in words, no `comment` where nothing was written."""
    identity, created = _identity(rng), when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    review: Raw = {
        "reviewId": identity,
        "reviewer": {"profilePhotoUrl": "https://lh3.googleusercontent.com/a/0", "displayName": _person(rng)[0]},
        "starRating": _STARS[stars],
        "createTime": created,
        "updateTime": created,
        "name": f"accounts/1001/locations/{location}/reviews/{identity}",
    }
    if text:
        review["comment"] = text
    if text and stars < 3 and rng.random() < 0.5:
        review["reviewReply"] = {"comment": "We are sorry to hear that. Please write to us.", "updateTime": created}
    return review


def _identity(rng: Random) -> str:
    return str(rng.randrange(10**18, 10**19))


def _person(rng: Random) -> tuple[str, str, str]:
    """Name, user name and account number of somebody who does not exist."""
    first, last, number = rng.choice(_FIRST), rng.choice(_LAST), rng.randrange(1000)
    return f"{first} {last}", f"{first}_{last}{number}".lower(), str(2_000_000 + _FIRST.index(first) * 1000 + number)


def _country(language: str) -> str:
    return _COUNTRIES.get(language, "UN")


def _topics(theme: str, rng: Random) -> list[int]:
    topics = {TOPICS[theme]}
    if rng.random() < 0.4:
        topics.add(TOPICS["brand"])
    if rng.random() < 0.1:
        topics.add(rng.choice(list(TOPICS.values())))
    return sorted(topics)
