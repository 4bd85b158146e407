"""What the bundle knows about a track, an artist or a playlist, and the graph around it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from segue.names.name_file import Kind
from segue.pictures.compose import snowball
from segue.pictures.nearby import Near, nearby
from segue.recommend.details import ArtistDetails, PlaylistDetails, Track
from segue.service.errors import ERRORS
from segue.service.serving import Served
from segue.service.work import Work


class Node(BaseModel):
    """A node of a picture; x and y run from 0 to 1, from the left and from the top."""

    key: str
    type: Literal["playlist", "track", "artist"]
    id: str
    label: str
    detail: str
    degree: int
    wave: int
    role: str
    group: int
    x: float
    y: float


class Edge(BaseModel):
    """An edge, by the keys of its nodes: a playlist holds a track, or a track is by an artist."""

    source: str
    target: str
    kind: Literal["interaction", "structural"]


class Picture(BaseModel):
    """A piece of the graph, laid out."""

    title: str
    note: str
    layout: str
    groups: list[str]
    nodes: list[Node]
    edges: list[Edge]
    beyond: dict[str, list[Any]]


class Nearby(BaseModel):
    """The one in the middle, then the artists and the tracks nearest to it."""

    nodes: list[Near]


def routes(work: Work) -> APIRouter:
    """A route for each kind of page."""
    api = APIRouter(tags=["browse"], responses=ERRORS)

    @api.get("/subgraph", response_model=Picture)
    async def subgraph(
        an_id: Annotated[str, Query(alias="id", max_length=500)],
        kind: Kind,
        waves: Annotated[int, Query(ge=0, le=3, description="Number of steps from the node.")] = 2,
        limit: Annotated[
            int, Query(ge=0, le=40, description="Maximum nodes of each kind in a wave.")
        ] = 12,
    ) -> Response:
        """Draw the neighbourhood of a track, artist or playlist."""

        def picture(served: Served) -> Any:
            recommender = served.recommender
            rows = recommender.rows
            row = {"track": rows.track, "artist": rows.artist, "playlist": rows.playlist}[kind]
            scene = snowball(
                recommender.bundle,
                (kind, row(an_id)),
                waves=waves,
                limit=limit,
                neighbours=served.neighbours,
            )
            return scene.to_json()

        return await work.answer(picture)

    @api.get("/nearby", response_model=Nearby)
    async def near(
        an_id: Annotated[str, Query(alias="id", max_length=500)],
        kind: Literal["track", "artist"],
        artists: Annotated[int, Query(ge=0, le=40, description="Maximum of artists.")] = 20,
        tracks: Annotated[int, Query(ge=0, le=40, description="Maximum of tracks.")] = 16,
    ) -> Response:
        """Lay out the artists and tracks nearest to one of them, by their vectors."""

        def answer(served: Served) -> Any:
            recommender, rows = served.recommender, served.recommender.rows
            row = rows.track(an_id) if kind == "track" else rows.artist(an_id)
            found = nearby(
                recommender,
                (kind, row),
                artists=artists,
                tracks=tracks,
                neighbours=served.neighbours,
            )
            return {"nodes": found}

        return await work.answer(answer)

    @api.get("/tracks/{track_id:path}", response_model=Track)
    async def track(track_id: str) -> Response:
        """What is known about a track."""
        return await work.answer(lambda served: served.recommender.details.track(track_id))

    @api.get("/artists/{artist_id:path}", response_model=ArtistDetails)
    async def artist(artist_id: str) -> Response:
        """What is known about an artist, with its best-known tracks."""
        return await work.answer(lambda served: served.recommender.details.artist(artist_id))

    @api.get("/playlists/{playlist_id:path}", response_model=PlaylistDetails)
    async def playlist(playlist_id: str) -> Response:
        """The contents of a playlist."""
        return await work.answer(lambda served: served.recommender.details.playlist(playlist_id))

    return api
