"""What a term adds to the scores of a few tracks for each list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from segue.data.playlists import Float32Array, Int64Array
from segue.scoring.term import Tracks

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array


@dataclass(frozen=True, eq=False)
class SparseScores:
    """What is added to the scores for some lists; for most tracks nothing.

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
        """Add them to the scores of some tracks for all lists, in place."""
        every = scores.shape[1] == self.by_list.shape[1]
        added = (self.by_list if every else self.by_track[:, tracks]).tocoo()
        scores[added.coords] += added.data

    def pairs(self, tracks: Int64Array) -> Float32Array:
        """Those of given tracks of each list: float32, shaped like `tracks`."""
        found, added = np.zeros(tracks.shape, dtype=np.float32), self.by_list
        of_all = np.zeros(added.shape[1], dtype=np.float32)
        for row in range(len(tracks)):
            part = slice(added.indptr[row], added.indptr[row + 1])
            of_all[added.indices[part]] = added.data[part]
            found[row] = of_all[tracks[row]]
            of_all[added.indices[part]] = 0
        return found
