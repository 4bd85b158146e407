"""The API keeps to its own OpenAPI document, whatever is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from segue.service.app import create_app
from segue.service.gate import API
from segue.service.serving import Serving

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


ROUTES = [
    (method, path)
    for path, methods in create_app(Serving(Path("nowhere"))).openapi()["paths"].items()
    for method in methods
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_answers_are_as_the_document_says(serving: Serving, method: str, path: str) -> None:
    document = schemathesis.openapi.from_asgi(f"{API}/openapi.json", create_app(serving))

    @given(case=document[path][method].as_strategy())
    @settings(max_examples=15, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()


def test_the_document_describes_everything(client: TestClient) -> None:
    document = client.get(f"{API}/openapi.json").json()
    assert {path.removeprefix(API) for path in document["paths"]} == {
        "/search", "/complete", "/complete/batch", "/vibe", "/similar", "/reasons", "/subgraph",
        "/tracks/{track_id}", "/artists/{artist_id}", "/playlists/{playlist_id}", "/health",
        "/ready", "/version", "/metrics",
    }  # fmt: skip
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert "HTTPValidationError" not in str(operation)
    for name, model in document["components"]["schemas"].items():
        assert model.get("description"), name
    limits = document["components"]["schemas"]["Complete"]["properties"]["n"]
    assert (limits["minimum"], limits["maximum"], limits["default"]) == (1, 500, 20)


def test_the_page_of_docs_names_every_route() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    for route in create_app(Serving(Path("nowhere"))).openapi()["paths"]:
        assert f"`{route.removeprefix(API).replace('_id}', '_id}')}" in page, route
