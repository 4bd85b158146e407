"""`TrackLists`, `Playlists` and `Catalog`: who holds what, and what the things are called.

All three are frozen, check themselves when made, and save themselves as Arrow IPC files. Those
are read through memory mapping: a large collection costs no copy, and processes share it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from numpy.typing import NDArray

from segue.errors import ArtefactError

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrackLists:
    """Ordered lists of tracks in CSR form: list i is ``track_index[offsets[i]:offsets[i + 1]]``.

    Attributes
    ----------
    offsets : int64 [num_lists + 1]
        From 0, never falling, ending at num_pairs.
    track_index : int32 [num_pairs]
        Rows of a `Catalog`, at least 0, no track twice in a list.
    """

    offsets: Int64Array
    track_index: Int32Array

    def __post_init__(self) -> None:
        """Refuse arrays that are no such lists (ValueError)."""
        offsets, track_index = self.offsets, self.track_index
        if offsets.dtype != np.int64 or track_index.dtype != np.int32:
            raise ValueError("offsets must be int64 and track_index int32")
        if offsets.ndim != 1 or track_index.ndim != 1 or len(offsets) == 0:
            raise ValueError("offsets and track_index must be one-dimensional, offsets not empty")
        if offsets[0] != 0 or offsets[-1] != len(track_index) or (np.diff(offsets) < 0).any():
            raise ValueError("offsets must rise from 0 to the number of pairs")
        if len(track_index):
            if track_index.min() < 0:
                raise ValueError("a track index must not be negative")
            # One sort of a joint key finds repeats without a loop over the lists.
            key = self.list_index() * (int(track_index.max()) + 1) + track_index
            key.sort()
            if (key[1:] == key[:-1]).any():
                raise ValueError("a track stands twice in a list")

    @classmethod
    def from_lists(cls, lists: list[list[int]]) -> TrackLists:
        """Make from Python lists of track indices."""
        lengths = np.array([len(tracks) for tracks in lists], dtype=np.int64)
        return cls.from_lengths(lengths, np.array([t for ts in lists for t in ts], dtype=np.int32))

    @classmethod
    def from_lengths(cls, lengths: Int64Array, track_index: Int32Array) -> TrackLists:
        """Make from the length of each list and all lists laid end to end."""
        offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(offsets, track_index)

    def __len__(self) -> int:
        """Number of lists."""
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Int32Array:
        """The tracks of one list, in order (IndexError outside 0 … num_lists − 1)."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)} lists")
        return self.track_index[self.offsets[row] : self.offsets[row + 1]]

    @property
    def num_pairs(self) -> int:
        """Number of (list, track) pairs."""
        return len(self.track_index)

    @property
    def lengths(self) -> Int64Array:
        """Number of tracks of each list: int64 [num_lists]."""
        lengths: Int64Array = np.diff(self.offsets)
        return lengths

    def list_index(self) -> Int64Array:
        """The list of each pair: int64 [num_pairs], never falling."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def place(self) -> Int64Array:
        """Where each pair stands in its list, from 0: int64 [num_pairs]."""
        place: Int64Array = np.arange(self.num_pairs) - np.repeat(self.offsets[:-1], self.lengths)
        return place

    def following(self) -> Int64Array:
        """How many pairs of its list follow each pair: int64 [num_pairs]."""
        following: Int64Array = np.repeat(self.lengths - 1, self.lengths) - self.place()
        return following

    def rows(self, rows: Any) -> TrackLists:
        """Some of the lists: `rows` is a slice, or an int array (IndexError outside the lists)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                stop = max(start, stop)
                first, last = self.offsets[start], self.offsets[stop]
                return TrackLists(
                    self.offsets[start : stop + 1] - first, self.track_index[first:last]
                )
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows)
        if len(rows) and rows.dtype.kind not in "iu":
            raise IndexError(f"rows must be integers, not {rows.dtype}")
        rows = rows.astype(np.int64)
        pairs = self.pair_index(rows)
        return TrackLists.from_lengths(self.lengths[rows], self.track_index[pairs])

    def pair_index(self, rows: Int64Array) -> Int64Array:
        """Positions in `track_index` of all pairs of some lists, list by list: int64."""
        # A negative row would take the length of one list and the place of another.
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"rows outside the {len(self)} lists")
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        pairs: Int64Array = np.repeat(self.offsets[rows], lengths) + within
        return pairs

    def shuffled_place(self, rng: np.random.Generator) -> Int64Array:
        """Where each pair comes in a random order of its list: int64 [num_pairs], from 0."""
        order = np.lexsort((rng.random(self.num_pairs), self.list_index()))
        place = np.empty(self.num_pairs, dtype=np.int64)
        place[order] = self.place()
        return place

    def overlaps(self, other: TrackLists) -> bool:
        """Whether some list shares a track with the list of `other` in the same row."""
        if len(self) != len(other):
            raise ValueError(f"{len(self)} lists cannot be compared with {len(other)}")
        width = 1 + int(max(self.track_index.max(initial=0), other.track_index.max(initial=0)))
        ours = self.list_index() * width + self.track_index
        theirs = other.list_index() * width + other.track_index
        return bool(np.intersect1d(ours, theirs, assume_unique=True).size)

    def keep(self, pairs: BoolArray) -> TrackLists:
        """The same lists with only the pairs where `pairs` (bool [num_pairs]) is true."""
        lengths = np.bincount(self.list_index()[pairs], minlength=len(self))
        return TrackLists.from_lengths(lengths, self.track_index[pairs])

    def joined(self, other: TrackLists) -> TrackLists:
        """Each list followed by that of `other` in the same row (ValueError if a track repeats)."""
        if len(self) != len(other):
            raise ValueError(f"{len(self)} lists cannot be joined to {len(other)}")
        order = np.argsort(np.concatenate([self.list_index(), other.list_index()]), kind="stable")
        track_index = np.concatenate([self.track_index, other.track_index])[order]
        return TrackLists.from_lengths(self.lengths + other.lengths, track_index)

    def track_counts(self, num_tracks: int) -> Int64Array:
        """In how many lists each track stands: int64 [num_tracks]."""
        return np.bincount(self.track_index, minlength=num_tracks)


