"""The wide part of a score: what single tracks say of each other."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segue.data.playlists import Float32Array, Int32Array, Int64Array, TrackLists


@dataclass(frozen=True, eq=False)
class WidePart:
    """Sparse weights W of tracks by tracks; a track t of a query adds W_tu to the score of u.

    A few hundred dimensions cannot hold every pair of tracks that often stands together. This
    can, and like the vectors it is summed over the tracks of a query, so that parts of a score
    stay exact.

    Attributes
    ----------
    offsets : int64 [num_tracks + 1]
        Where the weights of each track of a query begin.
    track_index : int32 [num_weights]
        The tracks that they are given to, ascending within each.
    weight : float32 [num_weights]
    """

    offsets: Int64Array
    track_index: Int32Array
    weight: Float32Array

    def __post_init__(self) -> None:
        """Refuse arrays that are no such matrix (ValueError)."""
        if self.weight.shape != self.track_index.shape or not np.isfinite(self.weight).all():
            raise ValueError("the wide part must hold one finite weight a pair of tracks")
        steps = np.diff(self.offsets)
        if not len(self.offsets) or self.offsets[0] != 0 or (steps < 0).any():
            raise ValueError("the offsets of the wide part must ascend from 0")
        if self.offsets[-1] != len(self.weight):
            raise ValueError("the offsets of the wide part must end at the number of its weights")
        inside = (self.track_index >= 0) & (self.track_index < self.num_tracks)
        if not inside.all():
            raise ValueError("the wide part points at tracks that are not there")
        row = np.repeat(np.arange(self.num_tracks), steps)
        later = np.diff(row * self.num_tracks + self.track_index)
        if not (later > 0).all():
            raise ValueError("the tracks of each row of the wide part must ascend")

    @classmethod
    def from_matrix(cls, matrix: csr_array) -> WidePart:
        """From a sparse matrix of tracks by tracks."""
        matrix = matrix.sorted_indices()
        return cls(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float32),
        )

    @property
    def num_tracks(self) -> int:
        """Number of tracks."""
        return len(self.offsets) - 1

    @cached_property
    def matrix(self) -> csr_array:
        """W as SciPy has it: float32 [num_tracks, num_tracks]."""
        shape = (self.num_tracks, self.num_tracks)
        return csr_array((self.weight, self.track_index, self.offsets), shape=shape)

    def scores(self, tracks: TrackLists, share: Float32Array | None = None) -> csr_array:
        """What the wide part adds to the scores for some lists: sparse [num_lists, num_tracks].

        `share` (float32 [num_pairs]) is how much each track counts, by default 1.
        """
        if share is None:
            share = np.ones(tracks.num_pairs, dtype=np.float32)
        shape = (len(tracks), self.num_tracks)
        return csr_array((share, tracks.track_index, tracks.offsets), shape=shape) @ self.matrix

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a bundle keeps of it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def with_tracks(self, num_tracks: int) -> WidePart:
        """The same with further tracks after the others, of which nothing is known."""
        more = np.full(num_tracks - self.num_tracks, self.offsets[-1])
        return WidePart(np.append(self.offsets, more), self.track_index, self.weight)
