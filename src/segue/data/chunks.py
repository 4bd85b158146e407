"""Whole playlists as columns, in which each track is described once.

A reader yields playlists as Python objects. They are taken apart a few at a time, while they are in
the processor's cache: their tracks become columns, which need a tenth of the memory, and repeated
tracks are found by Arrow, without a Python object for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.data.csr import offsets_of, row_index
from segue.data.playlists import Int32Array, Int64Array
from segue.data.records import AnyPlaylist, AnyTrack, Reject
from segue.data.track_columns import TrackColumns
from segue.data.vocabulary import Numbering

_BATCH = 1_000  # Tracks that become columns at once.
_BLOCK = 1 << 16  # Pairs in which repeated tracks are looked for at once.
_COUNTED = list(range(1000))


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some playlists, and the tracks in them.

    Attributes
    ----------
    titles : Arrow string [num_playlists]
        Null where a playlist has none.
    lengths : int64 [num_playlists]
        Number of different tracks.
    track_index : int32 [num_pairs]
        Rows of `tracks`, list by list, each once in a list, at its first position.
    tracks : TrackColumns
        In order of first appearance in the source; the first description counts.
    unordered, certain : int64
        Rows of playlists whose order means nothing, and of those whose order is certain.
    repeated_tracks
        How often a track repeated in a playlist.
    """

    titles: pa.Array
    lengths: Int64Array
    track_index: Int32Array
    tracks: TrackColumns
    unordered: Int64Array
    certain: Int64Array
    repeated_tracks: int


class ChunkMaker:
    """Takes playlists apart as they come, and keeps none.

    Parameters
    ----------
    index
        The ids of playlists that were read before, and their rows; those that come are added.
    """

    def __init__(self, index: Numbering | None = None) -> None:
        self.index = Numbering() if index is None else index
        self.num_pairs = 0
        self._titles: list[str | None] = []
        self._unordered: list[int] = []
        self._certain: list[int] = []
        # Of the batch: tracks that are not columns yet, and what makes columns of them.
        self._columns: Callable[[Sequence[Any]], TrackColumns] = described
        self._tracks: list[Any] = []
        # Of the block.
        self._batches: list[TrackColumns] = []
        self._lengths: list[int] = []
        self._misplaced: dict[int, list[int]] = {}  # row of the block → positions of its tracks
        # Of finished blocks.
        self._blocks: list[TrackColumns] = []
        self._codes: list[Int32Array] = []
        self._list_lengths: list[Int64Array] = []
        self._repeated_tracks = 0

    def __len__(self) -> int:
        """Number of playlists so far."""
        return len(self._titles)

    def add(
        self,
        file: str,
        playlists: Iterable[tuple[str, AnyPlaylist]],
        reject: Reject,
        *,
        ordered: bool = True,
        certain: bool = False,
        told_apart: Callable[[str], str] | None = None,
        columns: Callable[[Sequence[Any]], TrackColumns] | None = None,
    ) -> None:
        """Add the playlists of a file; those whose id was there before are rejected.

        Parameters
        ----------
        file, playlists, reject
            As `segue.data.records.Format.read` has them.
        ordered, certain
            Whether the order of their tracks may be meaningful, and that it then is.
        told_apart
            Makes an id of a name, which others may have, too.
        columns
            What describes tracks; by default `described`.
        """
        columns = columns or described
        if columns is not self._columns:
            self._end_batch()
            self._columns = columns
        index = self.index
        for record, playlist in playlists:
            playlist_id = str(playlist.id)
            if told_apart is not None:
                playlist_id = told_apart(playlist_id)
            num_before = len(index)
            if index[playlist_id] < num_before:
                reason = f"playlist {playlist_id} was read before, expected each playlist once"
                reject(file, record, reason, msgspec.json.encode(playlist).decode())
                continue
            if not (ordered and getattr(playlist, "ordered", True)):
                self._unordered.append(len(self._titles))
            elif certain:
                self._certain.append(len(self._titles))
            self._titles.append(playlist.title)
            tracks = playlist.tracks
            positions = [track.position for track in tracks]
            # Nearly all are 0, 1, 2 …, which takes the least time to see.
            if positions != _COUNTED[: len(positions)] and positions != sorted(positions):
                self._misplaced[len(self._lengths)] = positions
            self._lengths.append(len(tracks))
            self._tracks += tracks
            self.num_pairs += len(tracks)
            if len(self._tracks) >= _BATCH:
                self._end_batch()

    def finish(self) -> Chunk:
        """All playlists that were added; none can be added after that."""
        self._end_batch()
        self._end_block()
        tracks = TrackColumns.joined(self._blocks or [described([])])
        codes = [np.zeros(0, np.int32), *self._codes]
        if len(self._blocks) > 1:
            encoded = tracks.ids.dictionary_encode().indices.to_numpy()
            starts = offsets_of(np.array([len(block) for block in self._blocks]))
            codes[1:] = [
                encoded[start:][code] for start, code in zip(starts[:-1], self._codes, strict=True)
            ]
            tracks = tracks.take(_first_rows(encoded))
        return Chunk(
            pa.array(self._titles, pa.string()),
            np.concatenate([np.zeros(0, np.int64), *self._list_lengths]),
            np.concatenate(codes),
            tracks,
            np.array(self._unordered, dtype=np.int64),
            np.array(self._certain, dtype=np.int64),
            self._repeated_tracks,
        )

    def _end_batch(self) -> None:
        if self._tracks:
            tracks, self._tracks = self._tracks, []
            self._batches.append(self._columns(tracks))
        if sum(map(len, self._batches)) >= _BLOCK:
            self._end_block()

    def _end_block(self) -> None:
        """Describe each track of the block once, and each track once in its playlist."""
        if not self._lengths:
            return
        lengths, self._lengths = np.array(self._lengths, dtype=np.int64), []
        misplaced, self._misplaced = self._misplaced, {}
        batches, self._batches = self._batches, []
        codes = np.zeros(0, dtype=np.int32)
        if batches:
            tracks = TrackColumns.joined(batches)
            codes = tracks.ids.dictionary_encode().indices.to_numpy()
            self._blocks.append(tracks.take(_first_rows(codes)))
            if misplaced:
                codes = codes.copy()
                offsets = offsets_of(lengths)
                for row, positions in misplaced.items():
                    pairs = slice(offsets[row], offsets[row + 1])
                    codes[pairs] = codes[pairs][np.argsort(positions, kind="stable")]
        else:
            self._blocks.append(described([]))
        lists, kept = without_repeats(row_index(offsets_of(lengths)), codes, len(lengths))
        self._list_lengths.append(lists)
        self._codes.append(kept)
        self._repeated_tracks += len(codes) - len(kept)


