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
from segue.scoring.sparse import SparseScores, check_weights
from segue.scoring.term import ScoreParts, StoredTerm, Tracks

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class WidePart(StoredTerm[SparseScores]):
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
        check_weights(self.offsets, self.track_index, self.weight, "the wide part", self.num_tracks)

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

    @property
    def num_nodes(self) -> dict[str, int]:
        """Number of tracks, by kind of node."""
        return {"track": self.num_tracks}

    @cached_property
    def matrix(self) -> csr_array:
        """W as a SciPy matrix: float32 [num_tracks, num_tracks]."""
        from scipy.sparse import csr_array

        shape = (self.num_tracks, self.num_tracks)
        return csr_array((self.weight, self.track_index, self.offsets), shape=shape)

    def prepare(self, query: Query, dial: float = 0.0) -> SparseScores:
        """What this term adds for all tracks."""
        from scipy.sparse import csr_array

        tracks, share = query.tracks, query.relative_emphasis
        if share is None:
            share = np.ones(tracks.num_pairs, dtype=np.float32)
        shape = (len(tracks), self.num_tracks)
        lists = csr_array((share, tracks.track_index, tracks.offsets), shape=shape)
        return SparseScores(lists @ self.matrix)

    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: SparseScores) -> None:
        """Add this term."""
        prepared.add_to(scores, tracks)

    def pairs(self, tracks: Int64Array, prepared: SparseScores) -> Float32Array:
        """This term for given tracks."""
        return prepared.pairs(tracks)

    def left_out(self, query: Query, dial: float = 0.0) -> Float32Array:
        """This term of each track for its list without it."""
        own = self.matrix.diagonal()[query.tracks.track_index]
        found: Float32Array = self.prepare(query).of_own(query.tracks) - own
        return found

    def strongest(self, n: int, prepared: SparseScores) -> list[Int64Array]:
        """The `n` tracks with the highest value for each list; all, if no more have one."""
        return prepared.strongest(n)

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
