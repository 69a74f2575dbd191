"""What `workflows/*.yaml` may say, and how it is read.

A workflow is one file: where its messages come from, which steps they go through, with which models.
Every mistake in one is reported with the file, the line and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from keyword import kwlist
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import core_schema

from socialnlp_assets.assets import step_kinds
from socialnlp_assets.assets.output import Output
from socialnlp_assets.assets.posts import Posts
from socialnlp_assets.assets.profile import HourProfile
from socialnlp_assets.assets.step import DELIVERED, Mistake, Step
from socialnlp_assets.checks import Checks
from socialnlp_assets.hot_topics.rules import RULES, WarningRule
from socialnlp_assets.models.catalogue import Catalogue, EndpointShape, load_catalogue
from socialnlp_assets.nlp.language import detect
from socialnlp_assets.safe_yaml import YamlError, read_yaml
from socialnlp_assets.settings import Profile, Settings
from socialnlp_assets.sources import known_sources
from socialnlp_assets.sources.section import SourceSection, named_kinds, options_class
from socialnlp_assets.yaml_files import line_of, remedy, repeated

BUILT_IN = Path(__file__).parent / "workflows"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Owner = Annotated[str, Field(pattern=r"^(team:.+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7})$")]

# Of the lake's own folders, of our jobs, of Dagster and of Python.
_TAKEN = {"landing", "quarantine", "output", "leases", "retention", "mart", "report", "stage", "models"} | {
    *("labels", "trained", "evaluation", "versions"),
    *("arg_dict", "bool", "conf", "config", "context", "dict", "float", "input", "input_arg_dict", "int", "meta"),
    *("output_arg_dict", "str", "type"),
    *kwlist,
}


def _fitting_shape(text: str) -> str:
    EndpointShape.of(text)
    return text


Shape = Annotated[str, AfterValidator(_fitting_shape)]  # in a word, as `EndpointShape.of` reads it


class WorkflowError(ValueError):
    """One or more workflow files do not fit; the message has a line a mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Steps:
    """The schema of `steps:` a mapping of step kinds, each validated by its own class. In data order, whatever the
    file's; a step without options takes its defaults; one that is not named does not run."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        fields = {
            name: core_schema.typed_dict_field(handler.generate_schema(kind), required=False)
            for name, kind in step_kinds().items()
        }
        return core_schema.no_info_before_validator_function(
            lambda value: {k: {} if v is None else v for k, v in value.items()} if isinstance(value, dict) else value,
            core_schema.typed_dict_schema(fields, extra_behavior="forbid"),
        )


class Workflow(_Strict):
    """One workflow."""

    name: Name
    description: str
    owners: tuple[Owner, ...] = ()
    source: SourceSection
    steps: Annotated[dict[str, Step], _Steps]
    checks: Checks = Checks()
    warnings: tuple[WarningRule, ...] = RULES
    endpoints: dict[str, Shape] = {}  # others than the catalogue's, by model; what the environment says counts more
    enabled: bool = True  # false: it runs only where SOCIALNLP_ENABLE names it

    def assets(self) -> list[str]:
        """The assets that a run of an hour computes, in data order."""
        return [step.name for step in self.all_steps()]

    def models(self) -> list[str]:
        """The logical names of the endpoints that an hour needs, in order of use."""
        return list(dict.fromkeys(model for step in self.steps.values() for model in step.models()))

    def give_places(self, catalogue: Catalogue) -> None:
        """Tell each step which texts the steps before it write."""
        texts, as_written = dict([DELIVERED]), DELIVERED[0]
        for step in self.steps.values():
            step.take_place(dict(texts), as_written, catalogue)
            if step.writes_text:
                texts[step.name] = step.writes_text
            if step.makes_english:
                as_written = step.name

    def posts(self, keeps_personal_data: bool = False) -> Posts:
        """The step before all others."""
        return Posts(source=self.source, needed=tuple(self.models()), keeps_personal_data=keeps_personal_data)

    def output(self) -> Output:
        """The step after all others, which joins them."""
        written = {step.name: step.writes_text for step in self.steps.values() if step.writes_text}
        output = Output(steps=tuple(self.steps.values()))
        output.take_place(dict([DELIVERED]) | written, DELIVERED[0], load_catalogue())
        return output

    def all_steps(self, keeps_personal_data: bool = False) -> tuple[Step, ...]:
        """Every step in data order, from `posts` to what is made of all others."""
        steps = (self.posts(keeps_personal_data), *self.steps.values())
        return (*steps, self.output(), HourProfile(steps=steps))


def load_workflow(path: Path, catalogue: Catalogue | None = None, profile: Profile | None = None) -> Workflow:
    """Read and validate one file. Raises `WorkflowError` with file, line and remedy for each mistake.

    With a `profile`, the workflow's languages must be some that its models know: that takes a second to tell.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data, node = read_yaml(text)
    except YamlError as error:
        raise WorkflowError(f"{path}:{error.line}: {error}; compare with workflows/sprinklr.yaml") from None
    except UnicodeDecodeError as error:
        raise WorkflowError(f"{path}:1: not YAML: {error}; compare with workflows/sprinklr.yaml") from None
    workflow = read_workflow(data, node, path, catalogue, profile)
    if workflow.name != path.stem:
        raise WorkflowError(
            f"{path}:{line_of(node, ('name',))}: name: {workflow.name!r} must be the file's own name; "
            f"write `name: {path.stem}` or rename the file"
        )
    return workflow