def described(tracks: Sequence[AnyTrack]) -> TrackColumns:
    """Columns of tracks of any kind."""
    artists = [track.artists for track in tracks]
    albums = [track.album for track in tracks]
    lists = pa.list_(pa.string())
    aliases = {row: track.aliases for row, track in enumerate(tracks) if track.aliases}
    locations = {
        row: location
        for row, track in enumerate(tracks)
        if (location := getattr(track, "location", None))
    }
    return TrackColumns(
        pa.array([track.id for track in tracks], pa.string()),
        pa.array([track.name for track in tracks], pa.string()),
        pa.array([[artist_id for artist_id, _ in those] for those in artists], lists),
        pa.array([[name for _, name in those] for those in artists], lists),
        pa.array([None if album is None else album[0] for album in albums], pa.string()),
        pa.array([None if album is None else album[1] for album in albums], pa.string()),
        aliases,
        locations,
    )


def without_repeats(
    rows: NDArray[np.integer], codes: Int32Array, num_lists: int
) -> tuple[Int64Array, Int32Array]:
    """Each code once in its list, where it is first.

    Parameters
    ----------
    rows, codes : int [num_entries]
        List (0 … num_lists − 1, non-decreasing) and code (0 or more) of each entry.
    num_lists
        Some may be empty.

    Returns
    -------
    lengths : int64 [num_lists]
    codes : int32
    """
    width = int(codes.max(initial=0)) + 1
    key = rows.astype(np.int64) * width + codes
    ascending = np.sort(key)
    repeated = ascending[1:] == ascending[:-1]
    if repeated.any():
        # Few lists have repeats, and only these are sorted with their places.
        has = np.zeros(num_lists, dtype=bool)
        has[ascending[1:][repeated] // width] = True
        among = np.flatnonzero(has[rows])
        keep = ~has[rows]
        keep[among[np.unique(key[among], return_index=True)[1]]] = True
        rows, codes = rows[keep], codes[keep]
    return np.bincount(rows, minlength=num_lists), codes


def _first_rows(codes: NDArray[np.integer]) -> Int64Array:
    """Where each code comes first, if they are numbered by first appearance."""
    highest = np.maximum.accumulate(codes)
    return np.flatnonzero(np.diff(highest, prepend=-1))
