"""Which of somebody's playlists each of some songs belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.console import count, table_text
from segue.data.playlists import Catalog, Int64Array
from segue.names.matches import Matches
from segue.recommend.own_playlists import OwnPlaylists
from segue.recommend.placing import Float64Array, OwnSongs, Placing
from segue.recommend.reasons import Explainer, Reason, plain
from segue.recommend.titles import Titles
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query

# Songs whose reasons are worked out at a time.
_BATCH_SONGS = 512


@dataclass(frozen=True)
class Placement:
    """A playlist that a song may belong to.

    Attributes
    ----------
    playlist_id, title
        A title may be empty.
    confidence
        How likely it is that the song belongs there, from 0 to 1. Those of all playlists, listed or
        not, and that of none sum to 1.
    score
        What the playlist would give the song, without the second stage.
    because : tuple of Reason
        The largest parts of the score, at most three, and `rest`, the sum of all others: together
        they are the score.
    rest
    """

    playlist_id: str
    title: str
    confidence: float
    score: float
    because: tuple[Reason, ...]
    rest: float

    @property
    def name(self) -> str:
        """Its title, or its id if it has none."""
        return self.title or self.playlist_id


@dataclass(frozen=True)
class SortedSong:
    """A song, and where it belongs.

    Attributes
    ----------
    place
        In what was asked, from 1: of a song asked for several times, the first.
    asked
        The song, as it was given.
    track_id, track_name, artist_name
    already_in : tuple of str
        Ids of the playlists that hold it. They are not among the placements.
    placements : tuple of Placement
        The likeliest first.
    none_fits
        How likely it is that it belongs to none of the playlists, or to none besides those that
        hold it.
    best : str or None
        Id of the likeliest playlist; None if that none fits is likelier.
    """

    place: int
    asked: str
    track_id: str
    track_name: str
    artist_name: str
    already_in: tuple[str, ...]
    placements: tuple[Placement, ...]
    none_fits: float
    best: str | None


@dataclass(frozen=True)
class SortedInto:
    """A playlist that songs were sorted into, with the number of its songs, and of those found."""

    playlist_id: str
    title: str
    num_songs: int
    num_found: int


@dataclass(frozen=True)
class SortedSongs:
    """Songs with the playlists that they belong to; prints as a table.

    Attributes
    ----------
    songs : tuple of SortedSong
        Those that the bundle knows, in the order given, each once.
    playlists : tuple of SortedInto
    unsure, missing : tuple of str
        Songs that may be one of several tracks, and songs that the bundle does not have.
    own : OwnSongs
        The songs that the playlists hold already, each left out and sorted: how far this can be
        trusted.

    Examples
    --------
    >>> mine = {"rock": ["Kashmir", "Stairway to Heaven"], "disco": ["Le Freak", "Good Times"]}
    >>> sorted_songs = recommender.sort(["Black Dog", "no such song"], into=mine)
    >>> sorted_songs.songs[0].placements[0].title, sorted_songs.missing
    ('rock', ('no such song',))
    """

    songs: tuple[SortedSong, ...]
    playlists: tuple[SortedInto, ...]
    unsure: tuple[str, ...]
    missing: tuple[str, ...]
    own: OwnSongs

    def __str__(self) -> str:
        """The songs as a table: the best playlist of each, what speaks for it, the next best."""
        by = any(song.artist_name for song in self.songs)
        name_of = {p.playlist_id: p.title or p.playlist_id for p in self.playlists}
        rows = []
        for song in self.songs:
            artist = [song.artist_name] if by else []
            place, sure, because = "none fits", song.none_fits, ""
            others = song.placements[:1]
            if song.best is not None:
                best, others = song.placements[0], song.placements[1:2]
                place, sure = best.name, best.confidence
                because = ", ".join(r.name for r in best.because if r.part > 0)
            elif song.already_in:
                place = "no other fits"
            held = ", ".join(name_of[held] for held in song.already_in)
            other = ", ".join(f"{p.name} {_percent(p.confidence)}" for p in others)
            rows.append([song.track_name, *artist, place, _percent(sure), because, other, held])
        header = ["song", *(["artist"] if by else []), "playlist", "sure", "because of", "else"]
        if any(song.already_in for song in self.songs):
            header.append("already in")
        into = count(len(self.playlists), "playlist")
        title = f"{count(len(self.songs), 'song')} into {into}"
        return table_text(title, header, [row[: len(header)] for row in rows])

    def __repr__(self) -> str:
        """``SortedSongs(120 songs into 8 playlists, 7 fit none)``."""
        none = sum(song.best is None for song in self.songs)
        sizes = f"{len(self.songs)} songs into {len(self.playlists)} playlists"
        return f"SortedSongs({sizes}, {none} fit none)"

    @property
    def additions(self) -> dict[str, tuple[SortedSong, ...]]:
        """The songs that each playlist would get, by its id; playlists without are absent.

        A song that one of the playlists holds already goes nowhere else.
        """
        found: dict[str, list[SortedSong]] = {}
        for song in self.songs:
            if song.best is not None and not song.already_in:
                found.setdefault(song.best, []).append(song)
        return {playlist_id: tuple(songs) for playlist_id, songs in found.items()}

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        content: dict[str, Any] = plain(self)
        return content


def sort_songs(
    first: FirstStage,
    catalog: Catalog,
    explainer: Explainer,
    titles: Titles,
    songs: Matches,
    into: OwnPlaylists,
    n: int,
) -> SortedSongs:
    """Sort songs into playlists: the `n` likeliest of each song; the playlists' titles count."""
    query = Query(into.tracks, words=titles.lists(into.titles))
    placing = Placing(first, query)
    place_of: dict[int, int] = {}
    for place, row in enumerate(songs.track_index.tolist()):
        if row >= 0:
            place_of.setdefault(row, place)
    tracks = np.array(list(place_of), dtype=np.int64)
    likely, none = placing.probabilities(tracks)
    ranked = np.argsort(-likely, axis=1, kind="stable")[:, :n]
    placements = _placements(first, explainer, titles, query, into, tracks, ranked, likely)
    held_by: dict[int, list[str]] = {}
    for row, track in zip(
        into.tracks.list_index().tolist(), into.tracks.track_index.tolist(), strict=True
    ):
        held_by.setdefault(track, []).append(into.ids[row])
    ids, names = catalog.track_ids.take(tracks), catalog.track_names.take(tracks)
    artists = catalog.artist_of(tracks.astype(np.int32))
    return SortedSongs(
        tuple(
            SortedSong(
                place_of[track] + 1,
                songs[place_of[track]].asked,
                ids[at].as_py(),
                names[at].as_py(),
                artists[at].as_py(),
                tuple(held_by.get(track, ())),
                placements[at],
                float(none[at]),
                _best(placements[at], float(none[at])),
            )
            for at, track in enumerate(tracks.tolist())
        ),
        tuple(
            SortedInto(into.ids[row], into.titles[row], into.num_songs[row], len(into.tracks[row]))
            for row in range(len(into))
        ),
        tuple(match.asked for match in songs.unsure),
        tuple(match.asked for match in songs.missing),
        placing.own,
    )