def read_workflow(
    data: Any, node: yaml.Node | None, path: Path, catalogue: Catalogue | None = None, profile: Profile | None = None
) -> Workflow:
    """Validate what YAML made of a workflow; `node` is where in `path` it was written. Raises `WorkflowError`."""
    if not isinstance(data, dict):
        raise WorkflowError(f"{path}:1: a workflow is a mapping with name, description, source and steps")
    catalogue = catalogue or load_catalogue()
    problems: list[Mistake] = list(repeated(node))
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
        workflow.give_places(catalogue)
        problems += list(_misfits(workflow, catalogue, profile))
    if problems:
        lines = [
            f"{path}:{line_of(node, loc)}: {'.'.join(map(str, loc)) or 'workflow'}: {text}" for loc, text in problems
        ]
        raise WorkflowError("\n".join(lines))
    return workflow


def load_workflows(
    *folders: Path, catalogue: Catalogue | None = None, profile: Profile | None = None
) -> dict[str, Workflow]:
    """Every ``*.yaml`` of the built-in folder and of `folders`, by name. Raises `WorkflowError` naming all mistakes."""
    workflows: dict[str, Workflow] = {}
    mistakes: list[str] = []
    for folder in (BUILT_IN, *folders):
        if not folder.is_dir():
            mistakes.append(f"{folder}: no such folder; make it or unset SOCIALNLP_WORKFLOWS")
        for path in sorted(folder.glob("*.yaml")):
            try:
                workflow = load_workflow(path, catalogue, profile)
                if workflow.name in workflows:
                    raise WorkflowError(f"{path}:1: name: {workflow.name!r} is taken by another file; choose another")
                workflows[workflow.name] = workflow
            except WorkflowError as error:
                mistakes.append(str(error))
    if mistakes:
        raise WorkflowError("\n".join(mistakes))
    return workflows


def running_workflows(settings: Settings) -> dict[str, Workflow]:
    """The workflows of an installation, by name, without those that are off. Raises `WorkflowError`."""
    folders = [settings.workflows] if settings.workflows else []
    workflows = load_workflows(*folders, catalogue=load_catalogue(settings.models))
    if unknown := sorted(settings.enable - workflows.keys()):
        raise WorkflowError(
            f"SOCIALNLP_ENABLE: no workflow is called {', '.join(unknown)}; there are {', '.join(workflows)}"
        )
    return {name: each for name, each in workflows.items() if each.enabled or name in settings.enable}


