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

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance, content_type_conformance]
ROUTES = """
/ping /invocations /execution-parameters /models /models/{name} /models/{name}/invoke /openapi.json
"""


def test_the_document_describes_every_route(themes: Server) -> None:
    paths = themes.get("/openapi.json").json()["paths"]
    assert sorted(paths) == sorted(ROUTES.split())


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
