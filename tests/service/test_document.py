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
    @settings(max_examples=8, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()


GOOD: dict[str, dict[str, Any]] = {
    "/find": {"query": {"text": "a", "kind": ["track", "artist", "playlist"]}},
    "/read": {"query": {"name": "a.txt"}, "body": b"Artist 3 - Track 3\nArtist 4 - Track 4"},
    "/export": {"body": {"tracks": ["segue:track:1"], "format": "csv"}},
    "/title": {"body": {"playlist": "7", "n": 2}},
    "/match": {"body": {"songs": ["Track 8", {"title": "Track 3", "artists": ["?"]}, "?"]}},
    "/complete": {"body": {"playlist": "7", "reasons": True, "dial": 0.5}},
    "/recommend": {"body": {"playlists": [{"playlist": "7"}, {"tracks": ["?"]}], "n": 3}},
    "/vibe": {"body": {"tracks": ["segue:track:1"], "artists": ["segue:artist:1"]}},
    "/similar": {"body": {"artist": "segue:artist:1"}},
    "/why": {"body": {"track": "segue:track:1", "playlist": "7", "dial": 1}},
    "/sort": {"body": {"tracks": ["segue:track:1", "?"], "into": {"mine": ["segue:track:2"]}}},
    "/tidy": {"body": {"tracks": ["segue:track:1", "segue:track:2", "?"], "parts": 2}},
    "/subgraph": {"query": {"kind": "artist", "id": "segue:artist:1"}},
    "/nearby": {"query": {"kind": "track", "id": "segue:track:1"}},
    "/tracks/{track_id}": {"path_parameters": {"track_id": "segue:track:1"}},
    "/artists/{artist_id}": {"path_parameters": {"artist_id": "segue:artist:1"}},
    "/playlists/{playlist_id}": {"path_parameters": {"playlist_id": "7"}},
    **{path: {} for path in ("/health", "/ready", "/version", "/metrics")},
}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_good_answers_are_as_the_document_says(serving: Serving, method: str, path: str) -> None:
    """Ids that are made up find nothing; these do."""
    document = schemathesis.openapi.from_asgi(f"{API}/openapi.json", create_app(serving))
    media = "application/octet-stream" if path.endswith("/read") else "application/json"
    body = {"media_type": media} if "body" in GOOD[path.removeprefix(API)] else {}
    case = document[path][method].Case(**GOOD[path.removeprefix(API)], **body)
    assert case.call_and_validate(checks=CHECKS).status_code == 200


def test_the_document_describes_everything(client: TestClient) -> None:
    document = client.get(f"{API}/openapi.json").json()
    assert {path.removeprefix(API) for path in document["paths"]} == {
        "/read", "/export", "/title", "/find", "/match",
        "/complete", "/recommend", "/vibe", "/similar", "/why", "/sort", "/tidy",
        "/subgraph", "/nearby",
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
    assert (limits["minimum"], limits["maximum"], limits["default"]) == (1, 500, 10)


def test_the_page_of_docs_names_every_route() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    for route in create_app(Serving(Path("nowhere"))).openapi()["paths"]:
        assert f"`{route.removeprefix(API).replace('_id}', '_id}')}" in page, route
