"""`TrackLists`, `Playlists` and `Catalog`: which playlist holds which tracks, and their names.

All three are frozen, validate themselves when made, and save themselves as Arrow IPC files. These
are memory-mapped when read: a large collection is not copied, and processes share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.arrow import read_arrow, write_arrow
from segue.data.csr import check_csr, entries_of, offsets_of, parts_of, row_index, stand_in
from segue.data.relations import Nodes, Relation, problem_of_ids

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]

_PLAYLIST_COLUMNS = {
    "playlist_id": pa.string(),
    "title": pa.string(),
    "order_known": pa.bool_(),
    "track_index": pa.large_list(pa.int32()),
}
_ALIASES = pa.list_(pa.string())


@dataclass(frozen=True, eq=False)
class TrackLists:
    """Ordered lists of tracks in CSR form: list i is ``track_index[offsets[i]:offsets[i + 1]]``.

    Attributes
    ----------
    offsets : int64 [num_lists + 1]
        From 0, non-decreasing, ending at num_pairs.
    track_index : int32 [num_pairs]
        Rows of a `Catalog`, at least 0, no track twice in a list.
    """

    offsets: Int64Array
    track_index: Int32Array

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays form such lists."""
        check_csr(self.offsets, self.track_index, "track_index", "a track appears twice in a list")

    @classmethod
    def from_lists(cls, lists: list[list[int]]) -> TrackLists:
        """Make from Python lists of track indices."""
        lengths = np.array([len(tracks) for tracks in lists], dtype=np.int64)
        return cls.from_lengths(lengths, np.array([t for ts in lists for t in ts], dtype=np.int32))

    @classmethod
    def from_lengths(cls, lengths: Int64Array, track_index: Int32Array) -> TrackLists:
        """Make from the length of each list and all lists concatenated."""
        return cls(offsets_of(lengths), track_index)

    def __repr__(self) -> str:
        """``TrackLists(1,000 lists, 66,000 pairs)``."""
        return f"TrackLists({len(self):,} lists, {self.num_pairs:,} pairs)"

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
        """The list of each pair: int64 [num_pairs], non-decreasing."""
        return row_index(self.offsets)

    def positions(self) -> Int64Array:
        """Position of each pair in its list, from 0: int64 [num_pairs]."""
        positions: Int64Array = np.arange(self.num_pairs) - np.repeat(
            self.offsets[:-1], self.lengths
        )
        return positions

    def following(self) -> Int64Array:
        """How many pairs follow each pair in its list: int64 [num_pairs]."""
        following: Int64Array = np.repeat(self.lengths - 1, self.lengths) - self.positions()
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
        return entries_of(self.offsets, rows)

    def shuffled_positions(self, rng: np.random.Generator) -> Int64Array:
        """Position of each pair in a random order of its list: int64 [num_pairs], from 0."""
        drawn, row = rng.random(self.num_pairs), self.list_index()
        place, positions = self.positions(), np.empty(self.num_pairs, dtype=np.int64)
        for rows in parts_of(self.offsets):
            pairs = slice(self.offsets[rows.start], self.offsets[rows.stop])
            order = np.lexsort((drawn[pairs], row[pairs]))
            positions[pairs][order] = place[pairs]
        return positions

    def overlaps(self, other: TrackLists) -> bool:
        """Whether some list shares a track with the list of `other` in the same row."""
        if len(self) != len(other):
            raise ValueError(f"{len(self)} lists cannot be compared with {len(other)}")
        width = 1 + int(max(self.track_index.max(initial=0), other.track_index.max(initial=0)))
        ours = self.list_index() * width + self.track_index
        theirs = other.list_index() * width + other.track_index
        few, many = sorted((ours, theirs), key=len)
        return bool(stand_in(np.sort(few), many).any())

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
        """How many lists contain each track: int64 [num_tracks]."""
        return np.bincount(self.track_index, minlength=num_tracks)


