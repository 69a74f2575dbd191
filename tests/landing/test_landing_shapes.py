"""What a raw message means, whatever its source calls it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from socialnlp_assets.landing import Message, Reject, author_hash, read_messages
from socialnlp_assets.schemas import POSTS
from socialnlp_assets.sources import shapes, standardise

WHEN = datetime(2026, 3, 4, 8, 15, 30, tzinfo=UTC)
MS = int(WHEN.timestamp() * 1000)

V2 = {
    "sourceType": "LISTENING",
    "messageId": "abc",
    "channelType": "TWITTER",
    "createdTime": MS,
    "content": {"text": "Luce troppo cara", "attachment": None},
    "language": "it",
    "permalink": "https://social.example/p/1",
    "topicIds": [3, 1],
    "senderProfile": {"name": "Anna", "username": "anna", "channelId": "1001", "followers": 12},
    "location": {"text": "", "additional": {"code": "IT"}},
    "enrichments": {},
}
V1 = {
    "snMsgId": "abc",
    "snType": "TWITTER",
    "snCreatedTime": MS,
    "createdTime": MS + 60_000,
    "message": "Luce troppo cara",
    "language": "it",
    "permalink": "https://social.example/p/1",
    "topicIds": ["3", "1"],
    "senderProfile": {"snType": "TWITTER", "snId": "1001", "screenName": "anna", "followers": 12},
    "location": {"additional": {"code": "IT"}},
}
PLACES = {
    "name": "places/p7/reviews/r1",
    "rating": 4,
    "text": {"text": "Nice staff", "languageCode": "en"},
    "originalText": {"text": "Personale gentile", "languageCode": "it"},
    "authorAttribution": {"displayName": "Anna", "uri": "https://maps.example/anna"},
    "publishTime": "2026-03-04T08:15:30.123456789Z",
}
BUSINESS = {
    "name": "accounts/1/locations/p7/reviews/r1",
    "reviewId": "r1",
    "reviewer": {"displayName": "Anna"},
    "starRating": "FOUR",
    "comment": "(Translated by Google) Nice staff\n\n(Original)\nPersonale gentile",
    "createTime": "2026-03-04T08:15:30Z",
}


def result(raw: dict[str, Any], source: str = "sprinklr") -> dict[str, Any] | Reject:
    return standardise(Message(raw, "batch.json", 5), [source])


def row(raw: dict[str, Any], source: str = "sprinklr") -> dict[str, Any]:
    found = result(raw, source)
    assert isinstance(found, dict), found
    assert list(found) == POSTS.names()
    return found


def reason(raw: dict[str, Any], source: str = "sprinklr") -> str:
    found = result(raw, source)
    assert isinstance(found, Reject), found
    assert (found.file, found.position) == ("batch.json", 5)
    assert found.reason.startswith("batch.json, record 5: ")
    assert "deliver it again" in found.reason
    return found.reason


def test_both_versions_of_sprinklr_make_the_same_row() -> None:
    expected = {
        "message_id": "abc",
        "source": "sprinklr",
        "social": "TWITTER",
        "kind": "social",
        "created_at": WHEN,
        "language": "it",
        "language_detected": False,
        "title": None,
        "message": "Luce troppo cara",
        "permalink": "https://social.example/p/1",
        "topic_ids": ["3", "1"],
        "author": "TWITTER:1001",
        "author_followers": 12,
        "country": "IT",
        "place_id": None,
        "rating": None,
        "landing_file": "batch.json",
        "landing_position": 5,
    }
    assert row(V2) == expected
    assert row(V1) == expected


def test_both_kinds_of_google_reviews() -> None:
    places, business = row(PLACES, "google_maps"), row(BUSINESS, "google_maps")
    assert places["message_id"] == "places/p7/reviews/r1"
    assert business["message_id"] == "r1"
    for review in (places, business):
        assert (review["social"], review["kind"], review["rating"]) == ("GOOGLE_MAPS", "review", 4)
        assert review["place_id"] == "p7"
        assert review["message"] == "Personale gentile"
        assert review["created_at"].replace(microsecond=0) == WHEN
    assert places["language"] == "it"
    assert business["language"] is None
    assert business["author"] == "GOOGLE_MAPS:Anna"


def test_a_review_of_stars_alone_has_an_empty_text() -> None:
    stars = {key: value for key, value in BUSINESS.items() if key != "comment"}
    assert row(stars, "google_maps")["message"] == ""


def test_a_place_reply_is_its_reviews() -> None:
    reply = {"id": "p7", "displayName": {"text": "Store"}, "reviews": [PLACES, PLACES]}
    messages, rejects = read_messages(json.dumps(reply).encode(), "place.json", shapes())
    assert len(messages) == 2
    assert rejects == []


@pytest.mark.parametrize(
    ("channel", "social", "kind"),
    [
        ("WEB", "WEB", "article"),
        ("news", "NEWS", "article"),
        ("Google Plus", "GOOGLE_PLUS", "social"),
        ("../x", "X", "social"),
        ("FACEBOOK", "FACEBOOK", "social"),
    ],
)
def test_channels(channel: str, social: str, kind: str) -> None:
    found = row(V2 | {"channelType": channel})
    assert (found["social"], found["kind"]) == (social, kind)


@pytest.mark.parametrize("text", ["", None])
def test_an_empty_message_is_a_row(text: str | None) -> None:
    assert row(V2 | {"content": {"text": text}})["message"] == ""


@pytest.mark.parametrize(
    ("text", "clean"),
    [("a\0b", "ab"), ("x\ud800y", "x\ufffdy"), ("\ud83d\ude00", "😀"), ("مرحبا", "مرحبا"), ("  kept  ", "  kept  ")],
)
def test_texts_become_valid_unicode(text: str, clean: str) -> None:
    found = row(V2 | {"content": {"text": text}})["message"]
    assert found == clean
    found.encode()


@pytest.mark.parametrize(
    "value",
    [
        *(MS, MS // 1000, MS * 1000, MS * 1_000_000, str(MS), f"{MS}.0", float(MS), WHEN, WHEN.replace(tzinfo=None)),
        *("2026-03-04T08:15:30Z", "2026-03-04T09:15:30+01:00", "2026-03-04 08:15:30", " 2026-03-04T08:15:30.000Z "),
    ],
)
def test_times(value: Any) -> None:
    assert row(V2 | {"createdTime": value})["created_at"] == WHEN


@pytest.mark.parametrize(
    "value",
    [
        *(0, -5, 10**30, -(10**30), float("inf"), 1e300, True, [], {}, "", "yesterday", "4 March 2026"),
        *("1999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00"),
        # named, for each of several test processes has a now of its own
        pytest.param(int(time.time()) + 3 * 86400, id="in three days"),
        pytest.param(datetime.now(UTC) + timedelta(days=40), id="in forty days"),
    ],
)
def test_implausible_times_are_rejected(value: Any) -> None:
    assert "created at" in reason(V2 | {"createdTime": value})


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *(("it", "it"), ("en-GB", "en"), ("it_IT", "it"), ("EN", "en"), ("fra", "fr"), ("Swahili", "sw"), ("iw", "he")),
        *(
            ("und", None),
            ("", None),
            (None, None),
            ("zxx", None),
            ("unknown", None),
            (5, None),
            ([], None),
            ("1", None),
        ),
    ],
)
def test_languages(value: Any, code: str | None) -> None:
    assert row(V2 | {"language": value})["language"] == code


@pytest.mark.parametrize(
    ("value", "topics"),
    [
        *(([1, 2], ["1", "2"]), (["b", "a", "b"], ["b", "a"]), ([], []), (None, []), (7, ["7"]), ("7", ["7"])),
        *(("[1, 2]", ["1", "2"]), ("['x', 'y']", ["x", "y"]), ("1;2", ["1", "2"]), ([3.0, None, ""], ["3"])),
    ],
)
def test_topics(value: Any, topics: list[str]) -> None:
    assert row(V2 | {"topicIds": value})["topic_ids"] == topics


@pytest.mark.parametrize(("field", "named"), [("messageId", "no messageId or snMsgId"), ("content", "no content.text")])
def test_what_lacks_a_required_field_is_rejected(field: str, named: str) -> None:
    assert named in reason({key: value for key, value in V2.items() if key != field})


@pytest.mark.parametrize(
    "change",
    [
        *({"messageId": ""}, {"messageId": "  "}, {"messageId": None}, {"messageId": True}, {"messageId": ["a"]}),
        *({"messageId": "x" * 2000}, {"messageId": 10**200}, {"content": {"text": 5}}, {"content": {"text": ["a"]}}),
        *({"content": "text"}, {"content": []}, {"topicIds": {"a": 1}}, {"topicIds": [[1]]}, {"topicIds": True}),
        *({"channelType": None}, {"channelType": ""}, {"channelType": "!!"}, {"channelType": 1.5}),
    ],
    ids=repr,
)
def test_wrong_types_in_required_fields_are_rejected(change: dict[str, Any]) -> None:
    reason(V2 | change)


@pytest.mark.parametrize("value", ["many", -1, 1.5e300, float("nan"), [], {}, True, None, "9" * 400])
def test_an_optional_field_that_cannot_be_read_is_left_empty(value: Any) -> None:
    odd = {"senderProfile": {"channelId": value, "followers": value}, "location": value, "permalink": [value]}
    found = row(V2 | odd)
    assert found["author_followers"] is None
    assert found["country"] is None
    assert found["permalink"] is None


@pytest.mark.parametrize("stars", [0, 6, "SIX", None, "", []])
def test_ratings_outside_one_to_five_are_left_empty(stars: Any) -> None:
    assert row(PLACES | {"rating": stars}, "google_maps")["rating"] is None


@pytest.mark.parametrize(("stars", "rating"), [(1, 1), (5, 5), ("FIVE", 5), (" one ", 1)])
def test_ratings_of_one_to_five_are_taken(stars: Any, rating: int) -> None:
    assert row(PLACES | {"rating": stars}, "google_maps")["rating"] == rating


def test_a_rejected_record_is_kept_as_it_came() -> None:
    found = result({"channelType": "WEB", "content": {"text": "è"}})
    assert isinstance(found, Reject)
    assert json.loads(found.record) == {"channelType": "WEB", "content": {"text": "è"}}


def test_author_hashes() -> None:
    key, other = b"0123456789abcdef", b"another key, longer than sixty-four bytes" * 3
    assert author_hash("TWITTER:1001", key) == author_hash("TWITTER:1001", key)
    assert len({author_hash(who, k) for who in ("TWITTER:1001", "TWITTER:1002", "\ud800") for k in (key, other)}) == 6
    assert len(author_hash("x", key)) == 32
    with pytest.raises(ValueError, match="secret store"):
        author_hash("x", b"")
