"""The OpenAPI document of the server, written by hand: what `/openapi.json` answers."""

from __future__ import annotations

from typing import Any

from socialnlp_assets.serving.errors import TYPES
from socialnlp_assets.serving.headers import ATTRIBUTES, TARGET
from socialnlp_assets.serving.protocol import CONTENT_TYPES, MOST_TEXTS

_JSON = "application/json"


def _reply(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): _reply(TYPES[status], {"$ref": "#/components/schemas/Error"}) for status in statuses}


def _texts(texts: str, parameters: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [texts],
        "additionalProperties": False,
        "properties": {
            texts: {"type": "array", "maxItems": MOST_TEXTS, "items": {"type": "string"}},
            parameters: {"type": "object", "description": "by task, see docs/serving.md"},
        },
    }


_HEADERS = [
    {"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in (TARGET, ATTRIBUTES)
]
_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
_RESULTS = {"type": "array", "description": "one result a text, in order", "items": {}}
_MODEL = {"$ref": "#/components/schemas/Model"}
_MODELS = {"type": "object", "required": ["models"], "properties": {"models": {"type": "array", "items": _MODEL}}}


def _invoke(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    body = {"schema": {"$ref": "#/components/schemas/Texts"}}
    lines = {"schema": {"type": "string", "description": "one JSON text or object a line"}}
    content = {name: body if name == _JSON else lines for name in CONTENT_TYPES}
    return {
        "summary": "Predict: one result a text, in order",
        "parameters": parameters,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {
                "description": "results; cut texts are named in the custom attributes",
                "headers": {ATTRIBUTES: {"schema": {"type": "string"}}},
                "content": {
                    name: {"schema": _RESULTS if name == _JSON else {"type": "string"}} for name in CONTENT_TYPES
                },
            },
            **_errors(400, 404, 406, 408, 413, 415, 429, 500, 503),
        },
    }


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Model server",
        "version": "1",
        "description": "SageMaker's container contract; requests as the Hugging Face toolkit's or BlazingText's.",
    },
    "paths": {
        "/ping": {
            "get": {
                "summary": "Is the model loaded and working?",
                "responses": {"200": _reply("it is", _MODELS), **_errors(503)},
            }
        },
        "/invocations": {"post": _invoke(_HEADERS)},
        "/execution-parameters": {
            "get": {
                "summary": "How batch transform should ask",
                "responses": {"200": _reply("the parameters", {"type": "object"})},
            }
        },
        "/models": {
            "get": {"summary": "List the models", "responses": {"200": _reply("the models", _MODELS)}},
            "post": {
                "summary": "Load a model",
                "requestBody": {
                    "required": True,
                    "content": {
                        _JSON: {
                            "schema": {
                                "type": "object",
                                "required": ["model_name", "url"],
                                "properties": {"model_name": {"type": "string"}, "url": {"type": "string"}},
                            }
                        }
                    },
                },
                "responses": {"200": _reply("loaded", _MODEL), **_errors(400, 404, 408, 409, 413, 507)},
            },
        },
        "/models/{name}": {
            "parameters": [_NAME],
            "get": {"summary": "One model", "responses": {"200": _reply("it", _MODEL), **_errors(404)}},
            "delete": {
                "summary": "Unload a model",
                "responses": {"200": _reply("unloaded", {"type": "object"}), **_errors(404)},
            },
        },
        "/models/{name}/invoke": {"post": _invoke([_NAME])},
        "/openapi.json": {"get": {"summary": "This document", "responses": {"200": _reply("it", {"type": "object"})}}},
    },
    "components": {
        "schemas": {
            "Texts": {"oneOf": [_texts("inputs", "parameters"), _texts("instances", "configuration")]},
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
    },
}
