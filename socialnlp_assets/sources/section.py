"""The section `source:` of a workflow file, with the options of the sources that it names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError

from socialnlp_assets.sources import known_sources
from socialnlp_assets.sources.source import DROPPED, SourceOptions


def options_class(kinds: tuple[str, ...]) -> type[SourceOptions]:
    """What the section may say where it names these sources: the options of each."""
    own = dict.fromkeys(known_sources()[kind].Options for kind in kinds if kind in known_sources())
    bases = tuple(options for options in own if options is not SourceOptions)
    if len(bases) < 2:
        return bases[0] if bases else SourceOptions
    return create_model("SourceOptions", __base__=bases)


def named_kinds(section: Any) -> tuple[str, ...]:
    """The sources that a section names as it was written, whatever else is wrong with it."""
    named = section.get("kind") if isinstance(section, dict) else None
    return tuple(kind for kind in (named if isinstance(named, list | tuple) else [named]) if isinstance(kind, str))


def _by_its_sources(value: Any, handler: ValidatorFunctionWrapHandler) -> SourceOptions:
    kinds, known = named_kinds(value), known_sources()
    if not isinstance(value, dict) or "kind" not in value:
        options: SourceOptions = handler(value)  # which says what is missing
        return options
    if (
        not kinds
        or len(set(kinds)) < len(kinds)
        or (isinstance(value["kind"], list) and len(kinds) < len(value["kind"]))
    ):
        raise _misfit(value, "name one source, or a list of several, each once")
    if unknown := [kind for kind in kinds if kind not in known and (kind != DROPPED or len(kinds) > 1)]:
        raise _misfit(
            value,
            f"there is no source {', '.join(map(repr, unknown))}; choose of {', '.join(known)}, write `kind: dropped` "
            "where somebody else puts files into the landing area, or install the package that has it",
        )
    return options_class(kinds).model_validate(value)


def _misfit(section: dict[str, Any], problem: str) -> ValidationError:
    error = PydanticCustomError("source", "{problem}", {"problem": problem})
    details = InitErrorDetails(type=error, loc=("kind",), input=section["kind"])
    return ValidationError.from_exception_data("source", [details])


# The type of a workflow's field `source`.
SourceSection = Annotated[SourceOptions, WrapValidator(_by_its_sources)]