@dataclass(frozen=True, eq=False)
class Playlists:
    """Playlists: an identifier, a title, the tracks in order, and whether that order is known.

    Attributes
    ----------
    ids : Arrow string [num_playlists]
        Outside identifiers, no two alike.
    titles : Arrow string [num_playlists]
        Null where a playlist has none.
    order_known : bool [num_playlists]
        False where the tracks came as a set: their order then means nothing.
    tracks : TrackLists
    """

    ids: pa.Array
    titles: pa.Array
    order_known: BoolArray
    tracks: TrackLists

    def __post_init__(self) -> None:
        """Refuse columns of different lengths and repeated ids (ValueError)."""
        if not len(self.ids) == len(self.titles) == len(self.order_known) == len(self.tracks):
            raise ValueError("ids, titles, order_known and tracks differ in length")
        _check_ids("playlist", self.ids)

    def __len__(self) -> int:
        """Number of playlists."""
        return len(self.ids)

    @cached_property
    def index_of(self) -> dict[str, int]:
        """Playlist id → row."""
        return {playlist_id: row for row, playlist_id in enumerate(self.ids.to_pylist())}

    def with_tracks(self, tracks: TrackLists) -> Playlists:
        """The same playlists holding other tracks."""
        return Playlists(self.ids, self.titles, self.order_known, tracks)

    def save(self, folder: Path) -> None:
        """Write ``playlists.arrow``."""
        lists = pa.LargeListArray.from_arrays(
            pa.array(self.tracks.offsets), pa.array(self.tracks.track_index)
        )
        columns = {
            "playlist_id": self.ids,
            "title": self.titles,
            "order_known": pa.array(self.order_known),
            "track_index": lists,
        }
        _write_arrow(folder / "playlists.arrow", columns)

    @classmethod
    def load(cls, folder: Path) -> Playlists:
        """Read ``playlists.arrow``; its arrays are mapped, not copied."""
        path = folder / "playlists.arrow"
        ids, titles, order_known, lists = _read_arrow(
            path, ["playlist_id", "title", "order_known", "track_index"]
        )
        tracks = TrackLists(
            np.asarray(lists.offsets, dtype=np.int64), np.asarray(lists.values, dtype=np.int32)
        )
        return cls(ids, titles, order_known.to_numpy(zero_copy_only=False), tracks)


