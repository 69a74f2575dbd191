"""The one reader of the environment.

Everything that differs between a laptop and the cloud is a field here, read from ``SOCIALNLP_<FIELD>``.
Secrets are not settings: they are names of secrets, resolved where they are used (see `resources/secrets.py`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "SOCIALNLP_"
# Finite, and within what Python's dates can be moved by.
Seconds = Annotated[float, Field(ge=0, le=366 * 24 * 3600, allow_inf_nan=False)]


# Of the channels of alerts. Who knows the address of Slack's may write there: it is a secret, and no setting.
CHANNEL = re.compile(
    r"webhook:https?://[^\s@?]+|(?:webhook|slack):[a-z][a-z0-9_]*|sns:arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:[\w-]+"
)


class SettingsError(ValueError):
    """The environment does not fit; the message has a sentence a mistake."""


class Profile(StrEnum):
    EMBEDDED = "embedded"
    AWS = "aws"


def default_state_directory() -> Path:
    """Where this machine keeps leases and logs: `$XDG_STATE_HOME/socialnlp`, shared by all its runs."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "socialnlp"


class Settings(BaseSettings):
    """How this installation is set up. Every field has a default that works on a laptop."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    def __init__(self, **values: Any) -> None:
        """Raises `SettingsError` where a variable does not fit, or is nearly the name of one."""
        if misspelt := _misspelt(os.environ, type(self).model_fields):
            raise SettingsError(misspelt)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError("; ".join(map(_sentence, error.errors()))) from None

    profile: Profile = Profile.EMBEDDED
    lake: str = Field(default="", description="path or URI of the lake; empty: `lake` in the state directory")
    state: Path = Field(default_factory=default_state_directory, description="leases, logs and caches of this machine")
    start: datetime = Field(default=datetime(2026, 1, 1, tzinfo=UTC), description="first hour of the partitions, UTC")
    workflows: Path | None = Field(default=None, description="a folder of further workflow files")

    models: Path | None = Field(default=None, description="a folder of further model catalogues")
    approve: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), description="models, by commas, whose versions that pass the gate go into service at once"
    )
    enable: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), description="workflows, by commas, that are off by default and run here"
    )

    mart_models: Path | None = Field(default=None, description="a folder of further models of the mart, in SQL")

    # Endpoints
    leases: str = Field(default="", description="lease store: a path (SQLite) or an s3:// URI; empty: by profile")
    endpoint_prefix: str = Field(default="nlp", description="first part of every endpoint's name")
    lease_seconds: Seconds = Field(
        default=60, gt=0, description="time to live of a holder's lease; heartbeats at a quarter"
    )
    warm_seconds: Seconds | None = Field(
        default=None, description="how long an endpoint outlives its last holder; empty: by profile"
    )
    deadline_seconds: Seconds = Field(default=6 * 3600, gt=0, description="no endpoint outlives this age")
    prices: Path | None = Field(default=None, description="another price table for metering; see prices.yaml")
    server_python: str = Field(default="", description="interpreter that serves models; empty: this one")

    # AWS
    aws_region: str = "eu-west-1"
    aws_endpoint_url: str | None = Field(default=None, description="another address for all of AWS, for tests")
    sagemaker_role_arn: str = ""
    model_bucket: str = Field(default="", description="s3:// prefix under which model artefacts lie")
    endpoint_image: str = Field(default="", description="container image that endpoints run")
    endpoint_shapes: Annotated[Mapping[str, str], NoDecode] = Field(
        default_factory=dict,
        description="endpoints other than the catalogue's: translator=ml.c6i.xlarge*1-4,themes=serverless:4096",
    )
    training_image: str = Field(
        default="", description="container image that training jobs run on SageMaker; empty: models are trained here"
    )
    training_role_arn: str = Field(default="", description="role that training jobs run as; empty: the endpoints'")

    # Sources
    sources: Path | None = Field(
        default=None, description="a file that says where the sources are; without one, files are dropped by others"
    )
    keep_personal_data: bool = Field(
        default=False, description="leave e-mail addresses, telephone numbers and the like in texts and permalinks"
    )
    raw_retention_days: int = Field(
        default=30, ge=1, le=36_500, description="how long landed and quarantined messages are kept"
    )
    landing_lookback_hours: int = Field(default=72, ge=1, le=9_000, description="how far back the landing sensors look")
    landing_queue: str = Field(
        default="", description="URL of SQS queues of notifications, {workflow} in it; empty: list"
    )
    article_allowed_hosts: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), description="host:port pairs, by commas, that may be fetched although they are private"
    )

    # Alerts
    alerts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="who is told of troubles, by commas: webhook:URL, slack:SECRET, sns:ARN; empty: nobody"
    )

    daily_budget_usd: float | None = Field(
        default=None, ge=0, description="an alert when endpoints have cost more since midnight, UTC; empty: none"
    )

    # Execution
    executor: Literal["", "in_process", "multiprocess"] = Field(default="", description="empty: by profile")

    @field_validator("start")
    @classmethod
    def start_is_a_utc_hour(cls, value: datetime) -> datetime:
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if value.minute or value.second or value.microsecond:
            raise ValueError("must be a whole hour, such as 2026-01-01T00:00")
        return value

    @field_validator("lake")
    @classmethod
    def lake_may_be_made(cls, value: str) -> str:
        if value and "://" not in value:
            path = Path(value).expanduser().absolute()
            if not (there := next(folder for folder in (path, *path.parents) if folder.exists())).is_dir():
                raise ValueError(f"{there} is no folder; name a folder, or s3://bucket/prefix")
        return value

    @field_validator("alerts", mode="before")
    @classmethod
    def alerts_name_channels(cls, value: Any) -> Any:
        channels = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not all(map(CHANNEL.fullmatch, channels)):
            raise ValueError(
                "must be webhook:https://…, webhook:NAME, slack:NAME or sns:arn:aws:sns:…, several with commas "
                "between; NAME is that of a secret that holds the address"
            )
        return tuple(channels)

    @field_validator("endpoint_shapes", mode="before")
    @classmethod
    def shapes_by_model(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(name.strip() and shape.strip() for name, _, shape in pairs):
            raise ValueError("must be model=shape, several with commas between")
        return {name.strip(): shape.strip() for name, _, shape in pairs}

    @field_validator("article_allowed_hosts", "approve", "enable", mode="before")
    @classmethod
    def listed_by_commas(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith('["'):  # JSON, as for other lists in the environment
            return frozenset(json.loads(value))
        return frozenset(part.strip() for part in value.split(",") if part.strip())

    @cached_property
    def lake_uri(self) -> str:
        return self.lake or str(self.state / "lake")

    @cached_property
    def lease_uri(self) -> str:
        if self.leases:
            return self.leases
        if self.profile is Profile.AWS:
            return f"{self.lake_uri.rstrip('/')}/leases"
        return str(self.state / "leases.db")

    @property
    def seconds_warm(self) -> float:
        """On AWS longer than what else a run does between two uses: creating an endpoint anew takes minutes."""
        if self.warm_seconds is not None:
            return self.warm_seconds
        return 15 * 60 if self.profile is Profile.AWS else 60

    @property
    def runs_steps_in_one_process(self) -> bool:
        return (self.executor or ("in_process" if self.profile is Profile.EMBEDDED else "multiprocess")) == "in_process"


def _misspelt(environment: Mapping[str, str], fields: Mapping[str, Any]) -> str:
    """A sentence on the variables that set nothing but look like ones that would; empty where all is well."""
    known = [PREFIX + name.upper() for name in fields]
    found = {
        name: get_close_matches(name, known, n=1, cutoff=0.9)
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known
    }
    return "; ".join(
        f"{name}: there is no such setting; did you mean {close[0]}?" for name, close in found.items() if close
    )


def _sentence(error: Any) -> str:
    """One of pydantic's findings, by the name of the variable."""
    name = PREFIX + "_".join(str(part) for part in error["loc"]).upper()
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    value = "…" if error["loc"] == ("alerts",) else error["input"]  # somebody may have put a secret there
    return f"{name}={value}: {message}"
