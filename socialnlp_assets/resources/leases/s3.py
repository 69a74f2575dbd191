"""Records as S3 objects, changed by conditional puts: any number of machines.

The entity tag is the version. A nonce in every object makes it differ from all earlier ones, even where a
record returns to what it was, and tells a writer whose answer was lost whether the object is its own. The
clock is S3's, read off its answers, so that machines whose clocks differ agree on what has expired.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from socialnlp_assets.resources.leases.store import Clock, Entry, R, Sleep, StoreError, utc_now
from socialnlp_assets.resources.retry import retrying

Answer = TypeVar("Answer")
ATTEMPTS = 6


class _Passing(StoreError):
    """What may go better a moment later."""


class S3Store(Generic[R]):
    """`LeaseStore` of `kind` directly below ``s3://bucket/prefix``, one object a record."""

    def __init__(
        self,
        uri: str,
        kind: type[R],
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        clock: Clock = utc_now,
        sleep: Sleep = time.sleep,
        client: Any = None,
    ) -> None:
        address = urlsplit(uri)
        if address.scheme != "s3" or not address.netloc:
            raise ValueError(f"a lease store is a path or s3://bucket/prefix, not {uri!r}")
        self.name = uri.rstrip("/")
        self._bucket = address.netloc
        self._prefix = address.path.strip("/") + "/" if address.path.strip("/") else ""
        self._kind = kind
        self._clock = clock
        self._sleep = sleep
        self._ahead = timedelta()  # of S3's clock before ours
        self._s3 = client or _client(region, endpoint_url)

    def now(self) -> datetime:
        return self._clock() + self._ahead

    def read(self, key: str) -> Entry[R] | None:
        found = self._retried(lambda: self._get(self._object(key)))
        return Entry(self._record(found[0]), found[1]) if found else None

    def write(self, record: R, version: str | None) -> bool:
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        nonce = uuid.uuid4().hex
        body = json.dumps({"nonce": nonce, "record": json.loads(record.model_dump_json())}).encode()
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        path = self._object(record.key)
        try:
            self._timed(
                self._s3.put_object(
                    Bucket=self._bucket, Key=path, Body=body, ContentType="application/json", **condition
                )
            )
            return True
        except ClientError as error:
            status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
            if status == 409 or code == "NoSuchKey":  # another write is under way; there is none to replace
                return False
            if status != 412 and status < 500:
                raise self._refused(error) from error
        except (ConnectionError, HTTPClientError):
            pass  # no answer
        # Either another write came first, or this one arrived and its answer did not.
        found = self._retried(lambda: self._get(path))
        return found is not None and found[0]["nonce"] == nonce

    def records(self) -> list[R]:
        found = [self._retried(partial(self._get, path)) for path in self._retried(self._paths)]
        return [self._record(content) for content, _ in filter(None, found)]

    def _record(self, content: dict[str, Any]) -> R:
        return self._kind.model_validate_json(json.dumps(content["record"]))

    def _object(self, key: str) -> str:
        return f"{self._prefix}{key}.json"

    def _get(self, path: str) -> tuple[dict[str, Any], str] | None:
        try:
            answer = self._timed(self._s3.get_object(Bucket=self._bucket, Key=path))
        except self._s3.exceptions.NoSuchKey as error:
            self._timed(error.response)
            return None
        return json.loads(answer["Body"].read()), answer["ETag"]

    def _paths(self) -> list[str]:
        # By the delimiter, what lies deeper is another store's.
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
        )
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def _timed(self, answer: Any) -> Any:
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date:
            self._ahead = parsedate_to_datetime(date) - self._clock()
        return answer

    def _retried(self, request: Callable[[], Answer]) -> Answer:
        """For requests that only read."""
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        def asked() -> Answer:
            try:
                return request()
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                refused = self._refused(error)
                raise (refused if status < 500 and status != 429 else _Passing(str(refused))) from error
            except (ConnectionError, HTTPClientError) as error:
                raise _Passing(str(self._refused(error))) from error

        return retrying(
            _Passing, patience=60, first_pause=0.1, longest_pause=5.0, most_attempts=ATTEMPTS, sleep=self._sleep
        )(asked)

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(
            f"the lease store {self.name} cannot be used: {error}. It needs an existing bucket and "
            "s3:GetObject, s3:PutObject and s3:ListBucket"
        )


def _client(region: str | None, endpoint_url: str | None) -> Any:
    import boto3
    from botocore.config import Config

    # One retry layer, here: whether a write arrived must be looked up, not tried again.
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)
    return boto3.client("s3", region_name=region, endpoint_url=endpoint_url, config=config)
