"""The sources file: where this installation's sources are. Light to import, for the code location asks it at load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from socialnlp_assets.settings import Settings

_SECTIONS = ("sprinklr", "google_maps", "google_translate")


class SourcesError(ValueError):
    """The sources file does not fit; the message names it and says what to do."""


def configured_sources(settings: Settings) -> frozenset[str]:
    """The source kinds that the sources file configures; the others' files are dropped by somebody else."""
    return frozenset(_read(settings)) & {"sprinklr", "google_maps"}


def section(settings: Settings, name: str) -> dict[str, Any]:
    """What the sources file says under `name`; nothing where there is no file. Raises `SourcesError`."""
    return dict(_read(settings).get(name) or {})


def _read(settings: Settings) -> Mapping[str, Any]:
    if settings.sources is None:
        return {}
    try:
        content = yaml.safe_load(Path(settings.sources).read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SourcesError(f"{settings.sources}: {error.strerror}; correct or unset SOCIALNLP_SOURCES") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SourcesError(f"{settings.sources}: not YAML: {error}; compare with docs/sources.md") from None
    if not isinstance(content, dict) or not set(content) <= set(_SECTIONS):
        raise SourcesError(f"{settings.sources}: the file has sections {', '.join(_SECTIONS)} and no others")
    return content
