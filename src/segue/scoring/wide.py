"""The wide part of the score: direct track–track weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int32Array, Int64Array
from segue.scoring.query import Query
from segue.scoring.term import ScoreParts, StoredTerm, Tracks

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

# Far above what is ever fitted, far below what sums in float32 cannot hold.
_MOST_WEIGHT = 1e12


@dataclass(frozen=True, eq=False)
class WideScores:
    """What the wide part adds to the scores for some lists.

    Attributes
    ----------
    by_list : sparse float32 [num_lists, num_tracks]
    """

    by_list: csr_array

    @cached_property
    def by_track(self) -> csc_array:
        """The same in CSC form, for fast selection of tracks."""
        return self.by_list.tocsc()


@dataclass(frozen=True, eq=False)
class WidePart(StoredTerm[WideScores]):
    """Sparse weights W of tracks by tracks, summed over the tracks of a query.

        wide(u) = Σ_t (e_t / ē) · W_tu

    with e the emphasis of the tracks t and ē its mean.

    A few hundred dimensions cannot represent every pair of tracks that often occur together. This
    can, and like the vectors it is summed over the tracks of a query, so that parts of a score stay
    exact.

    Attributes
    ----------
    offsets : int64 [num_tracks + 1]
        Start of the weights of each query track.
    track_index : int32 [num_weights]
        The tracks that the weights go to, ascending within each row.
    weight : float32 [num_weights]
    """

    offsets: Int64Array
    track_index: Int32Array
    weight: Float32Array

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays form such a matrix."""
        dtypes = {"offsets": np.int64, "track_index": np.int32, "weight": np.float32}
        for name, dtype in dtypes.items():
            if getattr(self, name).dtype != dtype or getattr(self, name).ndim != 1:
                raise ValueError(f"{name} of the wide part must be a column of {np.dtype(dtype)}")
        if self.weight.shape != self.track_index.shape or not np.isfinite(self.weight).all():
            raise ValueError("the wide part must hold one finite weight per pair of tracks")
        if (np.abs(self.weight) > _MOST_WEIGHT).any():
            raise ValueError(f"a weight of the wide part is beyond {_MOST_WEIGHT:g}")
        steps = np.diff(self.offsets)
        if not len(self.offsets) or self.offsets[0] != 0 or (steps < 0).any():
            raise ValueError("the offsets of the wide part must ascend from 0")
        if self.offsets[-1] != len(self.weight):
            raise ValueError("the offsets of the wide part must end at the number of its weights")
        inside = (self.track_index >= 0) & (self.track_index < self.num_tracks)
        if not inside.all():
            raise ValueError("the wide part points at tracks that do not exist")
        rises = self.track_index[1:] > self.track_index[:-1]
        starts = self.offsets[1:-1]
        rises[starts[(starts > 0) & (starts < len(self.weight))] - 1] = True
        if not rises.all():
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
        """W as a SciPy matrix: float32 [num_tracks, num_tracks]."""
        from scipy.sparse import csr_array

        shape = (self.num_tracks, self.num_tracks)
        return csr_array((self.weight, self.track_index, self.offsets), shape=shape)

    def prepare(self, query: Query, dial: float = 0.0) -> WideScores:
        """What this term adds for all tracks."""
        from scipy.sparse import csr_array

        tracks, share = query.tracks, query.relative_emphasis
        if share is None:
            share = np.ones(tracks.num_pairs, dtype=np.float32)
        shape = (len(tracks), self.num_tracks)
        lists = csr_array((share, tracks.track_index, tracks.offsets), shape=shape)
        return WideScores(lists @ self.matrix)

    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: WideScores) -> None:
        """Add this term."""
        every = scores.shape[1] == self.num_tracks
        added = (prepared.by_list if every else prepared.by_track[:, tracks]).tocoo()
        scores[added.coords] += added.data

    def pairs(self, tracks: Int64Array, prepared: WideScores) -> Float32Array:
        """This term for given tracks."""
        found, added = np.zeros(tracks.shape, dtype=np.float32), prepared.by_list
        of_all = np.zeros(self.num_tracks, dtype=np.float32)
        for row in range(len(tracks)):
            part = slice(added.indptr[row], added.indptr[row + 1])
            of_all[added.indices[part]] = added.data[part]
            found[row] = of_all[tracks[row]]
            of_all[added.indices[part]] = 0
        return found

    def left_out(self, query: Query, dial: float = 0.0) -> Float32Array:
        """This term of each track for its list without it."""
        tracks, added = query.tracks, self.prepare(query).by_list
        found: Float32Array = -self.matrix.diagonal()[tracks.track_index]
        of_all = np.zeros(self.num_tracks, dtype=np.float32)
        for row in range(len(tracks)):
            pairs = slice(tracks.offsets[row], tracks.offsets[row + 1])
            part = slice(added.indptr[row], added.indptr[row + 1])
            of_all[added.indices[part]] = added.data[part]
            found[pairs] += of_all[tracks.track_index[pairs]]
            of_all[added.indices[part]] = 0
        return found

    def strongest(self, n: int, prepared: WideScores) -> list[Int64Array]:
        """The `n` tracks with the highest value for each list; all, if no more have one."""
        strongest, added = [], prepared.by_list
        for row in range(added.shape[0]):
            part = slice(added.indptr[row], added.indptr[row + 1])
            tracks, weights = added.indices[part], added.data[part]
            if len(weights) > n:
                tracks = tracks[np.argpartition(-weights, n - 1)[:n]]
            strongest.append(tracks.astype(np.int64))
        return strongest

    def parts(self, query: Query, tracks: Int32Array, dial: float = 0.0) -> ScoreParts:
        """The exact part of each track of the query."""
        rows, share = query.tracks.track_index, query.relative_emphasis
        weights = self.matrix[rows][:, tracks].toarray().T.astype(np.float64)
        if share is not None:
            weights *= share
        return ScoreParts(tuple(("track", row) for row in rows.tolist()), weights)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that a bundle stores."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> WidePart:
        """From the arrays that a bundle stores."""
        return cls(**arrays)

    def with_tracks(self, num_tracks: int) -> WidePart:
        """The same with further tracks appended, about which nothing is known."""
        more = np.full(num_tracks - self.num_tracks, self.offsets[-1])
        return WidePart(np.append(self.offsets, more), self.track_index, self.weight)
