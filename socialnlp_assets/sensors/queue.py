"""Landing notifications: an SQS queue that S3 itself or EventBridge tells of new objects.

At least once and in no order, so a notification only says which hour to look at. Native notifications
URL-encode keys and begin with a test event; EventBridge does neither.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from socialnlp_assets.partitions import hour_in_path

logger = logging.getLogger(__name__)

RECEIVES_A_TICK = 20
MESSAGES_A_RECEIVE = 10  # SQS's own limit, for receiving and for deleting
HIDDEN_SECONDS = 300  # from other receivers, whatever the queue says: longer than the tick after this one may take
TEST_EVENT = "s3:TestEvent"
SHOWN = 200  # characters of a message that nobody understands


class LandingQueue:
    """The queue of one workflow's landing area."""

    def __init__(self, url: str, region: str, endpoint_url: str | None = None) -> None:
        self.url = url
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def _client(self) -> Any:
        import boto3

        return boto3.client("sqs", region_name=self._region, endpoint_url=self._endpoint_url)

    @cached_property
    def _has_dead_letters(self) -> bool:
        """Whether SQS itself moves what is received too often to another queue."""
        reply = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
        return "RedrivePolicy" in reply.get("Attributes", {})

    def receive(self, skipped: Callable[[str], None] = logger.warning) -> tuple[set[datetime], list[str]]:
        """The hours that waiting notifications name, and the receipts to delete them with, once that is on record.

        `skipped` is told of those that are no notification. They are left to the queue's dead-letter queue; where it
        has none they are deleted, too, for every tick would meet them again."""
        hours: set[datetime] = set()
        receipts: list[str] = []
        for _ in range(RECEIVES_A_TICK):
            reply = self._client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=MESSAGES_A_RECEIVE, VisibilityTimeout=HIDDEN_SECONDS
            )
            messages = reply.get("Messages", [])
            for message in messages:
                body = message["Body"]
                keys = list(keys_of(body))
                understood = bool(keys) or TEST_EVENT in body
                if not understood:
                    skipped(f"what came through the queue is no notification of an object: {body[:SHOWN]!r}")
                if understood or not self._has_dead_letters:
                    receipts.append(message["ReceiptHandle"])
                hours.update(filter(None, map(hour_in_path, keys)))
            if len(messages) < MESSAGES_A_RECEIVE:
                break
        return hours, receipts

    def delete(self, receipts: list[str]) -> None:
        """Remove notifications that have been dealt with; one whose receipt has expired comes again, in vain."""
        for start in range(0, len(receipts), MESSAGES_A_RECEIVE):
            batch = receipts[start : start + MESSAGES_A_RECEIVE]
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(batch)]
            self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)


def keys_of(body: str) -> Iterator[str]:
    """The keys of objects that a notification names; none for a test event and for what is no notification."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(event, dict):
        return
    if isinstance(event.get("Message"), str):  # through an SNS topic
        yield from keys_of(event["Message"])
    records = event.get("Records")
    for record in records if isinstance(records, list) else []:
        if key := _key(record, "s3"):
            yield unquote_plus(key)
    if key := _key(event, "detail"):
        yield key


def _key(event: Any, part: str) -> str | None:
    try:
        key = event[part]["object"]["key"]
    except (KeyError, TypeError):
        return None
    return key if isinstance(key, str) else None
