"""What every reader of playlists shares: codes for strings, repeats, order, bad records."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.csr import offsets_of
from segue.data.playlists import (
    BoolArray,
    Catalog,
    Int32Array,
    Int64Array,
    Playlists,
    TrackLists,
)
from segue.data.relations import Nodes, Relation
from segue.errors import InputError

Order = Literal["auto", "known", "unknown"]
# (file, record, reason, content)
Reject = Callable[[str, str, str, str | None], None]


@dataclass
class ReadReport:
    """What reading met.

    Of slices, ``playlists + skipped`` is the number of records that they hold (a slice that
    breaks off counts as one record from the break on). Of tables, ``rows`` counts all rows, and
    ``pairs + repeated_tracks + skipped`` is their number (what follows a break counts as one,
    rows without any value not at all); ``disputed_tracks`` came with more than one artist.
    """

    slices: int = 0
    playlists: int = 0
    skipped: int = 0
    pairs: int = 0
    repeated_tracks: int = 0
    fingerprint: str = ""
    rows: int = 0
    disputed_tracks: int = 0


def rejecting(skipped: IO[str] | None, report: ReadReport) -> Reject:
    """What to do with a bad record: write it to `skipped` and count it, else raise InputError."""

    def reject(file: str, record: str, reason: str, content: str | None) -> None:
        if skipped is None:
            raise InputError(f"{file}: {record}: {reason}")
        entry = {"file": file, "record": record, "reason": reason, "content": content}
        skipped.write(json.dumps(entry, ensure_ascii=False) + "\n")
        report.skipped += 1

    return reject


@dataclass
class Vocabulary:
    """Strings → rows, in order of first appearance."""

    index: dict[str, int] = field(default_factory=dict)

    def codes(self, values: pa.Array) -> tuple[Int64Array, Int64Array]:
        """Row of each value (−1 for null), and the positions at which new rows first appear."""
        encoded = values.dictionary_encode()
        local = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        before, index = len(self.index), self.index
        rows = np.array(
            [index.setdefault(value, len(index)) for value in encoded.dictionary.to_pylist()]
            + [-1],
            dtype=np.int64,
        )
        codes = rows[local]
        # Arrow numbers a dictionary by first appearance, so the first positions come in order.
        distinct, first = np.unique(codes, return_index=True)
        return codes, first[distinct >= before]

    def find(self, values: pa.Array) -> Int64Array:
        """Row of each value, −1 for null and for what is not here; adds nothing."""
        encoded = values.dictionary_encode()
        local = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found = [self.index.get(value, -1) for value in encoded.dictionary.to_pylist()]
        rows: Int64Array = np.array([*found, -1], dtype=np.int64)[local]
        return rows

    def array(self) -> pa.Array:
        """The strings, by row."""
        return pa.array(list(self.index), pa.string())


@dataclass
class Tied:
    """The nodes of a kind that tracks are tied to, and which track is tied to which, as they grow.

    Several of a track are kept in the order given, the main one first.
    """

    known: Vocabulary = field(default_factory=Vocabulary)
    names: list[str] = field(default_factory=list)
    lengths: list[Int64Array] = field(default_factory=list)
    target_index: list[Int32Array] = field(default_factory=list)

    def add(self, ids: pa.Array, names: pa.Array) -> None:
        """Add what new tracks are tied to.

        Parameters
        ----------
        ids : Arrow string [num_new], or list of string for several of a track
            Null where there is none.
        names
            In the same form.
        """
        if pa.types.is_list(ids.type) or pa.types.is_large_list(ids.type):
            track = pc.list_parent_indices(ids).to_numpy().astype(np.int64)
            num_tracks, ids, names = len(ids), ids.flatten(), names.flatten()
        else:
            num_tracks, track = len(ids), np.arange(len(ids))
        codes, first = self.known.codes(ids)
        self.names += names.take(pa.array(first)).to_pylist()
        key = track * (len(self.known.index) + 1) + codes
        once = np.sort(np.unique(key, return_index=True)[1])
        once = once[codes[once] >= 0]
        self.lengths.append(np.bincount(track[once], minlength=num_tracks))
        self.target_index.append(codes[once].astype(np.int32))

    def relation(self, name: str, kind: str) -> Relation:
        """The relation from the tracks so far to these nodes."""
        offsets = offsets_of(np.concatenate([np.zeros(0, np.int64), *self.lengths]))
        target_index = np.concatenate([np.zeros(0, np.int32), *self.target_index])
        return Relation(name, "track", kind, offsets, target_index, len(self.names))

    def nodes(self) -> Nodes:
        """The nodes so far."""
        return Nodes(self.known.array(), pa.array(self.names, pa.string()))


class Collected:
    """The columns of playlists and catalogue as they grow.

    The first description of a track, artist or album counts. A reader gives the codes of
    `playlists` and `tracks`, describes what is new in `tracks`, appends a title for what is new
    in `playlists`, and adds the lists in the order of the rows of `playlists`.
    """

    def __init__(self) -> None:
        self.playlists, self.tracks = Vocabulary(), Vocabulary()
        self.artists, self.albums = Tied(), Tied()
        self.titles: list[str | None] = []
        self.track_names: list[str] = []
        self.lengths: list[Int64Array] = []
        self.track_index: list[Int32Array] = []
        self.repeated_tracks = 0

    def describe(
        self,
        track_names: pa.Array,
        artist_ids: pa.Array,
        artist_names: pa.Array,
        album_ids: pa.Array,
        album_names: pa.Array,
    ) -> None:
        """Add what is said of tracks that are new; see `Tied.add` for artists and albums."""
        self.track_names += track_names.to_pylist()
        self.artists.add(artist_ids, artist_names)
        self.albums.add(album_ids, album_names)

    def add_lists(
        self,
        rows: NDArray[np.integer],
        num_lists: int,
        codes: NDArray[np.integer],
        position: Int64Array | None,
    ) -> None:
        """Add whole playlists, a track once in each.

        Parameters
        ----------
        rows, codes : int [num_entries]
            Playlist (0 … num_lists − 1, never falling) and track of each entry.
        num_lists
            Number of playlists; some may be empty.
        position : int64 [num_entries]
            Where in its playlist an entry stands; None: in the order given.
        """
        if position is not None:
            # Most sources list their tracks in order already.
            falls = (position[1:] < position[:-1]) & (rows[1:] == rows[:-1])
            if falls.any():
                codes = codes[np.lexsort((position, rows))]
        key = rows.astype(np.int64) * (len(self.tracks.index) + 1) + codes
        once = np.sort(np.unique(key, return_index=True)[1])
        self.repeated_tracks += len(codes) - len(once)
        self.lengths.append(np.bincount(rows[once], minlength=num_lists))
        self.track_index.append(codes[once].astype(np.int32))

    def finish(self, order: Order) -> tuple[Playlists, Catalog]:
        """Playlists and catalogue.

        `order` says whether the order of the tracks is known; ``"auto"``: not where the ids of a
        playlist's tracks ascend.
        """
        nothing = np.zeros(0, dtype=np.int64)
        tracks = TrackLists.from_lengths(
            np.concatenate([nothing, *self.lengths]),
            np.concatenate([nothing.astype(np.int32), *self.track_index]),
        )
        track_ids = self.tracks.array()
        if order == "auto":
            order_known = ~ascending(tracks, track_ids)
        else:
            order_known = np.full(len(tracks), order == "known")
        playlists = Playlists(
            self.playlists.array(), pa.array(self.titles, pa.string()), order_known, tracks
        )
        catalog = Catalog(
            {
                "track": Nodes(track_ids, pa.array(self.track_names, pa.string())),
                "artist": self.artists.nodes(),
                "album": self.albums.nodes(),
            },
            {
                "artist": self.artists.relation("by", "artist"),
                "album": self.albums.relation("on", "album"),
            },
        )
        return playlists, catalog


def ascending(tracks: TrackLists, track_ids: pa.Array) -> BoolArray:
    """Which lists have their ids in ascending order, as text or by a number at the end.

    Such a list was sorted when it was stored, so its order says nothing. (A shuffled playlist of
    n tracks comes out sorted with odds of 1 in n!.)
    """
    # Shorter before longer puts …:9 before …:10; the second key alone is plain text order.
    table = pa.table({"length": pc.binary_length(track_ids), "id": track_ids})
    rows = tracks.list_index()
    inside = rows[1:] == rows[:-1]
    found = np.zeros(len(tracks), dtype=bool)
    for keys in ([("length", "ascending"), ("id", "ascending")], [("id", "ascending")]):
        rank = np.empty(len(track_ids), dtype=np.int32)
        rank[pc.sort_indices(table, sort_keys=keys).to_numpy()] = np.arange(len(track_ids))
        ranks = rank[tracks.track_index]
        falls = (ranks[1:] < ranks[:-1]) & inside
        found |= np.bincount(rows[1:][falls], minlength=len(tracks)) == 0
    return found
