"""Google Cloud Translation as another engine of the translator: the same `predict` as a leased endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import dagster as dg
from pydantic import Field, PrivateAttr, model_validator

from socialnlp_assets.resources.caller import Caller, SourceRefused, TryAgain, shared_rate_limit
from socialnlp_assets.resources.google_auth import GoogleToken, judge_quota
from socialnlp_assets.resources.secrets import Secrets
from socialnlp_assets.tasks import RowError

# What one request may hold: texts, and their size (v3: code points; v2: bytes as JSON, in a request of 100 kB).
_LIMITS = {"v3": (1024, 30_000), "v2": (128, 90_000)}
# A 400 with one of these is about our account, whatever the texts: `ErrorInfo.reason` API_KEY_INVALID (AIP-193)
# with "API key not valid. …", "Invalid 'parent'.; Invalid location name. …", "Invalid resource name. Missing or …".
_OURS = re.compile(
    r"api[_ ]key|credential|permission|billing|\bproject|invalid '?(?:parent|resource name|location)", re.I
)
_SCOPE = "https://www.googleapis.com/auth/cloud-translation"


class GoogleTranslateResource(dg.ConfigurableResource[Any]):
    """Translates with Cloud Translation, v3 (Advanced) or v2 (Basic).

    Its secret is ``google_translate``: the JSON of a service account's key or, for v2 only, an API key.
    """

    name: ClassVar[str] = "google_translate"  # its section of the sources file, its resource

    secrets: Secrets
    api: Literal["v3", "v2"] = "v3"
    project: str = Field(default="", description="the Google Cloud project that pays; else the account's own")
    location: str = "global"
    auth: Literal["service_account", "api_key"] = "service_account"
    url: str = "https://translation.googleapis.com"
    token_url: str = Field(default="", description="another token service than the credentials name")
    calls_per_second: int = 10
    timeout_seconds: float = 60.0
    patience_seconds: float = Field(default=900.0, description="pauses in all before a request is given up")
    first_pause_seconds: float = 1.0
    _token: GoogleToken | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _can_work(self) -> GoogleTranslateResource:
        if self.api == "v3" and self.auth == "api_key":
            raise ValueError("Cloud Translation v3 takes no API keys: set `auth: service_account` or `api: v2`")
        return self

    def predict(
        self, texts: Sequence[str], *, src_lang: str | Sequence[str], tgt_lang: str = "en"
    ) -> list[str | RowError]:
        """One translation a text, in order; `src_lang` is one language or a list as long as `texts`.

        Texts already in `tgt_lang` and blank ones are not sent, equal ones once. A text that Google cannot take
        is a `RowError`. Raises `SourceUnavailable` or `SourceRefused` when nothing can be translated now.
        """
        languages = [src_lang] * len(texts) if isinstance(src_lang, str) else list(src_lang)
        if len(languages) != len(texts):
            raise ValueError(f"{len(texts)} texts but {len(languages)} languages; give one a text")
        known: dict[tuple[str, str], str | RowError] = {}
        for language in sorted(set(languages) - {tgt_lang}):
            waiting = dict.fromkeys(t for t, of in zip(texts, languages, strict=True) if of == language and t.strip())
            for batch in self._batches(waiting, language, known):
                results = self._translate(batch, language, tgt_lang)
                known.update({(t, language): result for t, result in zip(batch, results, strict=True)})
        return [known.get((text, language), text) for text, language in zip(texts, languages, strict=True)]

    def _batches(
        self, texts: dict[str, None], language: str, known: dict[tuple[str, str], str | RowError]
    ) -> Iterator[list[str]]:
        most, most_size = _LIMITS[self.api]
        batch: list[str] = []
        size = 0
        for text in texts:
            own = self._size(text)
            if own > most_size:
                known[text, language] = RowError(f"the text is {own} long, Google takes {most_size}; shorten it")
                continue
            if len(batch) == most or size + own > most_size:
                yield batch
                batch, size = [], 0
            batch.append(text)
            size += own
        if batch:
            yield batch

    def _size(self, text: str) -> int:
        return len(text) if self.api == "v3" else len(json.dumps(text, ensure_ascii=False).encode()) + 1  # a comma

    def _translate(self, texts: list[str], source: str, target: str) -> list[str | RowError]:
        """One request; halved when Google calls it invalid or too large, so that one bad text costs one row."""
        try:
            return list(self._request(texts, source, target))
        except SourceRefused as refusal:
            said = refusal.body.decode(errors="replace")
            if refusal.status not in (400, 413):
                raise
            if _OURS.search(said):
                remedy = "check the secret google_translate and, in the sources file, project and location"
                raise SourceRefused(f"{refusal}; {remedy}", status=refusal.status) from None
            if len(texts) == 1 or "language" in said.lower():
                return [RowError(f"Google refused the text: {refusal}")] * len(texts)
        middle = len(texts) // 2
        return self._translate(texts[:middle], source, target) + self._translate(texts[middle:], source, target)

    def _request(self, texts: list[str], source: str, target: str) -> list[str]:
        if self.api == "v3":
            project = self.project or self._google().project
            parent = f"projects/{project}/locations/{self.location}"
            body = {"contents": texts, "mimeType": "text/plain"}
            body |= {"sourceLanguageCode": source, "targetLanguageCode": target}
            return self._ask(f"/v3/{parent}:translateText", body, lambda r: r["translations"], len(texts))
        body = {"q": texts, "source": source, "target": target, "format": "text"}  # the default format is HTML
        return self._ask("/language/translate/v2", body, lambda r: r["data"]["translations"], len(texts))

    def _ask(self, path: str, body: Any, rows: Any, count: int) -> list[str]:
        def read(reply: Any) -> list[str]:
            try:
                translated = [row["translatedText"] for row in rows(reply)]
            except (KeyError, TypeError):
                raise TryAgain("200 without translations") from None
            if len(translated) != count or not all(isinstance(text, str) for text in translated):
                raise TryAgain(f"{len(translated)} translations for {count} texts")
            return translated

        caller = Caller(
            "Google Translation",
            shared_rate_limit(f"translate {self.url}", (self.calls_per_second, 1.0)),
            judge_quota,
            timeout=self.timeout_seconds,
            patience=self.patience_seconds,
            first_pause=self.first_pause_seconds,
        )
        if self.auth == "api_key":
            key = self.secrets.get("google_translate").get_secret_value()
            return caller.ask("POST", self.url + path, headers={"X-Goog-Api-Key": key}, json=body, read=read)
        return self._google().ask(caller, "POST", self.url + path, json=body, read=read)

    def _google(self) -> GoogleToken:
        if self._token is None:
            self._token = GoogleToken(
                self.secrets, "google_translate", _SCOPE, self.token_url, self.first_pause_seconds
            )
        return self._token
