"""Errors over HTTP: each is one sentence in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from segue.data.text import shorten
from segue.errors import NameLookupError, SegueError
from segue.service.schemas import Error
from segue.service.work import NothingServedError

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": description}
    for status, description in {
        400: "This bundle cannot answer the question, or the body is not JSON.",
        404: "There is no such playlist, track or artist.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        422: "The question does not have the expected form.",
        500: "A server error; the log has details.",
        503: "The service is busy, or serves no bundle yet.",
    }.items()
}

_INTERNAL = re.compile(r"^constrained-str$|^(function|dict|list)\b.*\[")


def add_error_handlers(app: FastAPI) -> None:
    """Turn every error into a sentence in JSON."""

    @app.exception_handler(SegueError)
    async def of_segue(_: Request, error: SegueError) -> Response:
        return json_response(
            error_content(error), 404 if isinstance(error, NameLookupError) else 400
        )

    @app.exception_handler(RequestValidationError)
    async def of_form(_: Request, error: RequestValidationError) -> Response:
        return json_response({"error": _sentence(error.errors())}, 422)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        path = request.url.path
        sentence = {
            400: "The body cannot be read as JSON.",
            404: f"There is nothing at {path}.",
            405: f"{request.method} is not allowed at {path}.",
        }.get(error.status_code)
        return json_response(
            {"error": sentence or str(error.detail)}, error.status_code, error.headers
        )

    @app.exception_handler(NothingServedError)
    async def of_no_bundle(_: Request, __: NothingServedError) -> Response:
        sentence = "No bundle is served yet; try again in a few seconds."
        return json_response({"error": sentence}, 503, {"retry-after": "5"})


def error_content(error: SegueError) -> dict[str, Any]:
    """The JSON content of an error."""
    if not isinstance(error, NameLookupError):
        return {"error": str(error)}
    candidates = {"candidates": error.candidates} if error.candidates else {}
    return {"error": error.message, **candidates}


def json_response(content: Any, status: int = 200, headers: Any = None) -> Response:
    """A JSON response, whatever text it contains."""
    # A lone surrogate, which JSON can contain, is not valid UTF-8.
    text = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status, headers, media_type="application/json")


def _sentence(errors: Sequence[Any]) -> str:
    """One sentence about what pydantic found: the first problem, and the number of others."""
    first = errors[0]
    said = str(first["msg"]).removeprefix("Value error, ")
    said = said[0].lower() + said[1:]
    if first["type"] == "json_invalid":
        said = str(first["ctx"]["error"])
        return f"The body is not valid JSON: {said[0].lower()}{said[1:]}."
    # Where a value may have several forms, pydantic names its own type for each.
    parts = [str(part) for part in first["loc"][1:]]
    place = ".".join(shorten(part, 60) for part in parts if not _INTERNAL.search(part))
    if not place and first["type"] != "value_error":
        return "The body must be a JSON object, sent as application/json."
    if first["type"].startswith(("greater_than", "less_than")):
        place += f" is {first['input']}"
    sentence = f"{place}: {said}" if place else said[0].upper() + said[1:]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{sentence}{more}."
