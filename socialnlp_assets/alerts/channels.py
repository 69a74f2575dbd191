"""The channels that take alerts: a webhook, Slack's incoming webhook, and a topic of SNS.

Each is one word and an address, as `SOCIALNLP_ALERTS` has them. An address that is itself a secret, as Slack's are, is
the name of one.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import urllib3

from socialnlp_assets.alerts.alert import Alert
from socialnlp_assets.resources.retry import named_pause, retrying

TIMEOUT = 10.0  # seconds for one answer
PATIENCE = 10.0  # seconds of pauses, in all: a channel that is down is asked again by the next tick
REGION_IN_ARN = 3


class ChannelError(Exception):
    """A channel did not take an alert. The message says why, without the address, which may be a secret."""


class ChannelBusy(ChannelError):
    """It may take it another time."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = min(after, PATIENCE) if after else None


class Channel(ABC):
    @abstractmethod
    def send(self, alert: Alert) -> None:
        """Deliver it. Raises `ChannelError`."""


@dataclass(frozen=True)
class Webhook(Channel):
    """A POST of JSON to an address, which answers 2xx."""

    url: str
    patience: float = PATIENCE

    def body(self, alert: Alert) -> dict[str, Any]:
        return alert.as_json()

    def send(self, alert: Alert) -> None:
        data = json.dumps(self.body(alert), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": alert.id}
        retrying(ChannelBusy, patience=self.patience)(self._post, data, headers)

    def _post(self, data: bytes, headers: dict[str, str]) -> None:
        try:
            reply = urllib3.request(
                "POST", self.url, body=data, headers=headers, timeout=TIMEOUT, retries=False, redirect=False
            )
        except urllib3.exceptions.LocationParseError:
            raise ChannelError("its address is none; correct it, or the secret that holds it") from None
        except urllib3.exceptions.HTTPError as error:  # whose words show the address
            raise ChannelBusy(f"the connection failed ({type(error).__name__})") from None
        if reply.status in (408, 429) or reply.status >= 500:
            raise ChannelBusy(f"it answered {reply.status}", named_pause(reply.headers.get("Retry-After", "")))
        if not 200 <= reply.status < 300:
            raise ChannelError(f"it answered {reply.status}; see whether its address is still right")


class Slack(Webhook):
    def body(self, alert: Alert) -> dict[str, Any]:
        return alert.as_slack()


@dataclass(frozen=True)
class Sns(Channel):
    """A topic of SNS; `kind` and `state` are attributes, by which subscriptions can filter."""

    topic: str
    endpoint_url: str | None = None

    def send(self, alert: Alert) -> None:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        attributes = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (("kind", alert.kind), ("state", alert.state.value))
        }
        try:
            sns = boto3.client("sns", region_name=self.topic.split(":")[REGION_IN_ARN], endpoint_url=self.endpoint_url)
            sns.publish(
                TopicArn=self.topic,
                Subject=alert.as_subject(),
                Message=alert.as_text(),
                MessageAttributes=attributes,
            )
        except ClientError as error:
            raise ChannelError(f"SNS answered {error.response['Error']['Code']}") from None
        except BotoCoreError as error:
            raise ChannelError(f"SNS cannot be asked ({type(error).__name__})") from None
