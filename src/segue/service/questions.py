"""What may be asked, and the form of errors: the models of the API's document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from segue.recommend.filters import Filters
from segue.recommend.lists import Recommendations
from segue.recommend.recommender import ListOptions

# Limits that the document states.
MAX_N = 500
MAX_TRACKS = 500
MAX_FILTER = 5000
MAX_BATCH = 64
MAX_TEXT = 200


def _text(value: Any) -> Any:
    """A whole number as its digits: many data sets number their playlists."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500),
    BeforeValidator(_text, json_schema_input_type=str | int),
]
Ids = Annotated[list[Id], Field(max_length=MAX_TRACKS)]
FilterIds = Annotated[list[Id], Field(max_length=MAX_FILTER)]
N = Annotated[int, Field(ge=1, le=MAX_N, description="Length of the list.")]
Dial = Annotated[
    float,
    Field(
        ge=-1, le=1, allow_inf_nan=False,
        description="From −1, mainstream, over 0, the model itself, to 1, deep cuts.",
    ),
]  # fmt: skip


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ListFilters(_Question):
    """What a list may hold. A filter never shortens a list while other tracks pass it."""

    exclude_tracks: FilterIds = Field(default_factory=list, description="Not these tracks.")
    exclude_artists: FilterIds = Field(
        default_factory=list, description="Nothing by these artists."
    )
    only_tracks: FilterIds | None = Field(default=None, description="Nothing but these tracks.")
    only_artists: FilterIds | None = Field(
        default=None, description="Nothing but tracks by these artists."
    )
    max_per_artist: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="At most so many tracks by one artist."
    )
    max_per_album: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="At most so many tracks of one album."
    )
    other_versions: bool = Field(
        default=True,
        description="False: no live, remastered … version of a song that is there.",
    )


class _ListOptions(_Question):
    n: N = 10
    dial: Dial = 0.0
    diversity: float = Field(
        default=0.0, ge=0, le=1, allow_inf_nan=False, description="Less of the same, up to 1."
    )
    reasons: bool = Field(
        default=False,
        description="Name playlists that hold both a track and some asked with.",
    )
    filters: ListFilters = ListFilters()

    def options(self) -> ListOptions:
        """As the recommender takes them."""
        filters = Filters(**self.filters.model_dump())
        return {"dial": self.dial, "diversity": self.diversity, "filters": filters}


def _one_of(*names: str) -> ConfigDict:
    """A model of which just one of some fields is given, as the API's document says it."""
    given: list[Any] = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names
    ]
    return ConfigDict(json_schema_extra={"oneOf": given})


def _just_one(question: BaseModel, *names: str) -> None:
    if sum(getattr(question, name) is not None for name in names) != 1:
        raise ValueError(f"just one of {' and '.join(names)} must be given")


class Playlist(_Question):
    """A playlist: one of the bundle, or the tracks of any other."""

    model_config = _one_of("playlist", "tracks")

    playlist: Id | None = Field(default=None, description="A playlist of the bundle.")
    tracks: Ids | None = Field(
        default=None,
        description="Track ids of a playlist that the bundle need not know. For an empty list "
        "the most popular tracks are given.",
    )
    ordered: bool = Field(default=False, description="Whether the order of `tracks` has a meaning.")

    @model_validator(mode="after")
    def _check(self) -> Playlist:
        _just_one(self, "playlist", "tracks")
        return self


class Complete(Playlist, _ListOptions):
    """A playlist to continue: one of the bundle, or the tracks of any other."""


class Recommend(_ListOptions):
    """Several playlists to continue, all by the same options."""

    playlists: list[Playlist] = Field(min_length=1, max_length=MAX_BATCH)
    n: N = 500


class Vibe(_ListOptions):
    """A few songs and artists to go with; at least one."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"minItems": 1}}}
                for name in ("tracks", "artists")
            ]
        }
    )

    tracks: Ids = Field(default_factory=list, description="Track ids (or names of one track).")
    artists: Ids = Field(default_factory=list, description="Artist ids (or names of one artist).")

    @model_validator(mode="after")
    def _check(self) -> Vibe:
        if not self.tracks and not self.artists:
            raise ValueError("at least one of tracks and artists must be given")
        return self


class Similar(_Question):
    """A track to find tracks like it, or an artist to find artists like it."""

    model_config = _one_of("track", "artist")

    track: Id | None = Field(default=None, description="Id (or name) of a track.")
    artist: Id | None = Field(default=None, description="Id (or name) of an artist.")
    n: N = 10

    @model_validator(mode="after")
    def _check(self) -> Similar:
        _just_one(self, "track", "artist")
        return self


class Why(_Question):
    """A track, and what it is asked to go with: a playlist, or songs and artists."""

    track: Id = Field(description="Id (or name) of the track that is to be explained.")
    playlist: Id | None = Field(default=None, description="The playlist that is completed.")
    tracks: Ids = Field(default_factory=list, description="Tracks that it is to go with.")
    artists: Ids = Field(default_factory=list, description="Artists that it is to go with.")
    ordered: bool = Field(default=False, description="Whether the order of `tracks` has a meaning.")
    dial: Dial = 0.0

    @model_validator(mode="after")
    def _check(self) -> Why:
        if (self.playlist is None) == (not self.tracks and not self.artists):
            raise ValueError("either playlist or at least one of tracks and artists is needed")
        return self


class Error(BaseModel):
    """What went wrong."""

    error: str = Field(description="One clear sentence.")
    candidates: list[str] = Field(
        default_factory=list, description="Where a name stands for nothing or several: the nearest."
    )


class Answers(BaseModel):
    """One answer a playlist, in their order; what is wrong with one does not touch the others."""

    answers: list[Recommendations | Error]


class BundleFacts(BaseModel):
    """The bundle that is served."""

    fingerprint: str = Field(description="SHA-256 of the bundle's manifest.")
    num_tracks: int
    num_artists: int
    num_playlists: int
    has_playlists: bool = Field(description="Whether playlists can be named and drawn.")
    loaded_at: str = Field(description="When it was loaded, in UTC (ISO 8601).")


class Version(BaseModel):
    """The program and the bundle."""

    version: str
    bundle: BundleFacts | None
    failure: str | None = Field(
        description="Why the bundle that is in the folder now could not be taken over, if so."
    )


class Status(BaseModel):
    """A word for machines that watch."""

    status: Literal["ok", "ready"]


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
