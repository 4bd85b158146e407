"""What a bundle knows about tracks, artists and playlists, and searching them by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import Int32Array
from segue.errors import InputError
from segue.names.lookup import NameLookup
from segue.names.name_file import Kind
from segue.recommend.reasons import plain
from segue.recommend.rows import Rows, Text

KINDS: tuple[Kind, ...] = ("track", "artist", "playlist")


@dataclass(frozen=True)
class Track:
    """A track; artist and album are empty where none is known.

    If there are several artists, `artist_name` names all and `artist_id` is the main one's.

    `num_playlists` counts the playlists that hold it in the training graph.
    """

    id: str
    name: str
    artist_id: str
    artist_name: str
    album_id: str
    album_name: str
    num_playlists: int


@dataclass(frozen=True)
class Artist:
    """An artist, and the number of its tracks in the bundle."""

    id: str
    name: str
    num_tracks: int


@dataclass(frozen=True)
class Playlist:
    """A playlist; its title is empty if it has none."""

    id: str
    title: str
    num_tracks: int


@dataclass(frozen=True)
class ArtistDetails(Artist):
    """An artist with its best-known tracks."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class PlaylistDetails(Playlist):
    """A playlist with its tracks, in order if `order_known`; a long one is cut."""

    order_known: bool
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class Found:
    """Results of a search, best match first; empty for a kind that was not searched.

    Attributes
    ----------
    tracks, artists, playlists
    similar
        True if no name has the words of the text, and these are only spelt like it.

    Examples
    --------
    >>> [artist.name for artist in recommender.find("queen").artists][:1]
    ['Queen']
    """

    tracks: tuple[Track, ...] = ()
    artists: tuple[Artist, ...] = ()
    playlists: tuple[Playlist, ...] = ()
    similar: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        content: dict[str, Any] = plain(self)
        return content


class Details:
    """Looks up what a bundle knows about its tracks, artists and playlists.

    Parameters
    ----------
    bundle
    names
    rows
    """

    def __init__(self, bundle: Bundle, names: NameLookup, rows: Rows) -> None:
        self._catalog, self._popularity = bundle.catalog, bundle.popularity
        self._names, self._rows = names, rows

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that can be searched: no playlists if the bundle was made without them."""
        return tuple(kind for kind in KINDS if kind in self._names.index.kinds)

    def search(self, text: str, n: int, kinds: Sequence[Kind], *, fuzzy: bool = False) -> Found:
        """The `n` best matches of each kind; see `NameIndex.search`.

        With `fuzzy`, where there are none of any kind, those spelt most like the text.

        Raises
        ------
        InputError
            If a kind is unknown, or playlists are requested but the bundle was made without them.
        """
        for kind in kinds:
            if kind not in KINDS:
                raise InputError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
        index = self._names.index
        rows = {kind: index.search(kind, text, n) for kind in KINDS if kind in kinds}
        similar = fuzzy and not any(map(len, rows.values()))
        if similar:
            rows = {kind: np.array(index.fuzzy(kind, text, n), dtype=np.int32) for kind in rows}
        return Found(
            self.tracks(rows.get("track", ())),
            tuple(self._artist(int(row)) for row in rows.get("artist", ())),
            tuple(self._playlist(int(row)) for row in rows.get("playlist", ())),
            similar and any(map(len, rows.values())),
        )

    def track(self, track_id: Text) -> Track:
        """One track (NameLookupError if there is none with this id)."""
        return self.tracks([self._rows.track(track_id)])[0]

    def artist(self, artist_id: Text, n: int = 50) -> ArtistDetails:
        """One artist with its `n` best-known tracks (NameLookupError)."""
        row = self._rows.artist(artist_id)
        by = self._catalog.relations["artist"].sources_of(np.array([row]))
        best = np.argsort(-self._popularity[by], kind="stable")[:n]
        return ArtistDetails(**vars(self._artist(row)), tracks=self.tracks(by[best].tolist()))

    def playlist(self, playlist_id: Text, n: int = 500) -> PlaylistDetails:
        """One playlist with its first `n` tracks.

        Raises
        ------
        NameLookupError
            If there is none with this id.
        InputError
            If the bundle was made without playlists.
        """
        row, playlists = self._rows.playlist(playlist_id), self._rows.playlists
        return PlaylistDetails(
            **vars(self._playlist(row)),
            order_known=bool(playlists.order_known[row]),
            tracks=self.tracks(playlists.tracks[row][:n]),
        )

    def tracks(self, rows: Sequence[int] | Int32Array) -> tuple[Track, ...]:
        """Some tracks by row."""
        tracks, catalog = np.asarray(rows, dtype=np.int32), self._catalog
        albums = catalog.main_album[tracks].tolist()
        artists = catalog.main_artist[tracks].tolist()
        columns = zip(
            catalog.track_ids.take(tracks).to_pylist(),
            catalog.track_names.take(tracks).to_pylist(),
            (catalog.artists.ids[at].as_py() if at >= 0 else "" for at in artists),
            catalog.artist_of(tracks).to_pylist(),
            (catalog.albums.ids[at].as_py() if at >= 0 else "" for at in albums),
            (catalog.albums.names[at].as_py() if at >= 0 else "" for at in albums),
            self._popularity[tracks].tolist(),
            strict=True,
        )
        return tuple(Track(*column) for column in columns)

    def _artist(self, row: int) -> Artist:
        facts = self._names.facts("artist", row)
        return Artist(facts["id"], facts["name"], facts["num_tracks"])

    def _playlist(self, row: int) -> Playlist:
        facts = self._names.facts("playlist", row)
        return Playlist(facts["id"], facts["name"] or "", facts["num_tracks"])
