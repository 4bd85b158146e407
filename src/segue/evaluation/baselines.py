"""Baselines that take the same queries and rank the same candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from segue.data.playlists import Float32Array, TrackLists
from segue.graph.playlist_graph import PlaylistGraph

# Entries of co-occurrence that are held at once before the weak ones are dropped.
_BLOCK_ENTRIES = 50_000_000


def _matrix(lists: TrackLists, num_tracks: int) -> csr_array:
    ones = np.ones(lists.num_pairs, dtype=np.float32)
    return csr_array((ones, lists.track_index, lists.offsets), shape=(len(lists), num_tracks))


class Popularity:
    """A track's score is the number of training playlists that hold it."""

    def __init__(self, graph: PlaylistGraph) -> None:
        self.popularity = graph.track_degree.astype(np.float32)

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        return np.tile(self.popularity, (len(query), 1))


class ItemKNN:
    """Item-based nearest neighbours by shrunk cosine.

        s(i, j) = c_ij / (√(c_i · c_j) + shrinkage),   score(j) = Σ_{i in query} s(i, j)

    with c_ij the playlists that hold both, over the `num_neighbours` most similar tracks j of
    each i (M. Deshpande, G. Karypis: "Item-Based Top-N Recommendation Algorithms", TOIS 2004;
    shrinkage as in R. Bell, Y. Koren: "Scalable Collaborative Filtering", ICDM 2007).

    Parameters
    ----------
    graph
        The training graph.
    num_neighbours
        Kept per track.
    shrinkage
        Damps similarities that rest on few playlists.
    """

    def __init__(
        self, graph: PlaylistGraph, *, num_neighbours: int = 1000, shrinkage: float = 3.0
    ) -> None:
        num_tracks = graph.catalog.num_tracks
        pairs = _matrix(graph.playlists.tracks, num_tracks)
        transposed = pairs.T.tocsr()
        root = np.sqrt(graph.track_degree.astype(np.float64))
        # A block's co-occurrences are at most the sum of its playlists' lengths.
        lengths = graph.playlists.tracks.lengths.astype(np.float32)
        work = np.cumsum(transposed @ lengths)
        cuts = np.searchsorted(work, np.arange(_BLOCK_ENTRIES, work[-1], _BLOCK_ENTRIES))
        blocks = []
        for start, stop in zip([0, *cuts], [*cuts, num_tracks], strict=True):
            together = (transposed[start:stop] @ pairs).tocoo()
            row, column = together.coords
            similarity = together.data / (root[row + start] * root[column] + shrinkage)
            other = row + start != column
            blocks.append(
                _strongest(
                    row[other], column[other], similarity[other], stop - start, num_neighbours
                )
            )
        self.similarity = csr_array(
            vstack([csr_array(block, shape=(block.shape[0], num_tracks)) for block in blocks])
        )

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        similarity = self.similarity
        dense: Float32Array = (_matrix(query, similarity.shape[0]) @ similarity).toarray()
        return dense


def _strongest(
    row: NDArray[np.int32],
    column: NDArray[np.int32],
    value: NDArray[np.float64],
    num_rows: int,
    count: int,
) -> csr_array:
    """The `count` largest entries of each row, ties by column, as float32 CSR."""
    order = np.lexsort((column, -value, row))
    row, column, value = row[order], column[order], value[order]
    start = np.searchsorted(row, np.arange(num_rows))
    kept = np.arange(len(row)) - start[row] < count
    width = int(column.max(initial=0)) + 1
    coordinates = (row[kept], column[kept])
    return csr_array((value[kept].astype(np.float32), coordinates), shape=(num_rows, width))