@dataclass(frozen=True, eq=False)
class Catalog:
    """Tracks, artists and albums: id ↔ index, names, who made what. No counts.

    Attributes
    ----------
    track_ids, track_names : Arrow string [num_tracks]
    artist_ids, artist_names : Arrow string [num_artists]
    album_ids, album_names : Arrow string [num_albums]
    track_artist : int32 [num_tracks]
        The artist of each track, −1 where none is known.
    track_album : int32 [num_tracks]
        The album of each track, −1 where none is known.
    """

    track_ids: pa.Array
    track_names: pa.Array
    artist_ids: pa.Array
    artist_names: pa.Array
    album_ids: pa.Array
    album_names: pa.Array
    track_artist: Int32Array
    track_album: Int32Array

    def __post_init__(self) -> None:
        """Refuse columns that do not fit together (ValueError)."""
        for kind in ("track", "artist", "album"):
            ids, names = getattr(self, f"{kind}_ids"), getattr(self, f"{kind}_names")
            if len(ids) != len(names):
                raise ValueError(f"{kind} ids and names differ in length")
            _check_ids(kind, ids)
        for kind in ("artist", "album"):
            column = getattr(self, f"track_{kind}")
            if column.dtype != np.int32 or column.shape != (self.num_tracks,):
                raise ValueError(f"track_{kind} must be int32 with one entry a track")
            limit = len(getattr(self, f"{kind}_ids"))
            if len(column) and not (column.min() >= -1 and column.max() < limit):
                raise ValueError(f"track_{kind} points outside the {kind}s")

    @property
    def num_tracks(self) -> int:
        """Number of tracks."""
        return len(self.track_ids)

    @property
    def num_artists(self) -> int:
        """Number of artists."""
        return len(self.artist_ids)

    @property
    def num_albums(self) -> int:
        """Number of albums."""
        return len(self.album_ids)

    @cached_property
    def track_index_of(self) -> dict[str, int]:
        """Track id → row."""
        return {track_id: row for row, track_id in enumerate(self.track_ids.to_pylist())}

    @cached_property
    def artist_index_of(self) -> dict[str, int]:
        """Artist id → row."""
        return {artist_id: row for row, artist_id in enumerate(self.artist_ids.to_pylist())}

    def check_holds(self, playlists: Playlists) -> None:
        """Refuse playlists that point outside the catalogue (ValueError)."""
        tracks = playlists.tracks.track_index
        if len(tracks) and tracks.max() >= self.num_tracks:
            raise ValueError("a playlist holds a track that the catalogue does not have")

    def artist_of(self, tracks: Int32Array) -> pa.Array:
        """Names of the artists of some tracks: Arrow string, empty where none is known."""
        artist = self.track_artist[tracks]
        return self.artist_names.take(pa.array(artist, mask=artist < 0)).fill_null("")

    def keep_tracks(self, kept: BoolArray) -> Catalog:
        """Only the tracks where `kept` (bool [num_tracks]) is true, with their artists and albums.

        What remains keeps its order, so indices stay comparable.
        """
        artist, artist_rows = _compact(self.track_artist[kept], self.num_artists)
        album, album_rows = _compact(self.track_album[kept], self.num_albums)
        rows = pa.array(np.flatnonzero(kept))
        return Catalog(
            self.track_ids.take(rows),
            self.track_names.take(rows),
            self.artist_ids.take(artist_rows),
            self.artist_names.take(artist_rows),
            self.album_ids.take(album_rows),
            self.album_names.take(album_rows),
            artist,
            album,
        )

    def save(self, folder: Path) -> None:
        """Write ``tracks.arrow``, ``artists.arrow`` and ``albums.arrow``."""
        tracks = {
            "track_id": self.track_ids,
            "name": self.track_names,
            "artist_index": pa.array(self.track_artist),
            "album_index": pa.array(self.track_album),
        }
        _write_arrow(folder / "tracks.arrow", tracks)
        _write_arrow(
            folder / "artists.arrow", {"artist_id": self.artist_ids, "name": self.artist_names}
        )
        _write_arrow(
            folder / "albums.arrow", {"album_id": self.album_ids, "name": self.album_names}
        )

    @classmethod
    def load(cls, folder: Path) -> Catalog:
        """Read what `save` wrote; the columns are mapped, not copied."""
        track_ids, track_names, artist, album = _read_arrow(
            folder / "tracks.arrow", ["track_id", "name", "artist_index", "album_index"]
        )
        artist_ids, artist_names = _read_arrow(folder / "artists.arrow", ["artist_id", "name"])
        album_ids, album_names = _read_arrow(folder / "albums.arrow", ["album_id", "name"])
        return cls(
            track_ids,
            track_names,
            artist_ids,
            artist_names,
            album_ids,
            album_names,
            artist.to_numpy(),
            album.to_numpy(),
        )


def update_digest(digest: hashlib._Hash, *columns: pa.Array | NDArray[Any]) -> None:
    """Feed columns into a hash so that equal content gives an equal hash, however it is stored."""
    for column in columns:
        if isinstance(column, np.ndarray):
            digest.update(np.ascontiguousarray(column).data)
        else:
            # Values and lengths, not buffers: those may carry an offset or slack bytes.
            lengths = pc.fill_null(pc.binary_length(column), -1).to_numpy(zero_copy_only=False)
            digest.update(lengths.astype(np.int64).data)
            digest.update("".join(pc.fill_null(column, "").to_pylist()).encode())


def _check_ids(kind: str, ids: pa.Array) -> None:
    if ids.null_count or pc.count_distinct(ids).as_py() != len(ids):
        raise ValueError(f"{kind} ids must be present and all different")


def _compact(column: Int32Array, num_rows: int) -> tuple[Int32Array, pa.Array]:
    """Renumber the rows that `column` still points at; −1 stays −1."""
    used = np.zeros(num_rows, dtype=bool)
    used[column[column >= 0]] = True
    new = np.append(np.cumsum(used, dtype=np.int32) - np.int32(1), np.int32(-1))
    return new[column].astype(np.int32), pa.array(np.flatnonzero(used))


def _write_arrow(path: Path, columns: dict[str, pa.Array]) -> None:
    # One record batch, so that reading gives whole arrays and a memory map needs no copy.
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def _read_arrow(path: Path, names: list[str]) -> list[pa.Array]:
    try:
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        return [batch.column(name) for name in names]
    except (OSError, pa.ArrowException, KeyError) as error:
        raise ArtefactError(f"{path}: cannot be read as an Arrow table ({error})") from error
