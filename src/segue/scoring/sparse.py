"""Sparse weights of a term of the score, which are summed over what is in a query."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int32Array, Int64Array, TrackLists
from segue.scoring.term import Tracks

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

# Far above what is ever fitted, far below what sums in float32 cannot hold.
_MOST_WEIGHT = 1e12


def check_weights(
    offsets: Int64Array,
    track_index: Int32Array,
    weight: Float32Array,
    whose: str,
    num_tracks: int,
) -> None:
    """Raise ValueError unless the arrays form a sparse matrix of rows by tracks.

    Parameters
    ----------
    offsets : int64 [num_rows + 1]
    track_index : int32 [num_weights]
        Ascending within each row.
    weight : float32 [num_weights]
    whose
        For messages: what they are arrays of.
    num_tracks
    """
    columns: dict[str, tuple[NDArray[Any], type]] = {
        "offsets": (offsets, np.int64),
        "track_index": (track_index, np.int32),
        "weight": (weight, np.float32),
    }
    for name, (array, dtype) in columns.items():
        if array.dtype != dtype or array.ndim != 1:
            raise ValueError(f"{name} of {whose} must be a column of {np.dtype(dtype)}")
    if weight.shape != track_index.shape or not np.isfinite(weight).all():
        raise ValueError(f"{whose} must hold one finite weight per track that it names")
    if (np.abs(weight) > _MOST_WEIGHT).any():
        raise ValueError(f"a weight of {whose} is beyond {_MOST_WEIGHT:g}")
    if not len(offsets) or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ValueError(f"the offsets of {whose} must ascend from 0")
    if offsets[-1] != len(weight):
        raise ValueError(f"the offsets of {whose} must end at the number of its weights")
    if not ((track_index >= 0) & (track_index < num_tracks)).all():
        raise ValueError(f"{whose} points at tracks that do not exist")
    rises = track_index[1:] > track_index[:-1]
    starts = offsets[1:-1]
    rises[starts[(starts > 0) & (starts < len(weight))] - 1] = True
    if not rises.all():
        raise ValueError(f"the tracks of each row of {whose} must ascend")


@dataclass(frozen=True, eq=False)
class SparseScores:
    """What a term with sparse weights adds to the scores for some lists.

    Attributes
    ----------
    by_list : sparse float32 [num_lists, num_tracks]
    """

    by_list: csr_array

    @cached_property
    def by_track(self) -> csc_array:
        """The same in CSC form, for fast selection of tracks."""
        return self.by_list.tocsc()

    def add_to(self, scores: Float32Array, tracks: Tracks) -> None:
        """Add them to the scores of some tracks: float32 [num_lists, num_tracks_asked]."""
        every = scores.shape[1] == self.by_list.shape[1]
        added = (self.by_list if every else self.by_track[:, tracks]).tocoo()
        scores[added.coords] += added.data

    def pairs(self, tracks: Int64Array) -> Float32Array:
        """Those of given tracks of each list: float32, shaped like `tracks`."""
        found = np.zeros(tracks.shape, dtype=np.float32)
        of_all = np.zeros(self.by_list.shape[1], dtype=np.float32)
        for row in range(len(tracks)):
            of_row, added = self._row(row)
            of_all[of_row] = added
            found[row] = of_all[tracks[row]]
            of_all[of_row] = 0
        return found

    def of_own(self, lists: TrackLists) -> Float32Array:
        """Those of the tracks that each list holds: float32 [num_pairs]."""
        found = np.zeros(lists.num_pairs, dtype=np.float32)
        of_all = np.zeros(self.by_list.shape[1], dtype=np.float32)
        for row in range(len(lists)):
            of_row, added = self._row(row)
            pairs = slice(lists.offsets[row], lists.offsets[row + 1])
            of_all[of_row] = added
            found[pairs] = of_all[lists.track_index[pairs]]
            of_all[of_row] = 0
        return found

    def strongest(self, n: int) -> list[Int64Array]:
        """The `n` tracks with the highest value for each list; all, if no more have one."""
        strongest = []
        for row in range(self.by_list.shape[0]):
            tracks, added = self._row(row)
            if len(added) > n:
                tracks = tracks[np.argpartition(-added, n - 1)[:n]]
            strongest.append(tracks.astype(np.int64))
        return strongest

    def _row(self, row: int) -> tuple[NDArray[np.integer[Any]], Float32Array]:
        """The tracks that one list adds to, and what."""
        part = slice(self.by_list.indptr[row], self.by_list.indptr[row + 1])
        return self.by_list.indices[part], self.by_list.data[part]
