"""The sources file: where this installation's sources are. Light to import, for the code location asks it at load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from socialnlp_assets.settings import Settings

R = TypeVar("R", bound=BaseModel)
_SECTIONS = ("sprinklr", "google_maps", "google_translate")


class SourcesError(ValueError):
    """The sources file does not fit; the message names it and says what to do."""


def configured_sources(settings: Settings) -> frozenset[str]:
    """The source kinds that the sources file configures; the others' files are dropped by somebody else."""
    return frozenset(_read(settings)) & {"sprinklr", "google_maps"}


def build_source(settings: Settings, name: str, kind: type[R]) -> R:
    """A source as the file's section `name` configures it, else with its defaults. Raises `SourcesError`."""
    from socialnlp_assets.resources.secrets import build_secrets

    options = _read(settings).get(name) or {}
    if not isinstance(options, dict):
        raise SourcesError(f"{settings.sources}: {name}: a section is a mapping; compare with docs/sources.md")
    known = [field for field in kind.model_fields if field != "secrets"]
    if unknown := set(options) - set(known):
        odd = ", ".join(sorted(map(str, unknown)))
        raise SourcesError(f"{settings.sources}: {name}: there is no {odd}; known here: {', '.join(known)}")
    try:
        return kind(secrets=build_secrets(settings), **options)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, (name, *e['loc'])))}: {e['msg']}" for e in error.errors()]
        raise SourcesError(f"{settings.sources}: {'; '.join(problems)}") from None


def _read(settings: Settings) -> Mapping[str, Any]:
    if settings.sources is None:
        return {}
    try:
        content = yaml.safe_load(Path(settings.sources).read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SourcesError(f"{settings.sources}: {error.strerror}; correct or unset SOCIALNLP_SOURCES") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: the 45th of a month, text not UTF-8
        raise SourcesError(f"{settings.sources}: not YAML: {error}; compare with docs/sources.md") from None
    if not isinstance(content, dict) or not set(content) <= set(_SECTIONS):
        raise SourcesError(f"{settings.sources}: the file has sections {', '.join(_SECTIONS)} and no others")
    return content
