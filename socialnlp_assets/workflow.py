"""What `workflows/*.yaml` may say, and how it is read.

A workflow is one file: where its messages come from, which steps they go through, with which models.
Every mistake in one is reported with the file, the line and the remedy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from keyword import kwlist
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from socialnlp_assets.models.catalogue import Catalogue, load_catalogue
from socialnlp_assets.nlp.language import detect
from socialnlp_assets.settings import Profile
from socialnlp_assets.yaml_files import NotYaml, YamlFile, findings, remedy

BUILT_IN = Path(__file__).parent / "workflows"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Owner = Annotated[str, Field(pattern=r"^(team:.+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7})$")]

# Of the lake's own folders, of our jobs, of Dagster and of Python.
_TAKEN = {"landing", "quarantine", "output", "leases", "retention", "pull_sprinklr", "pull_google_maps"} | {
    *("arg_dict", "bool", "conf", "config", "context", "dict", "float", "input", "input_arg_dict", "int", "meta"),
    *("output_arg_dict", "str", "type"),
    *kwlist,
}


class WorkflowError(ValueError):
    """One or more workflow files do not fit; the message has a line a mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Strict):
    """Where the messages come from. `dropped`: somebody else puts files into the landing area."""

    kind: Literal["sprinklr", "google_maps", "dropped"]
    languages: tuple[Language, ...] = Field(min_length=1)
    place_type: str | None = None


class Translations(_Strict):
    model: str = "translator"
    google: tuple[Language, ...] = ()  # languages that Google Cloud Translation takes


class FilteredText(_Strict):
    model: str = "normalizer"


class Enrichments(_Strict):
    """Only articles are enriched; nothing to choose."""


class Classifications(_Strict):
    model: str
    only: Literal["social", "article", "review"] | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)


class Sentiments(_Strict):
    sentiment: str = "sentiment"
    emotion: str = "emotion"


class Keywords(_Strict):
    model: str = "keywords"
    top: int = Field(default=10, ge=1, le=100)


class Summaries(_Strict):
    model: str = "summarizer"


class Steps(_Strict):
    """The steps between `posts` and `output`, in data order; a step that is not named does not run."""

    translations: Translations | None = None
    filtered_text: FilteredText | None = None
    enrichments: Enrichments | None = None
    classifications: Classifications | None = None
    sentiments: Sentiments | None = None
    keywords: Keywords | None = None
    themes: Classifications | None = None
    summaries: Summaries | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_bare_step_takes_its_defaults(cls, value: Any) -> Any:
        return {k: {} if v is None else v for k, v in value.items()} if isinstance(value, dict) else value

    def named(self) -> dict[str, _Strict]:
        """The steps that run, by name, in data order."""
        return {name: step for name in type(self).model_fields if (step := getattr(self, name)) is not None}


_STEP_CLASSES: dict[str, type[BaseModel]] = {
    "translations": Translations,
    "filtered_text": FilteredText,
    "enrichments": Enrichments,
    "classifications": Classifications,
    "sentiments": Sentiments,
    "keywords": Keywords,
    "themes": Classifications,
    "summaries": Summaries,
}
_PARTS: dict[str, type[BaseModel]] = {"source": Source, "steps": Steps}

# What a model must do to serve in a step's field.
_TASKS: dict[tuple[str, str], tuple[str, ...]] = {
    ("translations", "model"): ("translation",),
    ("filtered_text", "model"): ("normalisation",),
    ("classifications", "model"): ("multi-label", "aspects"),
    ("themes", "model"): ("multi-label",),
    ("sentiments", "sentiment"): ("text-classification",),
    ("sentiments", "emotion"): ("text-classification",),
    ("keywords", "model"): ("keywords",),
    ("summaries", "model"): ("summarization",),
}


class Workflow(_Strict):
    """One workflow."""

    name: Name
    description: str
    owners: tuple[Owner, ...] = ()
    source: Source
    steps: Steps

    def models(self) -> list[str]:
        """The logical names of the endpoints that an hour needs, in order of use."""
        fields = (getattr(self.steps, step, None) for step, _ in _TASKS)
        names = (getattr(step, field) for step, (_, field) in zip(fields, _TASKS, strict=True) if step is not None)
        return list(dict.fromkeys(names))


