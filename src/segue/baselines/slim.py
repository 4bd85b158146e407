"""SLIM: sparse linear models of each track on its nearest ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.sparse import coo_array, csr_array

from segue.baselines.baseline import SearchSpace
from segue.baselines.cooccurrence import pair_matrix
from segue.baselines.neighbourhoods import neighbourhoods
from segue.data.playlists import Float32Array, TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph

# Coordinate descent ends once no weight moves by more than this share of the largest, and in any
# case after this number of sweeps.
_TOLERANCE, _MOST_SWEEPS = 1e-3, 50


class SLIM:
    """Each track as a sparse sum, with weights of at least 0, of the tracks nearest to it.

        minimise ½ · |x_j − X · w|² + ½ · l2 · |w|² + l1 · |w|₁,   w ≥ 0, w_j = 0

    for each track j, with X the playlists by tracks; score(j) = Σ_{i in query} w_i. Only the
    `num_neighbours` tracks of the largest cosine with x_j may have a weight (X. Ning, G. Karypis:
    "SLIM: Sparse Linear Methods for Top-N Recommender Systems", ICDM 2011, equation 4, with the
    feature selection of its section "fsSLIM"). By coordinate descent on XᵀX, many tracks at a time.

    Parameters
    ----------
    graph
        The training graph.
    num_neighbours
        How many tracks may have a weight.
    l1, l2
        0 or more, not both 0.
    """

    search_space: ClassVar[SearchSpace] = {
        "l2": (100.0, 10.0, 30.0, 300.0, 1000.0),
        "l1": (1.0, 0.0, 0.3, 3.0, 10.0),
        "num_neighbours": (200, 100, 400),
    }

    def __init__(
        self,
        graph: PlaylistGraph,
        *,
        num_neighbours: int = 200,
        l1: float = 1.0,
        l2: float = 100.0,
    ) -> None:
        if not (l1 >= 0 and l2 >= 0 and l1 + l2 > 0):
            raise InputError(f"l1 is {l1:g} and l2 {l2:g}, expected 0 or more, and not both 0")
        num_tracks = graph.catalog.num_tracks
        pairs = pair_matrix(graph.playlists.tracks, num_tracks)
        row, column, weight = [], [], []
        for some in neighbourhoods(pairs, num_neighbours, l1 + l2):
            found = _descended(some.gram, some.toward, l1, l2)
            kept = found > 0
            row.append(some.near[kept])
            column.append(np.broadcast_to(some.tracks[:, None], some.near.shape)[kept])
            weight.append(found[kept])
        at = np.concatenate(row), np.concatenate(column)
        shape = (num_tracks, num_tracks)
        self.weights = csr_array(coo_array((np.concatenate(weight), at), shape=shape))

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        lists = pair_matrix(query, self.weights.shape[0])
        dense: Float32Array = (lists @ self.weights).toarray()
        return dense


def _descended(gram: Float32Array, toward: Float32Array, l1: float, l2: float) -> Float32Array:
    """The weights of a batch of regressions: float32 [num_tracks, num_neighbours].

    `gram` is float32 [num_tracks, num_neighbours, num_neighbours], symmetric, and `toward` float32
    [num_tracks, num_neighbours], the products of the neighbours with the track.
    """
    weight = np.zeros_like(toward)
    diagonal = np.einsum("bkk->bk", gram)
    # What a neighbour could still explain: its product with what the others leave over.
    left = toward.copy()
    for _ in range(_MOST_SWEEPS):
        moved = np.float32(0)
        for place in range(toward.shape[1]):
            own = diagonal[:, place]
            best = np.maximum(left[:, place] + own * weight[:, place] - np.float32(l1), 0)
            step = best / np.maximum(own + np.float32(l2), 1e-9) - weight[:, place]
            weight[:, place] += step
            left -= step[:, None] * gram[:, place]
            moved = max(moved, np.abs(step).max(initial=0))
        if moved <= _TOLERANCE * weight.max(initial=0):
            break
    return weight
