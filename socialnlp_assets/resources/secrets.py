"""Secrets by name: the one way to get one.

On a laptop they are environment variables, in the cloud they lie in AWS Secrets Manager. Callers get a
`SecretStr`, which shows itself as ``**********`` in logs, errors and metadata; `get_secret_value()` is
called where the value is used, and nowhere else.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets as random_secrets
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import SecretStr

from socialnlp_assets.files import make_folder
from socialnlp_assets.settings import Profile, Settings


class SecretError(Exception):
    """A secret could not be read or kept. The message names it, never shows it, and says what to do."""


class SecretMissing(SecretError):
    """There is no secret of this name."""


class Secrets(dg.ConfigurableResource[None], ABC):
    """Where secrets are kept. Names are in lower case with underscores, such as ``sprinklr_key``."""

    @abstractmethod
    def get(self, name: str) -> SecretStr:
        """The secret's value now. Raises `SecretMissing` or `SecretError`."""

    @abstractmethod
    def put(self, name: str, value: SecretStr) -> None:
        """Keep a new value, for what sources rotate (single-use refresh tokens). Raises `SecretError`."""

    def get_or_create(self, name: str) -> SecretStr:
        """The secret's value; where there is none, 32 random bytes (in hex) that are kept from now on.

        Of several processes that ask at once, one makes the value that all get.
        """
        try:
            return self.get(name)
        except SecretMissing:
            self._create(name, SecretStr(random_secrets.token_hex(32)))
            return self.get(name)

    @abstractmethod
    def _create(self, name: str, value: SecretStr) -> None:
        """Keep `value` unless there is one by now."""


class EnvironmentSecrets(Secrets):
    """``SOCIALNLP_SECRET_<NAME>`` in the environment.

    A program cannot change its parent's environment, so a value that is `put` lies in a private file (mode
    600) in `state`. It stands in for the variable that it was derived from, and only for that: set another
    value, and the variable counts again.
    """

    state: str

    def get(self, name: str) -> SecretStr:
        given = os.environ.get(self._variable(name), "")
        kept = self._read().get(name)
        if kept and kept["instead_of"] == _digest(given):
            return SecretStr(kept["value"])
        if not given:
            raise SecretMissing(f"the secret {name!r} is not set; export {self._variable(name)}")
        return SecretStr(given)

    def put(self, name: str, value: SecretStr) -> None:
        given = os.environ.get(self._variable(name), "")
        with self._locked():
            self._write(self._read() | {name: {"value": value.get_secret_value(), "instead_of": _digest(given)}})

    def _create(self, name: str, value: SecretStr) -> None:
        with self._locked():
            self._write({name: {"value": value.get_secret_value(), "instead_of": ""}} | self._read())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time changes the file."""
        try:
            make_folder(self._path.parent)
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise SecretError(f"{self._path} cannot be written: {error.strerror}; correct SOCIALNLP_STATE") from None

    def _write(self, kept: dict[str, dict[str, str]]) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False) as file:  # created with mode 600
            json.dump(kept, file)
        Path(file.name).replace(self._path)

    @property
    def _path(self) -> Path:
        return Path(self.state) / "secrets.json"

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            kept: dict[str, dict[str, str]] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise SecretError(f"{self._path} cannot be read; remove it and set the secrets again") from None
        return kept

    @staticmethod
    def _variable(name: str) -> str:
        return f"SOCIALNLP_SECRET_{name.upper()}"


class AwsSecrets(Secrets):
    """AWS Secrets Manager: the secret ``<prefix><name>``."""

    region: str
    endpoint_url: str = ""
    prefix: str = "socialnlp/"

    def get(self, name: str) -> SecretStr:
        client = self._client()
        try:
            answer = client.get_secret_value(SecretId=self.prefix + name)
        except client.exceptions.ClientError as error:
            raise self._error(name, error) from None
        return SecretStr(answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"].decode())

    def put(self, name: str, value: SecretStr) -> None:
        client = self._client()
        try:
            client.put_secret_value(SecretId=self.prefix + name, SecretString=value.get_secret_value())
        except client.exceptions.ResourceNotFoundException:
            self._create(name, value)
        except client.exceptions.ClientError as error:
            raise self._error(name, error) from None

    def _create(self, name: str, value: SecretStr) -> None:
        client = self._client()
        try:
            client.create_secret(Name=self.prefix + name, SecretString=value.get_secret_value())
        except client.exceptions.ResourceExistsException:
            pass
        except client.exceptions.ClientError as error:
            raise self._error(name, error) from None

    def _client(self) -> Any:
        import boto3  # a second, which loading the code location does not have

        return boto3.client("secretsmanager", region_name=self.region, endpoint_url=self.endpoint_url or None)

    def _error(self, name: str, error: Any) -> SecretError:
        code = error.response["Error"]["Code"]
        where = f"the secret {self.prefix + name!r} of AWS Secrets Manager"
        if code == "ResourceNotFoundException":
            return SecretMissing(f"{where} does not exist; create it with `aws secretsmanager create-secret`")
        return SecretError(f"{where} cannot be used ({code}); check the role's secretsmanager permissions")


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest() if value else ""


def build_secrets(settings: Settings) -> Secrets:
    """The secrets of an installation: the environment on one machine, AWS Secrets Manager in the cloud."""
    if settings.profile is Profile.EMBEDDED:
        return EnvironmentSecrets(state=str(settings.state))
    return AwsSecrets(region=settings.aws_region, endpoint_url=settings.aws_endpoint_url or "")