@dataclass(frozen=True, eq=False)
class Playlists:
    """Playlists: an identifier, a title, the tracks in order, and whether that order is known.

    Attributes
    ----------
    ids : Arrow string [num_playlists]
        Identifiers from the source, all different.
    titles : Arrow string [num_playlists]
        Null where a playlist has none.
    order_known : bool [num_playlists]
        False where the tracks came as a set, so that their order means nothing.
    tracks : TrackLists
    relations : dict of Relation
        Those whose source is playlists, by target kind, such as words of the titles. The target
        nodes themselves belong to the `Catalog`.

    Examples
    --------
    >>> mine = segue.read({"road trip": ["a", "b", "c"]}).playlists
    >>> mine.titles[0].as_py(), mine.tracks[0]
    ('road trip', array([0, 1, 2], dtype=int32))
    """

    ids: pa.Array
    titles: pa.Array
    order_known: BoolArray
    tracks: TrackLists
    relations: Mapping[str, Relation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError if columns differ in length or ids repeat."""
        if not len(self.ids) == len(self.titles) == len(self.order_known) == len(self.tracks):
            raise ValueError("ids, titles, order_known and tracks differ in length")
        if problem := problem_of_ids(self.ids):
            raise ValueError(f"playlist {problem}")
        for kind, relation in self.relations.items():
            relation.check_ends("playlist", len(self), kind)

    def __repr__(self) -> str:
        """``Playlists(1,000 playlists, 66,000 pairs)``."""
        return f"Playlists({len(self):,} playlists, {self.tracks.num_pairs:,} pairs)"

    def __len__(self) -> int:
        """Number of playlists."""
        return len(self.ids)

    @cached_property
    def index_of(self) -> dict[str, int]:
        """Playlist id → row."""
        return {playlist_id: row for row, playlist_id in enumerate(self.ids.to_pylist())}

    def with_tracks(self, tracks: TrackLists) -> Playlists:
        """The same playlists with other tracks."""
        return replace(self, tracks=tracks)

    def rows(self, rows: Int64Array) -> Playlists:
        """Some of the playlists (IndexError if out of range)."""
        return Playlists(
            self.ids.take(pa.array(rows)),
            self.titles.take(pa.array(rows)),
            self.order_known[rows],
            self.tracks.rows(rows),
            {kind: relation.rows(rows) for kind, relation in self.relations.items()},
        )

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
        write_arrow(folder / "playlists.arrow", columns, self.relations)

    @classmethod
    def load(cls, folder: Path) -> Playlists:
        """Read ``playlists.arrow``; its arrays are memory-mapped, not copied."""
        path = folder / "playlists.arrow"
        (ids, titles, order_known, lists), relations, _ = read_arrow(path, _PLAYLIST_COLUMNS)
        tracks = TrackLists(
            np.asarray(lists.offsets, dtype=np.int64), np.asarray(lists.values, dtype=np.int32)
        )
        known = order_known.to_numpy(zero_copy_only=False)
        return cls(ids, titles, known, tracks, relations)


@dataclass(frozen=True, eq=False)
class Catalog:
    """Tracks and what they relate to: nodes by kind, and the relations among them. No counts.

    Attributes
    ----------
    nodes : dict of Nodes
        By kind: ``track`` first, then ``artist``, ``album`` and further structural kinds.
    relations : dict of Relation
        Those whose source is tracks, by target kind: track–by–artist, track–on–album. A track may
        have several artists; the main one comes first.

    Examples
    --------
    >>> catalog = segue.read([[("Queen", "Don't Stop Me Now")]]).catalog
    >>> catalog.num_tracks, catalog.track_names[0].as_py(), catalog.artists.names[0].as_py()
    (1, "Don't Stop Me Now", 'Queen')
    """

    nodes: Mapping[str, Nodes]
    relations: Mapping[str, Relation]

    def __post_init__(self) -> None:
        """Raise ValueError if columns do not fit together."""
        if list(self.nodes)[:3] != ["track", "artist", "album"]:
            raise ValueError("a catalogue needs tracks, artists and albums, in this order")
        if not {"artist", "album"} <= self.relations.keys():
            raise ValueError("a catalogue needs the artists and albums of its tracks")
        for kind, nodes in self.nodes.items():
            nodes.check(kind)
        for kind, relation in self.relations.items():
            relation.check_ends("track", self.num_tracks, kind)
        self._check_targets(self.relations)

    def __repr__(self) -> str:
        """``Catalog(34,000 tracks, 9,000 artists, 0 albums)``."""
        return (
            f"Catalog({', '.join(f'{len(each):,} {kind}s' for kind, each in self.nodes.items())})"
        )

    def _check_targets(self, relations: Mapping[str, Relation]) -> None:
        for kind, relation in relations.items():
            if kind not in self.nodes or relation.num_targets != len(self.nodes[kind]):
                raise ValueError(f"{relation} does not lead to the {kind}s of the catalogue")

    @classmethod
    def of_columns(
        cls,
        track_ids: pa.Array,
        track_names: pa.Array,
        artist_ids: pa.Array,
        artist_names: pa.Array,
        album_ids: pa.Array,
        album_names: pa.Array,
        main_artist: Int32Array,
        main_album: Int32Array,
    ) -> Catalog:
        """A catalogue whose tracks have at most one artist and one album each (−1 for none)."""
        artists, albums = Nodes(artist_ids, artist_names), Nodes(album_ids, album_names)
        return cls(
            {"track": Nodes(track_ids, track_names), "artist": artists, "album": albums},
            {
                "artist": Relation.single("by", "track", "artist", main_artist, len(artists)),
                "album": Relation.single("on", "track", "album", main_album, len(albums)),
            },
        )

    @property
    def tracks(self) -> Nodes:
        """The tracks."""
        return self.nodes["track"]

    @property
    def artists(self) -> Nodes:
        """The artists."""
        return self.nodes["artist"]

    @property
    def albums(self) -> Nodes:
        """The albums."""
        return self.nodes["album"]

    @property
    def track_ids(self) -> pa.Array:
        """Arrow string [num_tracks]."""
        return self.tracks.ids

    @property
    def track_names(self) -> pa.Array:
        """Arrow string [num_tracks]."""
        return self.tracks.names

    @property
    def num_tracks(self) -> int:
        """Number of tracks."""
        return len(self.tracks)

    @property
    def main_artist(self) -> Int32Array:
        """The first artist of each track: int32 [num_tracks], −1 where none is known."""
        return self.relations["artist"].main

    @property
    def main_album(self) -> Int32Array:
        """The first album of each track: int32 [num_tracks], −1 where none is known."""
        return self.relations["album"].main

    def check_holds(self, playlists: Playlists) -> None:
        """Raise ValueError if playlists point outside the catalogue."""
        tracks = playlists.tracks.track_index
        if len(tracks) and tracks.max() >= self.num_tracks:
            raise ValueError("a playlist holds a track that the catalogue does not have")
        self._check_targets(playlists.relations)

    def artist_of(self, tracks: Int32Array) -> pa.Array:
        """Names of the artists of some tracks: Arrow string, empty where none is known.

        Several artists of a track are joined by commas.
        """
        by = self.relations["artist"]
        if by.is_single:
            artist = by.main[tracks]
            return self.artists.names.take(pa.array(artist, mask=artist < 0)).fill_null("")
        by = by.rows(tracks)
        names = self.artists.names.take(pa.array(by.target_index))
        lists = pa.ListArray.from_arrays(pa.array(by.offsets.astype(np.int32)), names)
        return pc.binary_join(lists, ", ")

    def with_nodes(self, kind: str, nodes: Nodes) -> Catalog:
        """A copy with other nodes of a kind, or with the nodes of a new kind."""
        return replace(self, nodes={**self.nodes, kind: nodes})

    def with_relation(self, relation: Relation) -> Catalog:
        """A copy with other edges from tracks to the nodes of a kind."""
        return replace(self, relations={**self.relations, relation.target: relation})

    def keep_tracks(self, kept: BoolArray) -> Catalog:
        """Only the tracks where `kept` (bool [num_tracks]) is true, with their artists and albums.

        What remains keeps its order, so indices stay comparable.
        """
        rows = np.flatnonzero(kept)
        nodes, relations = {**self.nodes, "track": self.tracks.take(rows)}, {}
        for kind, relation in self.relations.items():
            relations[kind], used = relation.rows(rows).compacted()
            nodes[kind] = self.nodes[kind].take(used)
        return Catalog(nodes, relations)

    def save(self, folder: Path) -> None:
        """Write ``tracks.arrow``, ``artists.arrow``, ``albums.arrow`` …, one file per kind."""
        for kind, nodes in self.nodes.items():
            columns = {f"{kind}_id": nodes.ids, "name": nodes.names}
            if nodes.aliases is not None:
                columns["aliases"] = nodes.aliases
            starting = self.relations if kind == "track" else {}
            kinds = {"kinds": " ".join(self.nodes)} if kind == "track" else None
            write_arrow(folder / f"{kind}s.arrow", columns, starting, kinds)

    @classmethod
    def load(cls, folder: Path) -> Catalog:
        """Read what `save` wrote; the columns are memory-mapped, not copied."""

        def read(kind: str) -> tuple[list[pa.Array], dict[str, Relation], dict[str, str]]:
            columns = {f"{kind}_id": pa.string(), "name": pa.string()}
            return read_arrow(folder / f"{kind}s.arrow", columns, {"aliases": _ALIASES})

        tracks, relations, metadata = read("track")
        nodes = {"track": Nodes(*tracks)}
        for kind in metadata.get("kinds", "").split()[1:]:
            if not kind.isidentifier():
                raise ValueError(f"{kind!r} is not a kind of nodes")
            nodes[kind] = Nodes(*read(kind)[0])
        return cls(nodes, relations)
