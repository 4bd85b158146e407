"""The verbs over HTTP: the question of each, and its route."""

from __future__ import annotations

from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from segue.data.reading import read
from segue.errors import SegueError
from segue.names.match import Status
from segue.names.name_file import Kind
from segue.recommend.details import Found
from segue.recommend.lists import Recommendations, SimilarArtists
from segue.recommend.naming import SuggestedTitles
from segue.recommend.reasons import Explanation
from segue.recommend.sort import SortedSongs
from segue.recommend.tidy import TidyReport
from segue.service.errors import ERRORS, error_content
from segue.service.schemas import (
    MAX_BATCH,
    MAX_N,
    MAX_PLAYLISTS,
    MAX_SONGS,
    MAX_TEXT,
    MAX_TIDY,
    Dial,
    Error,
    Id,
    Ids,
    Line,
    ListQuestion,
    N,
    OwnIds,
    Question,
    Title,
    Variety,
    WhichQuestion,
    check_one_of,
    one_of,
)
from segue.service.serving import Served
from segue.service.work import Work


class Playlist(Question):
    """A playlist: one of the bundle, or the tracks of any other."""

    model_config = one_of("playlist", "tracks")

    playlist: Id | None = Field(default=None, description="A playlist of the bundle.")
    tracks: Ids | None = Field(
        default=None,
        description="Track ids of a playlist that the bundle need not know. For an empty list "
        "and no title, the most popular tracks are given.",
    )
    title: Title | None = Field(
        default=None,
        description="What the playlist is called. A playlist of the bundle has its own title by "
        "default; an empty one leaves it out.",
    )
    ordered: bool = Field(default=False, description="Whether the order of `tracks` is meaningful.")

    @model_validator(mode="after")
    def _check(self) -> Playlist:
        check_one_of(self, "playlist", "tracks")
        return self


class Complete(Playlist, ListQuestion):
    """A playlist to continue: one of the bundle, or the tracks of any other."""


class Recommend(ListQuestion):
    """Several playlists to continue, all with the same options; by the score alone by default."""

    playlists: list[Playlist] = Field(min_length=1, max_length=MAX_BATCH)
    n: N = 500
    variety: Variety = 0.0


class Answers(BaseModel):
    """One answer per playlist, in order; an error in one does not affect the others."""

    answers: list[Recommendations | Error]


