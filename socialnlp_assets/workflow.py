"""What `workflows/*.yaml` may say, and how it is read.

A workflow is one file: where its messages come from, which steps they go through, with which models.
Every mistake in one is reported with the file, the line and the remedy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from keyword import kwlist
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from socialnlp_assets.models.catalogue import Catalogue, Task, load_catalogue
from socialnlp_assets.nlp.language import detect
from socialnlp_assets.settings import Profile
from socialnlp_assets.sources import known_sources
from socialnlp_assets.sources.section import SourceSection, named_kinds, options_class
from socialnlp_assets.sources.source import Language

BUILT_IN = Path(__file__).parent / "workflows"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Owner = Annotated[str, Field(pattern=r"^(team:.+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7})$")]

# Of the lake's own folders, of our jobs, of Dagster and of Python.
_TAKEN = {"landing", "quarantine", "output", "leases", "retention"} | {
    *("arg_dict", "bool", "conf", "config", "context", "dict", "float", "input", "input_arg_dict", "int", "meta"),
    *("output_arg_dict", "str", "type"),
    *kwlist,
}


class WorkflowError(ValueError):
    """One or more workflow files do not fit; the message has a line a mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
_PARTS: dict[str, type[BaseModel]] = {"steps": Steps}

# What a model must do to serve in a step's field.
_TASKS: dict[tuple[str, str], tuple[Task, ...]] = {
    ("translations", "model"): (Task.TRANSLATION,),
    ("filtered_text", "model"): (Task.NORMALISATION,),
    ("classifications", "model"): (Task.MULTI_LABEL, Task.ASPECTS),
    ("themes", "model"): (Task.MULTI_LABEL,),
    ("sentiments", "sentiment"): (Task.TEXT_CLASSIFICATION,),
    ("sentiments", "emotion"): (Task.TEXT_CLASSIFICATION,),
    ("keywords", "model"): (Task.KEYWORDS,),
    ("summaries", "model"): (Task.SUMMARIZATION,),
}


class Workflow(_Strict):
    """One workflow."""

    name: Name
    description: str
    owners: tuple[Owner, ...] = ()
    source: SourceSection
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
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: the 45th of a month, text not UTF-8
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        raise WorkflowError(f"{path}:{line}: not YAML: {problem}; compare with workflows/sprinklr.yaml") from None
    if not isinstance(data, dict):
        raise WorkflowError(f"{path}:1: a workflow is a mapping with name, description, source and steps")
    problems: list[tuple[tuple[str | int, ...], str]] = list(_repeated(node))
    try:
        workflow = Workflow.model_validate(data)
    except ValidationError as error:
        inner = {tuple(e["loc"])[:-1] for e in error.errors()}  # a list is "too short" for its faulty items too
        problems += [
            (tuple(e["loc"]), _remedy(tuple(e["loc"]), dict(e), data))
            for e in error.errors()
            if e["type"] != "too_short" or tuple(e["loc"]) not in inner
        ]
    else:
        problems += list(_misfits(workflow, catalogue or load_catalogue(), profile))
    if problems:
        lines = [
            f"{path}:{_line(node, loc)}: {'.'.join(map(str, loc)) or 'workflow'}: {text}" for loc, text in problems
        ]
        raise WorkflowError("\n".join(lines))
    if workflow.name != path.stem:
        raise WorkflowError(
            f"{path}:{_line(node, ('name',))}: name: {workflow.name!r} must be the file's own name; "
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


def _repeated(
    node: yaml.Node | None, location: tuple[str, ...] = (), above: tuple[yaml.Node, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Fields that are there twice, of which YAML would silently take the last, or inside themselves."""
    if not isinstance(node, yaml.MappingNode):
        return
    if node in above:
        yield location, "is inside itself, by an anchor; write out what it holds"
        return
    names = [key.value for key, _ in node.value]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield (*location, name), "is there twice; leave one of them"
    for key, value in node.value:
        yield from _repeated(value, (*location, key.value), (*above, node))


def _misfits(
    workflow: Workflow, catalogue: Catalogue, profile: Profile | None
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is well-formed but cannot work."""
    if workflow.name in _TAKEN or workflow.name in {f"pull_{source}" for source in known_sources()}:
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


def _remedy(location: tuple[str | int, ...], error: dict[str, Any], data: dict[str, Any]) -> str:
    """A sentence that says what to do about one of pydantic's findings."""
    if error["type"] == "extra_forbidden":
        model: type[BaseModel] = Workflow
        if len(location) > 1:
            model = options_class(named_kinds(data["source"])) if location[0] == "source" else _PARTS[str(location[0])]
        if len(location) > 2:
            model = _STEP_CLASSES[str(location[1])]
        known = list(model.model_fields)
        close = get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known) or 'nothing'}"
        return f"there is no such field; {hint}"
    if error["type"] == "missing":
        return f"is missing; add `{location[-1]}:`"
    if error["type"] == "string_pattern_mismatch":
        field = [part for part in location if isinstance(part, str)][-1]
        fitting = _FITTING.get(field, "an ISO 639-1 code such as it")
        return f"{error['input']!r} does not fit; write {fitting}"
    if error["type"] == "too_short":
        return "is empty; name at least one"
    if error["type"] == "source":  # it says itself what to do
        return str(error["msg"])
    return f"{error['msg']} (got {error['input']!r})"


def _line(node: yaml.Node | None, location: tuple[str | int, ...]) -> int:
    """The 1-based line of the deepest node on the way to `location`."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            # Of a repeated field the last counts, as it does for YAML.
            found = next(((k, v) for k, v in reversed(node.value) if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        else:
            break
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
