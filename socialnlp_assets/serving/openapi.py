"""The OpenAPI document, made of the server's routes: paths and methods from the router, summaries from the
handlers' docstrings, bodies and errors from what `described` says beside each handler, parameters from the tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.routing import BaseRoute, Route

from socialnlp_assets.serving.errors import TYPES
from socialnlp_assets.serving.headers import TARGET
from socialnlp_assets.tasks import task, task_names
from socialnlp_assets.tasks.reply_body import ATTRIBUTES
from socialnlp_assets.tasks.request_body import CONTENT_TYPES, JSON, MOST_TEXTS, SHAPES

Schema = Mapping[str, Any]
Handler = TypeVar("Handler", bound=Callable[..., Any])

MODEL: Schema = {"$ref": "#/components/schemas/Model"}
MODELS: Schema = {"type": "object", "required": ["models"], "properties": {"models": {"type": "array", "items": MODEL}}}
LOAD: Schema = {
    "type": "object",
    "required": ["model_name", "url"],
    "properties": {"model_name": {"type": "string"}, "url": {"type": "string"}},
}
TEXTS: Schema = {"$ref": "#/components/schemas/Texts"}
RESULTS: Schema = {"type": "array", "description": "one result a text, in order", "items": {}}
LINES: Schema = {"type": "string", "description": "one JSON value a line"}


def described(
    *errors: int, reply: Schema | None = None, body: Schema | None = None, lines: bool = False
) -> Callable[[Handler], Handler]:
    """Says of a handler what it takes and answers: schemas of JSON, the statuses of its errors, and whether JSON
    lines will do as well."""

    def content(schema: Schema) -> dict[str, Any]:
        types = CONTENT_TYPES if lines else (JSON,)
        return {"content": {name: {"schema": schema if name == JSON else LINES} for name in types}}

    def describe(handler: Handler) -> Handler:
        operation: dict[str, Any] = {}
        if body is not None:
            operation["requestBody"] = {"required": True, **content(body)}
        done: dict[str, Any] = {"description": "done", **content(reply or {"type": "object"})}
        if lines:
            done["headers"] = {ATTRIBUTES: {"schema": {"type": "string"}, "description": "names cut texts"}}
            operation["parameters"] = [
                {"name": name, "in": "header", "schema": {"type": "string"}, "description": "names the model"}
                for name in (TARGET, ATTRIBUTES)
            ]
        operation["responses"] = {"200": done, **{str(status): _error(TYPES[status]) for status in errors}}
        handler.operation = operation  # type: ignore[attr-defined]
        return handler

    return describe


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document that describes `routes`."""
    paths: dict[str, Any] = {}
    for route in routes:
        if isinstance(route, Route):
            for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
                paths.setdefault(route.path, {})[method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Model server",
            "version": "1",
            "description": "SageMaker's container contract; requests as the Hugging Face toolkit's or BlazingText's.",
        },
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def _operation(route: Route) -> dict[str, Any]:
    said: dict[str, Any] = getattr(route.endpoint, "operation", {"responses": {"200": {"description": "done"}}})
    summary = (route.endpoint.__doc__ or route.name).strip().partition("\n")[0]
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.param_convertors
    ]
    # The path names the model where it can; the headers do elsewhere.
    parameters = named or said.get("parameters", [])
    return {"summary": summary.rstrip("."), **said, **({"parameters": parameters} if parameters else {})}


def _error(kind: str) -> dict[str, Any]:
    return {"description": kind, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _schemas() -> dict[str, Any]:
    parameters = {f"Parameters-{name}": _parameters(name) for name in task_names()}
    any_task = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in parameters]}
    return {
        "Texts": {"oneOf": [_texts(texts, names, any_task) for texts, names in SHAPES]},
        **parameters,
        "Model": {
            "type": "object",
            "required": ["modelName", "modelUrl"],
            "properties": {"modelName": {"type": "string"}, "modelUrl": {"type": "string"}},
        },
        "Error": {
            "type": "object",
            "required": ["code", "type", "message"],
            "properties": {
                "code": {"type": "integer"},
                "type": {"enum": sorted(set(TYPES.values()))},
                "message": {"type": "string"},
            },
        },
    }


def _texts(texts: str, parameters: str, any_task: Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [texts],
        "additionalProperties": False,
        "properties": {
            texts: {"type": "array", "maxItems": MOST_TEXTS, "items": {"type": "string"}},
            parameters: any_task,
        },
    }


def _parameters(name: str) -> dict[str, Any]:
    known = task(name).parameters
    return {
        "type": "object",
        "description": f"of the task {name}",
        "required": [parameter for parameter, each in known.items() if each.required],
        "additionalProperties": False,
        "properties": {parameter: each.schema for parameter, each in known.items()},
    }
