"""A workflow as a Dagster component, for anybody's `dg` project.

`type: socialnlp_assets.ListeningWorkflow` in a `defs.yaml`; its attributes are what a workflow file of ours may say,
read and checked as one. The first of a project's workflows brings what a project has once: the landing areas, the care
of endpoints and of old messages, the data mart with its reports, and the resources that the project does not define
itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any, Self

import dagster as dg
import yaml
from pydantic import BaseModel, ConfigDict, RootModel

from socialnlp_assets.models import load_catalogue
from socialnlp_assets.settings import Settings
from socialnlp_assets.starting_file import starting_file
from socialnlp_assets.workflow import Workflow, WorkflowError, read_workflow

TYPE = "socialnlp_assets.ListeningWorkflow"
FILES = ("defs.yaml", "defs.yml", "component.yaml")  # where Dagster looks for components


class Attributes(RootModel[dict[str, Any]]):
    """Whatever is written: what does not fit is told by `ListeningWorkflow`, with file, line and remedy."""

    model_config = ConfigDict(json_schema_extra={"properties": {name: {} for name in Workflow.model_fields}})


class StartingFile(dg.Scaffolder[Any]):
    """Writes the starting file of `socialnlp workflows new` as a component's `defs.yaml`."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        attributes = starting_file(request.target_path.name)
        text = f"type: {TYPE}\n\nattributes:\n{indent(attributes, '  ')}"
        (request.target_path / FILES[0]).write_text(text, encoding="utf-8")


@dg.scaffold_with(StartingFile)
class ListeningWorkflow(dg.Component):
    """An hourly workflow: messages become translated, cleaned, classified, summarised and quality-checked tables.

    The attributes are those of a workflow file: name, description, owners, source, steps.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        return Attributes

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Raises `WorkflowError` with file, line and remedy for each mistake."""
        written = attributes.root if isinstance(attributes, Attributes) else {}
        path, node = _place(context.path, written)
        settings = Settings()
        data = context.resolution_context.resolve_value(written)  # {{ env.… }} and the like
        return cls(read_workflow(data, node, path, load_catalogue(settings.models), settings.profile))

    def _runs(self, settings: Settings) -> bool:
        return self.workflow.enabled or self.workflow.name in settings.enable

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Raises `WorkflowError` where two workflows of the project have one name."""
        from socialnlp_assets.definitions import (
            all_resources,
            installation_definitions,
            landing_definitions,
            mart_definitions,
            workflow_definitions,
        )

        settings = Settings()
        if not self._runs(settings):
            return dg.Definitions()
        found = context.component_tree.get_all_components(of_type=ListeningWorkflow)
        running = [component for component in found if component._runs(settings)]
        workflows = [component.workflow for component in running]
        if [workflow.name for workflow in workflows].count(self.workflow.name) > 1:
            raise WorkflowError(f"{context.path}: name: {self.workflow.name!r} is taken by another; choose another")
        mine = workflow_definitions(self.workflow, settings)
        if running[0] is not self:
            return mine
        theirs = set(_resources_of_project(context))
        resources = {name: value for name, value in all_resources(settings).items() if name not in theirs}
        return dg.Definitions.merge(
            mine,
            landing_definitions(workflows, settings),
            installation_definitions(workflows, settings),
            mart_definitions(workflows, settings),
            dg.Definitions(resources=resources),
        )


def _place(path: Path, attributes: dict[str, Any]) -> tuple[Path, yaml.Node | None]:
    """The file and the node where `attributes` are written; a file may have several components."""
    file = next((path / name for name in FILES if (path / name).is_file()), path)
    if not file.is_file() or file.suffix == ".py":
        return file, None
    text = file.read_text(encoding="utf-8")
    nodes = [
        {key.value: value for key, value in document.value}.get("attributes")
        for document in yaml.compose_all(text, Loader=yaml.SafeLoader)
    ]
    written = [document.get("attributes") or {} for document in yaml.safe_load_all(text)]
    return file, nodes[written.index(attributes)] if attributes in written else None


def _resources_of_project(context: dg.ComponentLoadContext) -> Iterator[str]:
    """The names of the resources that the Python files of the project's `defs` folder define."""
    for file in context.defs_module_path.glob("*.py"):
        if file.name != "__init__.py":
            yield from context.build_defs(file).resources or {}