def load_workflow(path: Path, catalogue: Catalogue | None = None, profile: Profile | None = None) -> Workflow:
    """Read and validate one file. Raises `WorkflowError` with file, line and remedy for each mistake.

    With a `profile`, the workflow's languages must be some that its models know: that takes a second to tell.
    """
    try:
        file = YamlFile.read(path)
    except NotYaml as error:
        raise WorkflowError(f"{error}; compare with workflows/sprinklr.yaml") from None
    if not isinstance(file.content, dict):
        raise WorkflowError(f"{path}:1: a workflow is a mapping with name, description, source and steps")
    problems = list(file.repeated())
    try:
        workflow = Workflow.model_validate(file.content)
    except ValidationError as error:
        problems += [(tuple(found["loc"]), _remedy(found)) for found in findings(map(dict, error.errors()))]
    else:
        problems += list(_misfits(workflow, catalogue or load_catalogue(), profile))
    if problems:
        raise WorkflowError("\n".join(file.told(location, text, "workflow") for location, text in problems))
    if workflow.name != path.stem:
        raise WorkflowError(
            f"{path}:{file.line(('name',))}: name: {workflow.name!r} must be the file's own name; "
            f"write `name: {path.stem}` or rename the file"
        )
    return workflow


def load_workflows(*folders: Path, profile: Profile | None = None) -> dict[str, Workflow]:
    """Every ``*.yaml`` of the built-in folder and of `folders`, by name. Raises `WorkflowError` naming all mistakes."""
    workflows: dict[str, Workflow] = {}
    mistakes: list[str] = []
    for folder in (BUILT_IN, *folders):
        if not folder.is_dir():
            mistakes.append(f"{folder}: no such folder; make it or unset SOCIALNLP_WORKFLOWS")
        for path in sorted(folder.glob("*.yaml")):
            try:
                workflow = load_workflow(path, profile=profile)
                if workflow.name in workflows:
                    raise WorkflowError(f"{path}:1: name: {workflow.name!r} is taken by another file; choose another")
                workflows[workflow.name] = workflow
            except WorkflowError as error:
                mistakes.append(str(error))
    if mistakes:
        raise WorkflowError("\n".join(mistakes))
    return workflows


def _misfits(
    workflow: Workflow, catalogue: Catalogue, profile: Profile | None
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is well-formed but cannot work."""
    if workflow.name in _TAKEN:
        yield ("name",), f"{workflow.name!r} means something else here; choose another and rename the file"
    for (step, field), tasks in _TASKS.items():
        options = getattr(workflow.steps, step)
        if options is None:
            continue
        name = getattr(options, field)
        fitting = [n for n in catalogue.names() if catalogue[n].task in tasks]
        if name not in fitting:
            what = f"does {catalogue[name].task}" if name in catalogue.names() else "is not in the catalogue"
            yield ("steps", step, field), f"the model {name!r} {what}; choose one of {', '.join(fitting)}"
    foreign = [language for language in workflow.source.languages if language != "en"]
    if foreign and workflow.steps.translations is None:
        yield (
            ("source", "languages"),
            f"{', '.join(foreign)} would stay untranslated; add the step `translations:` or leave only en",
        )
    google = workflow.steps.translations.google if workflow.steps.translations else ()
    for position, language in enumerate(google):
        if language not in foreign:
            yield (
                ("steps", "translations", "google", position),
                f"no message in {language!r} is translated; add it to the source's languages or take it out here",
            )
    if profile:
        yield from _unknown_languages(workflow, catalogue, profile)
    if workflow.source.kind == "google_maps" and not workflow.source.place_type:
        yield ("source",), "google_maps needs a place_type, such as `place_type: store`"


def _unknown_languages(
    workflow: Workflow, catalogue: Catalogue, profile: Profile
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Languages that no text can be told to be in, and those that the embedded translator does not read."""
    for position, language in enumerate(workflow.source.languages):
        try:
            detect("any text", [language])  # as `posts` does where a source names no language
        except ValueError:
            known = "write the ISO 639-1 code of a language, such as it"
            yield ("source", "languages", position), f"no text can be told to be in {language!r}; {known}"
    translations = workflow.steps.translations
    if profile is not Profile.EMBEDDED or translations is None or translations.model not in catalogue.names():
        return
    model = json.loads((catalogue[translations.model].embedded.path / "model.json").read_text(encoding="utf-8"))
    reads = [*model.get("languages", ()), "en"]
    if unknown := [c for c in workflow.source.languages if c not in (*reads, *translations.google)]:
        yield (
            ("source", "languages"),
            f"the embedded {translations.model} does not read {', '.join(unknown)}, only {', '.join(reads)}; take that "
            f"out, or write `translations: {{google: [{', '.join(unknown)}]}}`",
        )


_FITTING = {"name": "lower-case letters, digits and _", "owners": "an e-mail address or team:name"}


def _remedy(error: Any) -> str:
    """A sentence that says what to do about one of pydantic's findings."""
    location = tuple(error["loc"])
    model: type[BaseModel] = Workflow
    if len(location) > 2 and location[0] == "steps":
        model = _STEP_CLASSES[str(location[1])]
    elif len(location) > 1:
        model = _PARTS[str(location[0])]
    return remedy(error, list(model.model_fields), _FITTING, "an ISO 639-1 code such as it")
