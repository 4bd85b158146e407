"""`Matches`: what became of the songs of somebody's list, and messages about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from segue.console import table_text
from segue.data.playlists import Catalog, Int32Array, Int64Array
from segue.extras import required
from segue.names.describe import describe_track, track_facts
from segue.names.match import Match


@dataclass(frozen=True)
class Taken:
    """A track that was taken for a song, where they are not spelt alike.

    Attributes
    ----------
    asked
        The song, as it was given.
    track_id, track_name, artist_name
    count
        How many ids the bundle has for it; the best known was taken.
    """

    asked: str
    track_id: str
    track_name: str
    artist_name: str
    count: int

    def __str__(self) -> str:
        """``took Help! - The Beatles (spotify:track:…) for 'help beatles'``."""
        by = f" - {self.artist_name}" if self.artist_name else ""
        of = f", the best known of {self.count}" if self.count > 1 else ""
        return f"took {self.track_name}{by} ({self.track_id}) for {self.asked!r}{of}"


@dataclass(frozen=True)
class Songs:
    """The songs of a question that the bundle has, and messages about the others.

    Attributes
    ----------
    rows : tuple of int
        Rows of their tracks, each once.
    took : tuple of Taken
    unknown : tuple of str
        Songs that are not in the bundle, as they were given.
    """

    rows: tuple[int, ...] = ()
    took: tuple[Taken, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Matches(Sequence[Match]):
    """What became of some songs, in their order; prints as a table.

    Attributes
    ----------
    songs : tuple of Match
    catalog : Catalog
        Of the bundle they were matched with.
    popularity : int64 [num_tracks]

    Examples
    --------
    >>> matches = recommender.match(["bohemian rhapsody - queen", ("Beatles", "Help"), "no song"])
    >>> matches.counts
    {'found': 2, 'unsure': 0, 'missing': 1}
    >>> [match.asked for match in matches.missing]
    ['no song']
    """

    songs: tuple[Match, ...]
    catalog: Catalog
    popularity: Int64Array

    def __len__(self) -> int:
        """Number of songs asked for."""
        return len(self.songs)

    def __getitem__(self, place: Any) -> Any:
        """What became of one song, or of some."""
        return self.songs[place]

    def __iter__(self) -> Iterator[Match]:
        """Every song."""
        return iter(self.songs)

    def __repr__(self) -> str:
        """``Matches(9 found, 1 unsure, 1 missing)``."""
        return f"Matches({', '.join(f'{n:,} {status}' for status, n in self.counts.items())})"

    def __str__(self) -> str:
        """The songs as a table."""
        rows = [
            [
                match.asked,
                match.status,
                "; ".join(describe_track(self.catalog, row) for row in self._shown(match)),
            ]
            for match in self.songs
        ]
        return table_text(repr(self)[len("Matches(") : -1], ["song", "", "track"], rows)

    @property
    def found(self) -> tuple[Match, ...]:
        """Songs that a track was found for."""
        return self._of("found")

    @property
    def unsure(self) -> tuple[Match, ...]:
        """Songs that may be one of several tracks, or only nearly one."""
        return self._of("unsure")

    @property
    def missing(self) -> tuple[Match, ...]:
        """Songs that are not in the bundle."""
        return self._of("missing")

    @property
    def counts(self) -> dict[str, int]:
        """How many were found, are unsure, are missing."""
        return {kind: len(self._of(kind)) for kind in ("found", "unsure", "missing")}

    @property
    def track_index(self) -> Int32Array:
        """Row of the track of each song: int32 [num_songs], −1 where none was found."""
        rows = [-1 if match.track is None else match.track for match in self.songs]
        return np.array(rows, dtype=np.int32)

    @property
    def track_ids(self) -> list[str]:
        """Ids of the tracks found, each once, in the order of the songs."""
        rows = dict.fromkeys(match.track for match in self.songs if match.track is not None)
        return [str(self.catalog.track_ids[row]) for row in rows]

    @property
    def took(self) -> tuple[Taken, ...]:
        """Tracks that were taken for songs of another spelling, or as the best known of several."""
        return tuple(
            self._taken(match.asked, match.track, match.count)
            for match in self.songs
            if match.track is not None and (match.count > 1 or not match.exact)
        )

    def to_arrow(self) -> pa.Table:
        """Columns ``asked``, ``status``, ``how``, ``track_id``, ``track_name``, ``artist_name``."""
        tracks = [None if match.track is None else self._facts(match.track) for match in self]
        columns: dict[str, list[Any]] = {
            "asked": [match.asked for match in self.songs],
            "status": [match.status for match in self.songs],
            "how": [match.how or None for match in self.songs],
            "track_id": [track and track["id"] for track in tracks],
            "track_name": [track and track["name"] for track in tracks],
            "artist_name": [track and track["artist_name"] for track in tracks],
        }
        return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})

    def to_pandas(self) -> Any:
        """The same as a data frame (ResourceError if pandas is not installed)."""
        with required("a data frame"):
            return self.to_arrow().to_pandas()

    def to_json(self) -> dict[str, Any]:
        """As plain values: each song with the track found, or its candidates."""
        songs = [
            {
                "asked": match.asked,
                "status": match.status,
                "how": match.how,
                "track": None if match.track is None else self._facts(match.track),
                "candidates": [self._facts(row) for row in match.candidates],
                "count": match.count,
            }
            for match in self.songs
        ]
        return {"songs": songs, **self.counts}

    def _of(self, status: str) -> tuple[Match, ...]:
        return tuple(match for match in self.songs if match.status == status)

    def _facts(self, row: int) -> dict[str, Any]:
        return track_facts(self.catalog, self.popularity, row)

    def _taken(self, asked: str, row: int, count: int) -> Taken:
        facts = self._facts(row)
        return Taken(asked, facts["id"], facts["name"], facts["artist_name"], count)

    def _shown(self, match: Match) -> tuple[int, ...]:
        return match.candidates[:3] if match.track is None else (match.track,)
