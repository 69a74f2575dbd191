"""`Alerts`: what a sensor or a step sends alerts with."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from socialnlp_assets.alerts.alert import Alert
from socialnlp_assets.alerts.channels import Channel, ChannelError, Slack, Sns, Webhook
from socialnlp_assets.resources.secrets import SecretError, Secrets, build_secrets
from socialnlp_assets.settings import Settings


class AlertNotSent(Exception):
    """Some channels did not take an alert; the message names them and says why."""


class Alerts(dg.ConfigurableResource[None]):
    """Sends alerts to every channel of the installation; without channels, to nobody.

    >>> alerts.send(Alert("report", "The day of sprinklr", ("1,200 messages",)))
    """

    channels: list[str] = Field(default=[], description="word:address each, as SOCIALNLP_ALERTS lists them")
    secrets: Secrets
    endpoint_url: str = Field(default="", description="another address for all of AWS, for tests")

    def send(self, alert: Alert, has: set[str] | None = None) -> None:
        """Deliver `alert` to each channel but those that `has` names; it gets the names of those that took it.

        Raises `AlertNotSent` when that is done, where some did not: to send it again without `has` is to send it to
        the others twice.
        """
        failed, has = [], set() if has is None else has
        for name in self.channels:
            if name in has:
                continue
            try:
                self.channel(name).send(alert)
            except ChannelError as error:
                failed.append(f"{name}: {error}")
            else:
                has.add(name)
        if failed:
            raise AlertNotSent("; ".join(failed))

    def channel(self, name: str) -> Channel:
        """The channel that `name` describes. Raises `ChannelError` where the secret with its address is missing."""
        word, _, address = name.partition(":")
        if word == "sns":
            return Sns(address, self.endpoint_url or None)
        if "://" not in address:
            try:
                address = self.secrets.get(address).get_secret_value().strip()
            except SecretError as error:
                raise ChannelError(str(error)) from None
        return Slack(address) if word == "slack" else Webhook(address)


def build_alerts(settings: Settings) -> Alerts:
    return Alerts(
        channels=list(settings.alerts),
        secrets=build_secrets(settings),
        endpoint_url=settings.aws_endpoint_url or "",
    )