class Vibe(ListQuestion):
    """A few songs and artists, or a title, to find what goes with them; at least one of all."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["tracks"], "properties": {"tracks": {"minItems": 1}}},
                {"required": ["artists"], "properties": {"artists": {"minItems": 1}}},
                {"required": ["title"], "properties": {"title": {"minLength": 1}}},
            ]
        }
    )

    tracks: Ids = Field(default_factory=list, description="Track ids (or names of one track).")
    artists: Ids = Field(default_factory=list, description="Artist ids (or names of one artist).")
    title: Title | None = None

    @model_validator(mode="after")
    def _check(self) -> Vibe:
        if not self.tracks and not self.artists and not self.title:
            raise ValueError("at least one of tracks, artists and title must be given")
        return self


class Entitle(Question):
    """A list to find titles for: a playlist of the bundle, or tracks."""

    model_config = one_of("playlist", "tracks")

    playlist: Id | None = Field(default=None, description="A playlist of the bundle.")
    tracks: Ids | None = Field(default=None, description="Track ids (or names of one track).")
    n: N = 5

    @model_validator(mode="after")
    def _check(self) -> Entitle:
        check_one_of(self, "playlist", "tracks")
        return self


class Similar(Question):
    """A track to find similar tracks, or an artist to find similar artists."""

    model_config = one_of("track", "artist")

    track: Id | None = Field(default=None, description="Id (or name) of a track.")
    artist: Id | None = Field(default=None, description="Id (or name) of an artist.")
    n: N = 10

    @model_validator(mode="after")
    def _check(self) -> Similar:
        check_one_of(self, "track", "artist")
        return self


class Named(Question):
    """A song by name."""

    title: str = Field(min_length=1, max_length=500)
    artists: list[Annotated[str, Field(max_length=500)]] = Field(
        default_factory=list, max_length=50, description="The main one first."
    )


class Songs(Question):
    """Songs from elsewhere, to be found in the bundle."""

    model_config = one_of("songs", "text")

    songs: Annotated[list[Line | Named], Field(min_length=1, max_length=MAX_SONGS)] | None = Field(
        default=None,
        description='Ids, links, "artist - title" or titles as text; or title and artists.',
    )
    text: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="A pasted list, or the text of a file that `segue build` reads."
    )

    @model_validator(mode="after")
    def _check(self) -> Songs:
        check_one_of(self, "songs", "text")
        return self

    def asked(self) -> Any:
        """In a form that the recommender takes."""
        if self.text is not None:
            return read(StringIO(self.text))
        songs = self.songs or []
        return [song if isinstance(song, str) else (song.artists, song.title) for song in songs]


class FoundTrack(BaseModel):
    """A track in a few words."""

    type: str
    id: str
    name: str
    artist_name: str
    num_playlists: int


class MatchedSong(BaseModel):
    """What became of one song: `track` if it was found, `candidates` if that is unsure.

    `how` is `id`, `isrc`, `mbid`, `name`, `version` (another version was taken) or `spelling` of a
    song that was found, `several` or `near` of an unsure one. `count` is how many tracks it may be.
    """

    asked: str
    status: Status
    how: str
    track: FoundTrack | None
    candidates: list[FoundTrack]
    count: int


class Matched(BaseModel):
    """What became of each song, in order, and how many were found, are unsure, are missing."""

    songs: list[MatchedSong]
    found: int
    unsure: int
    missing: int


class Why(Question):
    """A track, and what it should go with: a playlist, or songs, artists and a title."""

    track: Id = Field(description="Id (or name) of the track to explain.")
    playlist: Id | None = Field(default=None, description="The playlist to complete.")
    tracks: Ids = Field(default_factory=list, description="Tracks that it should go with.")
    artists: Ids = Field(default_factory=list, description="Artists that it should go with.")
    title: Title | None = None
    ordered: bool = Field(default=False, description="Whether the order of `tracks` is meaningful.")
    question: WhichQuestion = "either"
    dial: Dial = 0.0
    variety: Variety = 1.0

    @model_validator(mode="after")
    def _check(self) -> Why:
        others = bool(self.tracks or self.artists)
        if others if self.playlist is not None else not (others or self.title):
            raise ValueError(
                "either playlist or at least one of tracks, artists and title is needed"
            )
        return self


class Sort(Question):
    """Songs, and the playlists to sort them into."""

    tracks: OwnIds = Field(description="Ids or names of the songs.")
    into: (
        Annotated[dict[str, OwnIds], Field(min_length=1, max_length=MAX_PLAYLISTS)]
        | Annotated[list[Id], Field(min_length=1, max_length=MAX_PLAYLISTS)]
    ) = Field(
        description="The playlists: the songs of each by its title, or ids of playlists of the "
        "bundle."
    )
    n: N = 3


class Tidy(Question):
    """A playlist to look through: one of the bundle, or the songs of any other."""

    model_config = one_of("playlist", "tracks")

    playlist: Id | None = Field(default=None, description="A playlist of the bundle.")
    tracks: Annotated[list[Id], Field(max_length=MAX_TIDY)] | None = Field(
        default=None, description="Ids or names of the songs, in order."
    )
    parts: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="Cut it into as many parts; by default as many as differ."
    )

    @model_validator(mode="after")
    def _check(self) -> Tidy:
        check_one_of(self, "playlist", "tracks")
        return self


def routes(work: Work) -> APIRouter:
    """A route for each verb."""
    api = APIRouter(tags=["music"], responses=ERRORS)

    @api.get("/find", response_model=Found)
    async def find(
        text: Annotated[
            str,
            Query(
                max_length=MAX_TEXT,
                description="Words of names or prefixes of words, title and artist mixed.",
            ),
        ],
        kind: Annotated[
            list[Kind] | None, Query(description="What to look for; by default everything.")
        ] = None,
        n: Annotated[int, Query(ge=1, le=MAX_N, description="Maximum of each kind.")] = 10,
        fuzzy: Annotated[
            bool, Query(description="Where no name has the words, find those spelt most like it.")
        ] = False,
    ) -> Response:
        """Find tracks, artists and playlists by name."""
        return await work.answer(
            lambda served: served.recommender.find(text, n, kind=kind, fuzzy=fuzzy)
        )

    @api.post("/match", response_model=Matched)
    async def match(question: Songs) -> Response:
        """Find which tracks of the bundle some songs from elsewhere are."""
        return await work.answer(
            lambda served: served.recommender.match(question.asked()).to_json()
        )

    @api.post("/complete", response_model=Recommendations)
    async def complete(question: Complete) -> Response:
        """Continue a playlist."""
        return await work.answer(lambda served: _complete(served, question, question))

    @api.post("/recommend", response_model=Answers)
    async def recommend(question: Recommend) -> Response:
        """Continue several playlists."""

        def answers(served: Served) -> Any:
            return {"answers": [one(served, playlist) for playlist in question.playlists]}

        def one(served: Served, playlist: Playlist) -> Any:
            try:
                return _complete(served, playlist, question)
            except SegueError as error:
                return error_content(error)

        return await work.answer(answers)

    @api.post("/vibe", response_model=Recommendations)
    async def vibe(question: Vibe) -> Response:
        """Find what goes with a few songs and artists, or with a title."""
        return await work.answer(
            lambda served: served.recommender.vibe(
                question.tracks,
                question.n,
                artists=question.artists,
                title=question.title,
                question=question.question,
                reasons=question.reasons,
                **question.options(),
            )
        )

    @api.post("/title", response_model=SuggestedTitles)
    async def title(question: Entitle) -> Response:
        """Find titles that fit a list."""
        return await work.answer(
            lambda served: served.recommender.title(
                question.tracks, question.n, playlist=question.playlist
            )
        )

    @api.post("/similar", response_model=Recommendations | SimilarArtists)
    async def similar(question: Similar) -> Response:
        """Find tracks similar to a track, or artists similar to an artist."""

        def answer(served: Served) -> Any:
            if question.artist is None:
                return served.recommender.similar(str(question.track), question.n)
            return served.recommender.similar(artist=question.artist, n=question.n)

        return await work.answer(answer)

    @api.post("/why", response_model=Explanation)
    async def why(question: Why) -> Response:
        """Explain what counts for and against one track."""
        return await work.answer(
            lambda served: served.recommender.why(
                question.track,
                question.playlist,
                tracks=question.tracks,
                artists=question.artists,
                title=question.title,
                ordered=question.ordered,
                question=question.question,
                dial=question.dial,
                variety=question.variety,
            )
        )

    @api.post("/sort", response_model=SortedSongs)
    async def sort(question: Sort) -> Response:
        """Which of somebody's playlists each of some songs belongs to."""
        return await work.answer(
            lambda served: served.recommender.sort(question.tracks, question.into, question.n)
        )

    @api.post("/tidy", response_model=TidyReport)
    async def tidy(question: Tidy) -> Response:
        """What could be tidied in a playlist: copies, outliers, parts, order. Changes nothing."""
        return await work.answer(
            lambda served: served.recommender.tidy(
                question.tracks, playlist=question.playlist, parts=question.parts
            )
        )

    return api


def _complete(served: Served, asked: Playlist, options: Complete | Recommend) -> Recommendations:
    return served.recommender.complete(
        asked.playlist,
        options.n,
        tracks=asked.tracks,
        title=asked.title,
        ordered=asked.ordered,
        question=options.question,
        reasons=options.reasons,
        **options.options(),
    )
