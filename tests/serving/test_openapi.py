"""Requests made up from `/openapi.json` get what it promises, and never bring the server down."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from model_servers import Server
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from socialnlp_assets.serving.openapi import document

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance, content_type_conformance]


def test_the_document_describes_every_route_and_every_tasks_parameters(themes: Server) -> None:
    document = themes.get("/openapi.json").json()
    routes = "/ping /invocations /execution-parameters /models /models/{name} /models/{name}/invoke /openapi.json"
    assert sorted(document["paths"]) == sorted(routes.split())
    assert sorted(document["paths"]["/models"]) == ["get", "post"]
    summarization = document["components"]["schemas"]["Parameters-summarization"]["properties"]
    assert summarization["max_length"] == {"type": "integer", "minimum": 1, "maximum": 1024, "default": 300}


def test_a_route_that_is_added_is_described_without_a_word_here() -> None:
    async def forget(_: Request) -> Response:
        """Forget what was said."""
        return Response()

    paths = document([Route("/memory/{what}", forget, methods=["DELETE"])])["paths"]
    operation = paths["/memory/{what}"]["delete"]
    assert operation["summary"] == "Forget what was said"
    assert [parameter["name"] for parameter in operation["parameters"]] == ["what"]


OPERATIONS = [
    ("/ping", "GET"),
    ("/invocations", "POST"),
    ("/models", "GET"),
    ("/models", "POST"),
    ("/models/{name}", "GET"),
    ("/models/{name}/invoke", "POST"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_made_up_requests_get_what_the_document_promises(themes: Server, path: str, method: str) -> None:
    operation = schemathesis.openapi.from_url(f"{themes.url}/openapi.json")[path][method]

    @given(case=operation.as_strategy())
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, timeout=30)

    check()
    assert themes.get("/ping").status == 200
