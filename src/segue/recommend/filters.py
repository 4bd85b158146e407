"""What may be in a list of recommendations, and together with what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from segue.data.playlists import BoolArray, Catalog, Float32Array, Int32Array
from segue.data.text import fold
from segue.errors import InputError
from segue.names.titles import title_of
from segue.recommend.rows import as_texts
from segue.scoring.rerank import diversified


@dataclass(frozen=True)
class Filters:
    """What a list may contain. A track must pass every filter given.

    A filter never shortens a list while other tracks pass it.

    Attributes
    ----------
    exclude_tracks, exclude_artists : sequence of ids or names
        Never recommended: these tracks, and any track by these artists, alone or with others.
    only_tracks, only_artists : sequence of ids or names, or None
        Only these tracks, only tracks by these artists.
    max_per_artist, max_per_album : int or None
        At most this many recommended tracks of one artist or album, 1 or more. One with several
        artists counts for its main one; a track whose artist or album is not known is not counted.
    other_versions
        False: no other version of a song in the query or higher in the list (same main artist, and
        same title apart from "live", "remastered" and the like).
    equal_songs
        False: in lists for one playlist or a few songs, no song of the query or higher in the list
        under another id (same main artist, same title but for case, accents and punctuation). Lists
        for many playlists at once have them.

    Examples
    --------
    >>> found = recommender.vibe(["Bohemian Rhapsody"], filters=segue.Filters(max_per_artist=1))
    >>> len({track.artist_name for track in found.tracks})
    10
    """

    exclude_tracks: Sequence[str] = ()
    exclude_artists: Sequence[str] = ()
    only_tracks: Sequence[str] | None = None
    only_artists: Sequence[str] | None = None
    max_per_artist: int | None = None
    max_per_album: int | None = None
    other_versions: bool = True
    equal_songs: bool = False

    def __post_init__(self) -> None:
        """Raise InputError for limits that are no whole numbers from 1."""
        for name in ("max_per_artist", "max_per_album"):
            limit = getattr(self, name)
            if limit is not None and (not isinstance(limit, Integral) or isinstance(limit, bool)):
                raise InputError(f"{name} is {limit!r}, expected a whole number")
            if limit is not None and limit < 1:
                raise InputError(f"{name} is {limit}, expected at least 1")

    @property
    def looks_at_the_list(self) -> bool:
        """Whether passing depends on the other tracks in the list."""
        limits = self.max_per_artist, self.max_per_album
        return limits != (None, None) or not self.other_versions

    def allowed(
        self,
        catalog: Catalog,
        track_row: Callable[[str], int],
        artist_row: Callable[[str], int],
    ) -> BoolArray | None:
        """Which tracks pass regardless of the rest of the list: bool [num_tracks]; None: all.

        Parameters
        ----------
        catalog
        track_row, artist_row
            The row of an id or a name; what they raise for an unknown one is passed on.
        """
        lists = (self.exclude_tracks, self.exclude_artists, self.only_tracks, self.only_artists)
        if not any(lists[:2]) and lists[2:] == (None, None):
            return None
        allowed = np.ones(catalog.num_tracks, dtype=bool)
        if self.only_tracks is not None:
            allowed[:] = False
            allowed[[track_row(one) for one in as_texts(self.only_tracks, "track")]] = True
        allowed[[track_row(one) for one in as_texts(self.exclude_tracks, "track")]] = False
        by = catalog.relations["artist"]
        if self.only_artists is not None:
            only = [artist_row(one) for one in as_texts(self.only_artists, "artist")]
            theirs = np.zeros(catalog.num_tracks, dtype=bool)
            theirs[by.sources_of(np.array(only, dtype=np.int64))] = True
            allowed &= theirs
        excluded = [artist_row(one) for one in as_texts(self.exclude_artists, "artist")]
        allowed[by.sources_of(np.array(excluded, dtype=np.int64))] = False
        return allowed

    def chosen(
        self,
        catalog: Catalog,
        ranked: Int32Array,
        score: Float32Array,
        n: int,
        *,
        query: Int32Array,
        track_vectors: Float32Array,
        diversity: float,
        distinct: bool = False,
    ) -> list[int]:
        """Indices in a ranking of the tracks that make the list, in the list's order.

        Parameters
        ----------
        catalog
        ranked : int32 [num_ranked]
            Tracks, best first.
        score : float32 [num_ranked]
        n
            Maximum number of tracks to choose.
        query : int32 [num_query]
            Tracks of the query: no other versions of them may follow.
        track_vectors : float32 [num_tracks, dim]
        diversity
            From 0 to 1, as for `segue.scoring.rerank.diversified`.
        distinct
            Whether equal songs are left out.
        """
        gate = _Gate(self, catalog, query, distinct)
        if diversity == 0:
            places: list[int] = []
            for place, track in enumerate(ranked.tolist()):
                if len(places) == n:
                    break
                if gate.admits(track):
                    gate.take(track)
                    places.append(place)
            return places
        return diversified(
            track_vectors[ranked],
            score,
            n,
            diversity,
            admits=lambda place: gate.admits(int(ranked[place])),
            take=lambda place: gate.take(int(ranked[place])),
        )


class _Gate:
    """Admits tracks to one list, depending on what is already in it."""

    def __init__(
        self, filters: Filters, catalog: Catalog, query: Int32Array, distinct: bool
    ) -> None:
        self.catalog, self.versions_count = catalog, filters.other_versions
        self.limits = [
            (limit, of, Counter[int]())
            for limit, of in (
                (filters.max_per_artist, catalog.main_artist),
                (filters.max_per_album, catalog.main_album),
            )
            if limit is not None
        ]
        self.songs: set[tuple[str, str]] | None = None
        if distinct or not filters.other_versions:
            known = (int(track) for track in query if catalog.main_artist[track] >= 0)
            self.songs = {self._song(track) for track in known}

    def admits(self, track: int) -> bool:
        if any(of[track] >= 0 and held[of[track]] >= limit for limit, of, held in self.limits):
            return False
        if self.songs is None or self.catalog.main_artist[track] < 0:
            return True
        return self._song(track) not in self.songs

    def take(self, track: int) -> None:
        for _, of, held in self.limits:
            held[of[track]] += 1
        if self.songs is not None and self.catalog.main_artist[track] >= 0:
            self.songs.add(self._song(track))

    def _song(self, track: int) -> tuple[str, str]:
        """Its main artist, and its title with the version where versions count as songs."""
        title, artist = str(self.catalog.track_names[track]), int(self.catalog.main_artist[track])
        if not self.versions_count:
            return str(artist), title_of(title).song
        # By name: an artist may have several ids, too.
        return fold(str(self.catalog.artists.names[artist])), fold(title)
