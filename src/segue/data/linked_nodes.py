"""Artists or albums, and the tracks that link to them, as they are collected."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.data.csr import offsets_of
from segue.data.playlists import Int32Array, Int64Array
from segue.data.relations import Nodes, Relation
from segue.data.vocabulary import Vocabulary, joined_text


@dataclass
class LinkedNodes:
    """Nodes of one kind that tracks link to, and the links, as they grow.

    A track's links are kept in the order given, the main one first.
    """

    known: Vocabulary = field(default_factory=Vocabulary)
    names: list[pa.Array] = field(default_factory=list)
    lengths: list[Int64Array] = field(default_factory=list)
    target_index: list[Int32Array] = field(default_factory=list)
    main: list[Int32Array] = field(default_factory=list)

    def add(self, ids: pa.Array, names: pa.Array) -> None:
        """Add the links of new tracks.

        Parameters
        ----------
        ids : Arrow string [num_new], or list of string for several per track
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
        self.names.append(names.take(pa.array(first)))
        key = track * (len(self.known.index) + 1) + codes
        once = np.sort(np.unique(key, return_index=True)[1])
        once = once[codes[once] >= 0]
        track, tied = track[once], codes[once].astype(np.int32)
        first_of_track = np.diff(track, prepend=-1) > 0
        main = np.full(num_tracks, -1, dtype=np.int32)
        main[track[first_of_track]] = tied[first_of_track]
        self.lengths.append(np.bincount(track, minlength=num_tracks))
        self.target_index.append(tied)
        self.main.append(main)

    def relation(self, name: str, kind: str) -> Relation:
        """The relation from the tracks so far to these nodes."""
        offsets = offsets_of(np.concatenate([np.zeros(0, np.int64), *self.lengths]))
        target_index = np.concatenate([np.zeros(0, np.int32), *self.target_index])
        return Relation(name, "track", kind, offsets, target_index, len(self.known.index))

    def nodes(self) -> Nodes:
        """The nodes so far."""
        return Nodes.of_different(self.known.array(), joined_text(self.names))