def _misfits(workflow: Workflow, catalogue: Catalogue, profile: Profile | None) -> Iterator[Mistake]:
    """What is well-formed but cannot work."""
    if workflow.name in _TAKEN | {f"pull_{source}" for source in known_sources()}:
        yield ("name",), f"{workflow.name!r} means something else here; choose another and rename the file"
    unknown = list(_unknown_models(workflow, catalogue))
    yield from unknown
    languages = workflow.source.languages
    foreign = [language for language in languages if language != "en"]
    if foreign and not any(step.makes_english for step in workflow.steps.values()):
        translating = next(name for name, kind in step_kinds().items() if kind.makes_english)
        yield (
            ("source", "languages"),
            f"{', '.join(foreign)} would stay untranslated; add the step `{translating}:` or leave only en",
        )
    if profile:
        yield from _undetectable(languages)
    if not unknown:
        yield from _shapes_of_none(workflow, catalogue)
        for step in workflow.steps.values():
            yield from step.mistakes(languages, profile)
        expected = {step.name: (step.table().names(), step.plausible()) for step in workflow.all_steps()}
        yield from workflow.checks.mistakes(expected)


def _unknown_models(workflow: Workflow, catalogue: Catalogue) -> Iterator[Mistake]:
    for name, step in workflow.steps.items():
        for option, does in step.model_options().items():
            model = getattr(step, option)
            fitting = [n for n in catalogue.names() if catalogue[n].task in does.tasks]
            if model not in fitting:
                what = f"does {catalogue[model].task}" if model in catalogue.names() else "is not in the catalogue"
                yield ("steps", name, option), f"the model {model!r} {what}; choose one of {', '.join(fitting)}"


def _shapes_of_none(workflow: Workflow, catalogue: Catalogue) -> Iterator[Mistake]:
    """Shapes for what the workflow does not ask, and two for one endpoint."""
    hosts: dict[str, str] = {}
    for model, shape in workflow.endpoints.items():
        if model not in workflow.models():
            asked = ", ".join(workflow.models())
            yield ("endpoints", model), f"no step asks {model!r}; name one of {asked}, or take the line out"
            continue
        host = catalogue.endpoint_of(model)
        if hosts.setdefault(host, shape) != shape:
            yield ("endpoints", model), f"it is on the endpoint of {host}, which has another shape; leave one of them"


def _undetectable(languages: Sequence[str]) -> Iterator[Mistake]:
    for position, language in enumerate(languages):
        try:
            detect("any text", [language])  # as `posts` does where a source names no language
        except ValueError:
            known = "write the ISO 639-1 code of a language, such as it"
            yield ("source", "languages", position), f"no text can be told to be in {language!r}; {known}"


_FITTING = {"name": "lower-case letters, digits and _", "owners": "an e-mail address or team:name"}


def _remedy(location: tuple[str | int, ...], error: dict[str, Any], data: dict[str, Any]) -> str:
    """A sentence that says what to do about one of pydantic's findings."""
    if error["type"] == "source":  # it says itself what to do
        return str(error["msg"])
    known = list(_fields(location[:-1], data)) if error["type"] == "extra_forbidden" else []
    return remedy(error, known, _FITTING, "an ISO 639-1 code such as it")


def _fields(location: tuple[str | int, ...], data: dict[str, Any]) -> Iterable[str]:
    """The fields that there may be in the part of a workflow at `location`."""
    match location:
        case ():
            return Workflow.model_fields
        case ("checks",):
            return Checks.model_fields
        case ("warnings", *_):
            return WarningRule.model_fields
        case ("steps",):
            return step_kinds()
        case ("steps", str(name)):
            return step_kinds()[name].model_fields
        case _:
            return options_class(named_kinds(data["source"])).model_fields
