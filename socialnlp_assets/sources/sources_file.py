"""The sources file: where this installation's sources are. Light to import, for the code location reads it at load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from pydantic import ValidationError

from socialnlp_assets.resources.google_translate import GoogleTranslateResource
from socialnlp_assets.resources.secrets import build_secrets
from socialnlp_assets.safe_yaml import YamlError, read_yaml
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources import known_sources
from socialnlp_assets.sources.source import Source

Resource = dg.ConfigurableResource[Any]
R = TypeVar("R", bound=Resource)


class SourcesError(ValueError):
    """The sources file does not fit; the message names it and says what to do."""


def sections() -> dict[str, type[Resource]]:
    """What the file may configure: every source, and Google Cloud Translation, whose account it is, too."""
    return {**known_sources(), GoogleTranslateResource.name: GoogleTranslateResource}


def configured_sources(settings: Settings) -> dict[str, Source]:
    """The sources that the file configures, by name; the others' files are dropped by somebody else."""
    kinds = known_sources()
    return {name: build_section(settings, kinds[name]) for name in kinds if name in _read(settings)}


def source_resources(settings: Settings) -> dict[str, Resource]:
    """A resource for every section that there may be, as the file configures it, else with its defaults."""
    return {name: build_section(settings, kind) for name, kind in sections().items()}


def build_section(settings: Settings, kind: type[R]) -> R:
    """A resource as its section configures it, else with its defaults. Raises `SourcesError`."""
    name = next(name for name, of in sections().items() if of is kind)
    options = _read(settings).get(name) or {}
    if not isinstance(options, dict):
        raise SourcesError(f"{settings.sources}: {name}: a section is a mapping; compare with docs/sources.md")
    known = [field for field in kind.model_fields if field != "secrets"]
    if unknown := set(options) - set(known):
        odd = ", ".join(sorted(map(str, unknown)))
        raise SourcesError(f"{settings.sources}: {name}: there is no {odd}; known here: {', '.join(known)}")
    if "secrets" in kind.model_fields:
        options = {**options, "secrets": build_secrets(settings)}
    try:
        return kind(**options)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, (name, *e['loc'])))}: {e['msg']}" for e in error.errors()]
        raise SourcesError(f"{settings.sources}: {'; '.join(problems)}") from None


def _read(settings: Settings) -> Mapping[str, Any]:
    if settings.sources is None:
        return {}
    try:
        content = read_yaml(Path(settings.sources).read_text(encoding="utf-8"))[0] or {}
    except OSError as error:
        raise SourcesError(f"{settings.sources}: {error.strerror}; correct or unset SOCIALNLP_SOURCES") from None
    except YamlError as error:
        raise SourcesError(f"{settings.sources}: line {error.line}: {error}; compare with docs/sources.md") from None
    except UnicodeDecodeError as error:
        raise SourcesError(f"{settings.sources}: not YAML: {error}; compare with docs/sources.md") from None
    if not isinstance(content, dict) or not set(content) <= set(sections()):
        raise SourcesError(f"{settings.sources}: the file has sections {', '.join(sections())} and no others")
    return content
