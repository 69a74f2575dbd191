"""What Google's APIs share: OAuth tokens from credentials in the secret store, and what a 403 means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import urllib3

from socialnlp_assets.resources.caller import Answer, Caller, SourceRefused, SourceUnavailable, TryAgain
from socialnlp_assets.resources.retry import named_pause, retrying
from socialnlp_assets.resources.secrets import SecretError, Secrets

T = TypeVar("T")
# What the library raises on answers that are not whole: it takes them for what they should be.
NOT_WHOLE = (TypeError, ValueError, AttributeError, OverflowError, RecursionError)


class _Passing(Exception):
    """The token service did not answer, or not with the whole of it."""


class GoogleToken:
    """OAuth access tokens for `scope`, renewed when they expire.

    The secret holds the JSON of a service account's key or of a user's authorisation (``authorized_user``).
    `token_url` replaces the address that it names.
    """

    def __init__(
        self, secrets: Secrets, secret: str, scope: str, token_url: str = "", first_pause: float = 1.0
    ) -> None:
        self._secrets, self._secret, self._scope, self._token_url = secrets, secret, scope, token_url
        self._first_pause = first_pause
        self._pool = urllib3.PoolManager(timeout=30.0)
        self._credentials: Any = None

    def ask(self, caller: Caller, method: str, url: str, *, read: Callable[[Any], T], json: Any = None) -> T:
        """As `Caller.ask`, authorised; a token that is not accepted is renewed once."""
        try:
            return caller.ask(method, url, headers={"Authorization": f"Bearer {self.value()}"}, json=json, read=read)
        except SourceRefused as refusal:
            if refusal.status != 401:
                raise
        self._credentials = None
        return caller.ask(method, url, headers={"Authorization": f"Bearer {self.value()}"}, json=json, read=read)

    @property
    def project(self) -> str:
        """The Google Cloud project that the service account belongs to."""
        if self._credentials is None:
            self._credentials = self._load()
        return getattr(self._credentials, "project_id", None) or ""

    def value(self) -> str:
        """A token that is valid now. Raises `SourceRefused` or `SourceUnavailable`."""
        if self._credentials is None:
            self._credentials = self._load()
        if not self._credentials.valid:
            try:  # connections that break; other errors that pass, the library tries again itself
                retrying(_Passing, patience=60, first_pause=self._first_pause, most_attempts=3)(self._refresh)
            except _Passing as error:
                raise SourceUnavailable(f"{error}; run the hour again later") from None
        token = self._credentials.token
        if not isinstance(token, str):
            raise SourceUnavailable("Google's token service answered without a token; run the hour again later")
        return token

    def _refresh(self) -> None:
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.auth.transport.urllib3 import Request

        try:
            self._credentials.refresh(Request(self._pool))
        except (GoogleAuthError, *NOT_WHOLE) as error:
            message = f"Google's token service did not take the secret {self._secret!r} ({_reason(error)})"
            if not isinstance(error, GoogleAuthError) or isinstance(error, TransportError) or error.retryable:
                raise _Passing(message) from None
            raise SourceRefused(f"{message}; check the account and its key") from None

    def _load(self) -> Any:
        from google.oauth2 import credentials, service_account

        try:
            info = json.loads(self._secrets.get(self._secret).get_secret_value())
            if self._token_url:
                info["token_uri"] = self._token_url
            if info.get("type") == "authorized_user":
                return credentials.Credentials.from_authorized_user_info(info, scopes=[self._scope])
            return service_account.Credentials.from_service_account_info(info, scopes=[self._scope])
        except (ValueError, TypeError, AttributeError):
            raise SecretError(
                f"the secret {self._secret!r} is not the JSON of a service account's key; download the key again"
            ) from None


def _reason(error: Exception) -> str:
    """Google's error code, such as ``invalid_grant``; not its text, which may repeat the request."""
    details = error.args[1] if len(error.args) > 1 else None
    try:
        return str(json.loads(details)["error"]) if isinstance(details, str) else str(dict(details or {})["error"])
    except (ValueError, KeyError, TypeError):
        return type(error).__name__


def judge_quota(answer: Answer) -> None:
    """Google says 403 (or 429) for quotas: those of a minute pass, those of a day do not."""
    if answer.status not in (403, 429):
        return
    said = answer.text.lower()
    if re.search(r"daily ?limit|per[ _-]?day", said):
        raise SourceRefused(
            f"the day's quota is used up ({answer.status}); run the hour again after midnight Pacific time, or raise "
            "the quota in the Google Cloud console",
            status=answer.status,
        )
    if answer.status == 429 or "rate limit" in said or "ratelimit" in said:
        raise TryAgain(f"{answer.status} for the quota of a minute", named_pause(answer.headers.get("retry-after", "")))
