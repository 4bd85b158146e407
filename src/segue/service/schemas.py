"""Shared parts of the API's questions, and the schema of errors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from segue.recommend.filters import Filters
from segue.recommend.ranking import ListOptions
from segue.scoring import questions

# Limits stated in the API's document.
MAX_N = 500
MAX_TRACKS = 500
MAX_FILTER = 5000
MAX_SONGS = 5000
MAX_BATCH = 64
MAX_OWN = 5000
MAX_PLAYLISTS = 500
MAX_TIDY = 1000
MAX_TEXT = 200


def _text(value: Any) -> Any:
    """An integer as its digits: many data sets number their playlists."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500),
    BeforeValidator(_text, json_schema_input_type=str | int),
]
# A song of a list to match, whose empty lines are missing songs.
Line = Annotated[
    str,
    StringConstraints(max_length=500),
    BeforeValidator(_text, json_schema_input_type=str | int),
]
Ids = Annotated[list[Id], Field(max_length=MAX_TRACKS)]
OwnIds = Annotated[list[Id], Field(max_length=MAX_OWN)]
FilterIds = Annotated[list[Id], Field(max_length=MAX_FILTER)]
Title = Annotated[
    str,
    Field(
        max_length=MAX_TEXT,
        description="What the playlist is called, such as `sunday morning coffee`; for a bundle "
        "that has learned words of titles.",
    ),
]
WhichQuestion = Annotated[
    questions.Question,
    Field(
        description="Of songs whose order is known: `fit`, what fits them as a whole; `next`, what "
        "comes next (songs that are given are then in order); `either`, a list for both."
    ),
]
N = Annotated[int, Field(ge=1, le=MAX_N, description="Length of the list.")]
Dial = Annotated[
    float,
    Field(
        ge=-1, le=1, allow_inf_nan=False,
        description="From −1, mainstream, through 0, the model itself, to 1, deep cuts.",
    ),
]  # fmt: skip
Variety = Annotated[
    float,
    Field(
        ge=0, le=1, allow_inf_nan=False,
        description="How far tracks by the artists of the songs are held back: from 0, not at all, "
        "to 1, so far that they are as rare in lists as in playlists.",
    ),
]  # fmt: skip


class Question(BaseModel):
    """A JSON object with no other fields, and strictly typed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ListFilters(Question):
    """What a list may contain. A filter never shortens a list while other tracks pass it."""

    exclude_tracks: FilterIds = Field(default_factory=list, description="Exclude these tracks.")
    exclude_artists: FilterIds = Field(
        default_factory=list, description="Exclude tracks by these artists."
    )
    only_tracks: FilterIds | None = Field(default=None, description="Only these tracks.")
    only_artists: FilterIds | None = Field(
        default=None, description="Only tracks by these artists."
    )
    max_per_artist: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="At most this many tracks by one artist."
    )
    max_per_album: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="At most this many tracks from one album."
    )
    other_versions: bool = Field(
        default=True,
        description="False: no live, remastered … version of a song already there.",
    )
    equal_songs: bool = Field(
        default=False,
        description="False: no song already there under another id (for many playlists at once "
        "they are listed).",
    )


class ListQuestion(Question):
    """The options of every list of tracks."""

    n: N = 10
    question: WhichQuestion = "either"
    dial: Dial = 0.0
    diversity: float = Field(
        default=0.0, ge=0, le=1, allow_inf_nan=False,
        description="Tracks less like each other, up to 1.",
    )  # fmt: skip
    variety: Variety = 1.0
    reasons: bool = Field(
        default=False,
        description="Name playlists that hold both a recommended track and some of the query.",
    )
    filters: ListFilters = ListFilters()

    def options(self) -> ListOptions:
        """In the form that the recommender takes."""
        filters = Filters(**self.filters.model_dump())
        return {
            "dial": self.dial,
            "diversity": self.diversity,
            "variety": self.variety,
            "filters": filters,
        }


def one_of(*names: str) -> ConfigDict:
    """JSON schema for a model of which exactly one of some fields must be given."""
    given: list[Any] = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names
    ]
    return ConfigDict(json_schema_extra={"oneOf": given})


def check_one_of(question: BaseModel, *names: str) -> None:
    """Raise ValueError unless exactly one of some fields is given."""
    if sum(getattr(question, name) is not None for name in names) != 1:
        raise ValueError(f"exactly one of {' and '.join(names)} must be given")


class Error(BaseModel):
    """What went wrong."""

    error: str = Field(description="One clear sentence.")
    candidates: list[str] = Field(
        default_factory=list, description="Near matches, if a name matches nothing or several."
    )
