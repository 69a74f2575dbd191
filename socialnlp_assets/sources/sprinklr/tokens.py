"""Sprinklr's tokens: an access token that expires, and a refresh token that works once."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from pydantic import SecretStr

from socialnlp_assets.resources.caller import Caller, SourceRefused, TryAgain
from socialnlp_assets.resources.secrets import SecretMissing, Secrets

T = TypeVar("T")
log = logging.getLogger(__name__)
_renewing = threading.Lock()


class _Tokens(NamedTuple):
    access: SecretStr
    refresh: SecretStr


@dataclass
class SprinklrToken:
    """Asks Sprinklr with a valid access token.

    The secret ``sprinklr_tokens`` holds a refresh token, later the JSON that we keep in its place: a new refresh
    token is stored before it is used, and another process takes both from there.
    """

    secrets: Secrets
    caller: Caller
    url: str
    redirect_uri: str = ""
    _tokens: _Tokens = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = self._stored()

    def ask(self, method: str, path: str, *, json: Any, read: Callable[[Any], T]) -> T:
        """As `Caller.ask`, authorised; a token that is not accepted is renewed."""
        for _ in range(3):
            access = self._tokens.access.get_secret_value()
            headers = {"Authorization": f"Bearer {access}", "Key": self._secret("sprinklr_key")}
            try:
                if access:
                    return self.caller.ask(method, self.url + path, headers=headers, json=json, read=read)
            except SourceRefused as refusal:
                if refusal.status != 401:
                    raise
            self._renew(self._tokens)
        raise SourceRefused(
            "Sprinklr refuses tokens that it has just issued; check that the secret sprinklr_key belongs to the "
            f"environment in {self.url}"
        )

    def _renew(self, used: _Tokens) -> None:
        """Replace the tokens `used`, which expired: by what another process stored meanwhile, else by new ones.

        A refresh token that is refused was used by another process a moment ago, or its successor was lost on
        the way to us. The client's own credentials then help where the account allows them.
        """
        with _renewing:
            self._tokens = self._stored()
            if self._tokens != used:
                return
            refresh = used.refresh.get_secret_value()
            try:
                if refresh:
                    self._grant(grant_type="refresh_token", refresh_token=refresh)
                    return
            except SourceRefused:
                if self._renewed_by_another(used):
                    return
                log.warning("Sprinklr refused our refresh token; asking with the client's credentials")
            try:
                self._grant(grant_type="client_credentials")
            except SourceRefused as refusal:
                raise SourceRefused(
                    f"{refusal}; generate new tokens in Sprinklr's developer portal and store the refresh token as "
                    "the secret sprinklr_tokens",
                    status=refusal.status,
                ) from None

    def _grant(self, **grant: str) -> None:
        form = {"client_id": self._secret("sprinklr_key"), "client_secret": self._secret("sprinklr_secret"), **grant}
        if self.redirect_uri:
            form["redirect_uri"] = self.redirect_uri
        self._tokens = self.caller.ask("POST", f"{self.url}/oauth/token", form=form, read=_tokens_of)
        kept = {"access_token": self._tokens.access, "refresh_token": self._tokens.refresh}
        value = json.dumps({name: token.get_secret_value() for name, token in kept.items()})
        self.secrets.put("sprinklr_tokens", SecretStr(value))

    def _renewed_by_another(self, used: _Tokens) -> bool:
        """Whether another process stores new tokens within five pauses; then they are ours, too."""
        for _ in range(5):
            self._tokens = self._stored()
            if self._tokens != used:
                return True
            time.sleep(self.caller.first_pause)
        return False

    def _secret(self, name: str) -> str:
        return self.secrets.get(name).get_secret_value()

    def _stored(self) -> _Tokens:
        try:
            stored = self.secrets.get("sprinklr_tokens")
        except SecretMissing:
            return _Tokens(SecretStr(""), SecretStr(""))
        try:
            return _tokens_of(json.loads(stored.get_secret_value()))
        except (ValueError, TryAgain):  # the refresh token alone, as the portal shows it
            return _Tokens(SecretStr(""), stored)


def _tokens_of(reply: Any) -> _Tokens:
    tokens = reply if isinstance(reply, dict) else {}
    access, refresh = tokens.get("access_token"), tokens.get("refresh_token") or ""
    if not isinstance(access, str) or not access or not isinstance(refresh, str):
        raise TryAgain("200 without an access token")
    return _Tokens(SecretStr(access), SecretStr(refresh))
