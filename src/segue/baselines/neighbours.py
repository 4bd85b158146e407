"""Neighbourhood models: tracks that share playlists."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from segue.baselines.baseline import SearchSpace
from segue.baselines.cooccurrence import pair_matrix, strongest_products
from segue.data.playlists import Float32Array, Int32Array, TrackLists
from segue.graph.playlist_graph import PlaylistGraph


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
        Number kept per track.
    shrinkage
        Damps similarities based on few playlists.
    """

    search_space: ClassVar[SearchSpace] = {
        "shrinkage": (1.0, 0.0, 3.0, 10.0, 30.0),
        "num_neighbours": (1000, 50, 100, 200, 500, 2000),
    }

    def __init__(
        self, graph: PlaylistGraph, *, num_neighbours: int = 1000, shrinkage: float = 1.0
    ) -> None:
        pairs = pair_matrix(graph.playlists.tracks, graph.catalog.num_tracks)
        root = np.sqrt(graph.popularity.astype(np.float64))

        def similarity(row: Int32Array, column: Int32Array, together: Any) -> Any:
            return together / (root[row] * root[column] + shrinkage)

        self.similarity = strongest_products(
            pairs.T.tocsr(), pairs, num_neighbours, similarity, "item-kNN"
        )

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        lists = pair_matrix(query, self.similarity.shape[0])
        dense: Float32Array = (lists @ self.similarity).toarray()
        return dense


class RP3beta:
    """A random walk of three steps, from the playlist to a track, a playlist, and a track.

        s(i, j) = Σ_u (1 / c_i)^alpha · (1 / n_u)^alpha / c_j^beta
        score(j) = (1 / n)^alpha · Σ_{i in query} s(i, j)

    over the training playlists u that hold both i and j, with c_i the playlists that hold i, n_u
    the tracks of u and n those of the query: each step's probability to the power of `alpha`, the
    end damped by its popularity to the power of `beta`. The `num_neighbours` largest s of each i
    are kept (F. Christoffel, B. Paudel, C. Newell, A. Bernstein: "Blockbusters and Wallflowers:
    Accurate, Diverse, and Scalable Recommendations with Random Walks", RecSys 2015).

    Parameters
    ----------
    graph
        The training graph.
    num_neighbours
        Number kept per track.
    alpha
        Above 1 it favours likely paths, below 1 it levels them.
    beta
        0 gives the plain walk P³.
    """

    search_space: ClassVar[SearchSpace] = {
        "beta": (0.4, 0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7),
        "alpha": (0.8, 0.4, 0.6, 1.0, 1.2, 1.4),
        "num_neighbours": (1000, 50, 100, 200, 500, 2000),
    }

    def __init__(
        self,
        graph: PlaylistGraph,
        *,
        num_neighbours: int = 1000,
        alpha: float = 0.8,
        beta: float = 0.4,
    ) -> None:
        tracks, num_tracks = graph.playlists.tracks, graph.catalog.num_tracks
        count = graph.popularity[tracks.track_index].astype(np.float64)
        length = np.repeat(tracks.lengths, tracks.lengths).astype(np.float64)
        self.alpha = alpha
        self.walk = strongest_products(
            pair_matrix(tracks, num_tracks, count**-alpha).T.tocsr(),
            pair_matrix(tracks, num_tracks, length**-alpha * count**-beta),
            num_neighbours,
            lambda row, column, value: value,
            "RP3beta",
        )

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        length = np.repeat(query.lengths, query.lengths).astype(np.float32)
        start = pair_matrix(query, self.walk.shape[0], length**-self.alpha)
        dense: Float32Array = (start @ self.walk).toarray()
        return dense
