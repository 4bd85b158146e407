"""The state of the service: probes, Prometheus metrics, and the bundle served."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

import segue
from segue.service.errors import ERRORS, json_response
from segue.service.metrics import Metrics
from segue.service.serving import Serving
from segue.service.work import NothingServedError


class BundleFacts(BaseModel):
    """The bundle being served."""

    fingerprint: str = Field(description="SHA-256 of the bundle's manifest.")
    num_tracks: int
    num_artists: int
    num_playlists: int
    has_playlists: bool = Field(description="Whether playlists can be named and drawn.")
    has_titles: bool = Field(description="Whether lists can be asked for by a title.")
    loaded_at: str = Field(description="When it was loaded, in UTC (ISO 8601).")


class Version(BaseModel):
    """The program and the bundle."""

    version: str
    bundle: BundleFacts | None
    failure: str | None = Field(
        description="Why the bundle now in the folder could not be loaded, if so."
    )


class Status(BaseModel):
    """A status word for probes."""

    status: Literal["ok", "ready"]


def routes(serving: Serving, metrics: Metrics) -> APIRouter:
    """Health, readiness, version and metrics."""
    state = APIRouter(tags=["service"])

    @state.get("/health", response_model=Status)
    async def health() -> Response:
        """Report that the process is alive."""
        return json_response({"status": "ok"})

    @state.get("/ready", response_model=Status, responses={503: ERRORS[503]})
    async def ready() -> Response:
        """Report whether a bundle is served."""
        if serving.current is None:
            raise NothingServedError
        return json_response({"status": "ready"})

    @state.get("/version", response_model=Version)
    async def version() -> Response:
        """Name the program and the bundle."""
        served, facts = serving.current, None
        if served is not None:
            bundle = served.recommender.bundle
            facts = {
                "fingerprint": served.fingerprint,
                "num_tracks": bundle.catalog.num_tracks,
                "num_artists": len(bundle.catalog.artists),
                "num_playlists": 0 if bundle.playlists is None else len(bundle.playlists),
                "has_playlists": bundle.playlists is not None,
                "has_titles": bundle.word_weight is not None,
                "loaded_at": served.loaded_at.isoformat(),
            }
        return json_response(
            {"version": segue.__version__, "bundle": facts, "failure": serving.failure}
        )

    @state.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
    async def figures() -> Response:
        """Metrics for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return state
