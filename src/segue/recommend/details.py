"""What is known of tracks, artists and playlists, for programs that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue.data.playlists import Int32Array
from segue.names.name_file import Kind
from segue.recommend.recommender import Recommender


@dataclass(frozen=True)
class Track:
    """A track; artist and album are empty where none is known.

    `num_playlists` counts the playlists that hold it in the graph that was trained on.
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
    """An artist and how many tracks the bundle has by it."""

    id: str
    name: str
    num_tracks: int


@dataclass(frozen=True)
class Playlist:
    """A playlist; its title is empty where it has none."""

    id: str
    title: str
    num_tracks: int


@dataclass(frozen=True)
class ArtistDetails(Artist):
    """An artist with its best-known tracks."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class PlaylistDetails(Playlist):
    """A playlist with its tracks, in order where `order_known`; of a long one, the first."""

    order_known: bool
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class Found:
    """What a search found, the best match first; nothing of a kind that was not asked for."""

    tracks: tuple[Track, ...] = ()
    artists: tuple[Artist, ...] = ()
    playlists: tuple[Playlist, ...] = ()


class Details:
    """Tells what a bundle knows of the things in it.

    Parameters
    ----------
    recommender
    """

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self._names, self._catalog = recommender.names, recommender.bundle.catalog

    def search(self, text: str, n: int, kinds: Sequence[Kind] = ("track", "artist")) -> Found:
        """The `n` best matches of each kind, as `NameIndex.search` finds them.

        Of playlists nothing is found where the bundle was made without.
        """
        index = self._names.index
        rows = {kind: index.search(kind, text, n) for kind in index.kinds if kind in kinds}
        return Found(
            self.tracks(rows.get("track", ())),
            tuple(self._artist(int(row)) for row in rows.get("artist", ())),
            tuple(self._playlist(int(row)) for row in rows.get("playlist", ())),
        )

    def track(self, track_id: str) -> Track:
        """One track (NameLookupError if there is none with this id)."""
        return self.tracks([self._recommender.track_row(track_id)])[0]

    def artist(self, artist_id: str, n: int = 50) -> ArtistDetails:
        """One artist with its `n` best-known tracks (NameLookupError)."""
        row = self._recommender.artist_row(artist_id)
        by = np.flatnonzero(self._catalog.track_artist == row)
        best = np.argsort(-self._recommender.bundle.popularity[by], kind="stable")[:n]
        return ArtistDetails(**vars(self._artist(row)), tracks=self.tracks(by[best].tolist()))

    def playlist(self, playlist_id: str, n: int = 500) -> PlaylistDetails:
        """One playlist with its first `n` tracks.

        Raises
        ------
        NameLookupError
            If there is none with this id.
        InputError
            If the bundle was made without playlists.
        """
        row = self._recommender.playlist_row(playlist_id)
        playlists = self._recommender.playlists
        return PlaylistDetails(
            **vars(self._playlist(row)),
            order_known=bool(playlists.order_known[row]),
            tracks=self.tracks(playlists.tracks[row][:n]),
        )

    def tracks(self, rows: Sequence[int] | Int32Array) -> tuple[Track, ...]:
        """Some tracks by their rows."""
        tracks, catalog = np.asarray(rows, dtype=np.int32), self._catalog
        albums = catalog.track_album[tracks].tolist()
        artists = catalog.track_artist[tracks].tolist()
        columns = zip(
            catalog.track_ids.take(tracks).to_pylist(),
            catalog.track_names.take(tracks).to_pylist(),
            (catalog.artist_ids[at].as_py() if at >= 0 else "" for at in artists),
            (catalog.artist_names[at].as_py() if at >= 0 else "" for at in artists),
            (catalog.album_ids[at].as_py() if at >= 0 else "" for at in albums),
            (catalog.album_names[at].as_py() if at >= 0 else "" for at in albums),
            self._recommender.bundle.popularity[tracks].tolist(),
            strict=True,
        )
        return tuple(Track(*column) for column in columns)

    def _artist(self, row: int) -> Artist:
        facts = self._names.facts("artist", row)
        return Artist(facts["id"], facts["name"], facts["num_tracks"])

    def _playlist(self, row: int) -> Playlist:
        facts = self._names.facts("playlist", row)
        return Playlist(facts["id"], facts["name"] or "", facts["num_tracks"])