def _placements(
    first: FirstStage,
    explainer: Explainer,
    titles: Titles,
    query: Query,
    into: OwnPlaylists,
    tracks: Int64Array,
    ranked: Int64Array,
    likely: Float64Array,
) -> list[tuple[Placement, ...]]:
    """The ranked playlists of each song, with their reasons; without those that hold it."""
    made: dict[tuple[int, int], Placement] = {}
    for row in range(len(into)):
        asking = np.flatnonzero((ranked == row).any(axis=1) & (likely[:, row] > 0))
        one, title = query.rows(slice(row, row + 1)), titles.own(into.titles[row])
        for start in range(0, len(asking), _BATCH_SONGS):
            batch = asking[start : start + _BATCH_SONGS]
            parts = title.by_word(first.parts(one, tracks[batch].astype(np.int32)))
            for place, song in enumerate(batch.tolist()):
                because, rest = explainer.strongest(parts, place, title.words)
                made[song, row] = Placement(
                    into.ids[row],
                    into.titles[row],
                    float(likely[song, row]),
                    float(parts.parts[place].sum()),
                    because,
                    rest,
                )
    return [
        tuple(made[song, row] for row in rows if (song, row) in made)
        for song, rows in enumerate(ranked.tolist())
    ]


def _best(placements: tuple[Placement, ...], none_fits: float) -> str | None:
    if placements and placements[0].confidence > none_fits:
        return placements[0].playlist_id
    return None


def _percent(share: float) -> str:
    return f"{share:.0%}"
