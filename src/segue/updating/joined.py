"""A bundle's music and new music as one: catalogue and playlists, with rows of the joined one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.data.playlists import BoolArray, Catalog, Int64Array, Playlists, TrackLists
from segue.data.title_words import Vocabulary


def rows_in(known: pa.Array, ids: pa.Array) -> Int64Array:
    """Row in `known` of each id, −1 if it is not there: int64 [num_ids]."""
    found = pc.index_in(ids, value_set=known).fill_null(-1)
    rows: Int64Array = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return rows


def joined_catalog(old: Catalog, catalog: Catalog, tracks: Int64Array) -> Catalog:
    """The old catalogue followed by some tracks of another, with their artists and albums."""
    nodes, relations = {**old.nodes, "track": old.tracks.joined(catalog.tracks.take(tracks))}, {}
    for kind, ours in old.relations.items():
        theirs = catalog.relations[kind].rows(tracks)
        row = rows_in(old.nodes[kind].ids, catalog.nodes[kind].ids)
        used = np.zeros(len(row), dtype=bool)
        used[theirs.target_index] = True
        added = np.flatnonzero(used & (row < 0))
        row[added] = len(old.nodes[kind]) + np.arange(len(added))
        nodes[kind] = old.nodes[kind].joined(catalog.nodes[kind].take(added))
        relations[kind] = ours.joined(theirs.with_targets(row, len(nodes[kind])))
    return Catalog(nodes, relations)


@dataclass(frozen=True, eq=False)
class JoinedPlaylists:
    """Playlists of a bundle and new ones, all with rows of the joined catalogue.

    `place` (int64 [num_new]) is the row in `old` of each new playlist's id, −1 if it is not there.
    The new playlists' titles are read with the words that the bundle knows.
    """

    old: Playlists
    new: Playlists
    place: Int64Array

    @classmethod
    def of(
        cls,
        old: Playlists,
        new: Playlists,
        ours: Catalog,
        theirs: Catalog,
        track_row: Int64Array,
    ) -> JoinedPlaylists:
        """From two collections with their catalogues.

        `track_row` (int64 [num_tracks of theirs]) is where `ours` has each track of `theirs`.
        """
        tracks = _once(new.tracks, track_row)
        relations = {k: each.without_edges(len(new)) for k, each in old.relations.items()}
        if "word" in relations:
            vocabulary = Vocabulary(ours.nodes["word"])
            relations["word"] = vocabulary.relation(new.titles.to_pylist())
        new = replace(new, tracks=tracks, relations=relations)
        return cls(old, new, rows_in(old.ids, new.ids))

    def keep(self, kept: BoolArray) -> JoinedPlaylists:
        """Without the tracks that are left out, and with the others' new rows."""
        row = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        tracks = self.new.tracks.keep(kept[self.new.tracks.track_index])
        tracks = TrackLists(tracks.offsets, row[tracks.track_index])
        return JoinedPlaylists(self.old, self.new.with_tracks(tracks), self.place)

    @cached_property
    def repeated(self) -> BoolArray:
        """Which new playlists the bundle already has with the same tracks: bool [num_new]."""
        shared = np.flatnonzero(self.place >= 0)
        lengths = self.old.tracks.lengths[self.place[shared]]
        shared = shared[lengths == self.new.tracks.lengths[shared]]
        ours, theirs = self.old.tracks.rows(self.place[shared]), self.new.tracks.rows(shared)
        differs = ours.list_index()[ours.track_index != theirs.track_index]
        repeated = np.zeros(len(self.new), dtype=bool)
        repeated[shared] = np.bincount(differs, minlength=len(shared)) == 0
        return repeated

    @property
    def replaces(self) -> BoolArray:
        """Which new playlists replace one of the bundle: bool [num_new]."""
        replaces: BoolArray = (self.place >= 0) & ~self.repeated
        return replaces

    @property
    def rows(self) -> Int64Array:
        """Rows of the joined playlists: those of `old`, kept or replaced, then new ones: int64."""
        rows = np.arange(len(self.old))
        rows[self.place[self.replaces]] = len(self.old) + np.flatnonzero(self.replaces)
        return np.append(rows, len(self.old) + np.flatnonzero(self.place < 0))

    @property
    def tracks(self) -> TrackLists:
        """The tracks of all of them."""
        ours, theirs = self.old.tracks, self.new.tracks
        both = TrackLists.from_lengths(
            np.append(ours.lengths, theirs.lengths),
            np.append(ours.track_index, theirs.track_index),
        )
        return both.rows(self.rows)

    @property
    def playlists(self) -> Playlists:
        """All of them."""
        rows = pa.array(self.rows)
        return Playlists(
            pa.concat_arrays([self.old.ids, self.new.ids]).take(rows),
            pa.concat_arrays([self.old.titles, self.new.titles]).take(rows),
            np.append(self.old.order_known, self.new.order_known)[self.rows],
            self.tracks,
            {
                kind: relation.joined(self.new.relations[kind]).rows(self.rows)
                for kind, relation in self.old.relations.items()
            },
        )


def no_playlists() -> Playlists:
    """Those of a bundle that was made without."""
    nothing = pa.array([], pa.string())
    return Playlists(nothing, nothing, np.zeros(0, dtype=bool), TrackLists.from_lists([]))


def _once(tracks: TrackLists, track_row: Int64Array) -> TrackLists:
    """The lists with other rows, each track once: two ids may turn out to be one track."""
    lists, rows = tracks.list_index(), track_row[tracks.track_index]
    key = lists * (int(track_row.max(initial=0)) + 1) + rows
    first = np.zeros(len(key), dtype=bool)
    first[np.unique(key, return_index=True)[1]] = True
    lengths = np.bincount(lists[first], minlength=len(tracks))
    return TrackLists.from_lengths(lengths, rows[first].astype(np.int32))
