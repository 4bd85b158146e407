"""Baselines that take the same queries and rank the same candidates.

Each is made from a training graph alone and scores from the tracks of a query alone, so it serves
playlists that it never saw by the same path as those it did. Beside each stands the small grid of
options that `segue.baselines.tuning` walks on: of each option the default first. The defaults are
the best points found on the validation part of 39,318 real playlists (their 10-core).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from segue.baselines.cooccurrence import pair_matrix, strongest_products
from segue.baselines.ease import ease_weights, rows_with_side_information
from segue.data.playlists import Float32Array, Int32Array, TrackLists
from segue.errors import ResourceError
from segue.graph.playlist_graph import PlaylistGraph
from segue.scoring.second_stage import granted_threads

# Of each option the values to choose from, the default first.
SearchSpace = dict[str, tuple[float, ...]]


class Popularity:
    """A track's score is the number of training playlists that hold it."""

    search_space: ClassVar[SearchSpace] = {}

    def __init__(self, graph: PlaylistGraph) -> None:
        self.popularity = graph.popularity.astype(np.float32)

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

        self.similarity = strongest_products(pairs.T.tocsr(), pairs, num_neighbours, similarity)

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
        Kept per track.
    alpha
        Above 1 it prefers the likely ways, under 1 it levels them.
    beta
        0 is the walk P³ itself.
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
        )

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        length = np.repeat(query.lengths, query.lengths).astype(np.float32)
        start = pair_matrix(query, self.walk.shape[0], length**-self.alpha)
        dense: Float32Array = (start @ self.walk).toarray()
        return dense


class EASE:
    """A linear model of tracks by tracks with a zero diagonal, in closed form.

        B = I − P · diag(1 / diag P),   P = (XᵀX + λ · I)⁻¹,   score(j) = Σ_{i in query} B_ij

    with X the playlists by tracks: it minimises |X − X · B|² + λ · |B|² where diag B = 0 (H. Steck:
    "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019). One float32 matrix of tracks
    by tracks is worked on in place.

    Parameters
    ----------
    graph
        The training graph.
    regularization
        λ, above 0.

    Raises
    ------
    ResourceError
        If that matrix does not fit into memory; the message says how much it needs.
    """

    search_space: ClassVar[SearchSpace] = {
        "regularization": (100.0, 12.5, 25.0, 50.0, 200.0, 400.0, 800.0),
    }

    def __init__(self, graph: PlaylistGraph, *, regularization: float = 100.0) -> None:
        pairs = pair_matrix(graph.playlists.tracks, graph.catalog.num_tracks)
        self.weights = ease_weights(pairs, regularization)

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        dense: Float32Array = pair_matrix(query, len(self.weights)) @ self.weights
        return dense


class SideEASE:
    """EASE that also rebuilds which artist a track is by and which album it is on.

        P = (XᵀX + α_artist · AᵀA + α_album · DᵀD + λ · I)⁻¹

    with A the artists by tracks and D the albums by tracks; B and the scores are those of `EASE`.
    An artist's tracks, and an album's, stand together as those of one more playlist would that
    counts α times (O. Jeunen, J. Van Balen, B. Goethals: "Closed-Form Models for Collaborative
    Filtering with Side-Information", RecSys 2020: CEASE).

    Parameters
    ----------
    graph
        The training graph.
    regularization
        λ, above 0.
    artist_weight, album_weight
        α, 0 or more.

    Raises
    ------
    ResourceError
        As `EASE`.
    """

    search_space: ClassVar[SearchSpace] = {
        "artist_weight": (10.0, 0.0, 2.5, 5.0, 20.0, 40.0),
        "album_weight": (5.0, 0.0, 2.5, 10.0, 20.0, 40.0),
        "regularization": (200.0, 12.5, 25.0, 50.0, 100.0, 400.0, 800.0),
    }

    def __init__(
        self,
        graph: PlaylistGraph,
        *,
        regularization: float = 200.0,
        artist_weight: float = 10.0,
        album_weight: float = 5.0,
    ) -> None:
        rows = rows_with_side_information(
            graph, artist_weight=artist_weight, album_weight=album_weight
        )
        self.weights = ease_weights(rows, regularization)

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        dense: Float32Array = pair_matrix(query, len(self.weights)) @ self.weights
        return dense


class IALS:
    """Weighted matrix factorisation by alternating least squares, by the library `implicit`.

        minimise Σ_{u, i} c_ui · (x_ui − p_u · v_i)² + λ · (Σ_u |p_u|² + Σ_i |v_i|²)

    with x_ui 1 and c_ui = `alpha` where playlist u holds track i, else 0 and 1 (Y. Hu, Y. Koren,
    C. Volinsky: "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008, whose α is
    this one less 1). Every query is folded in, whether training saw it or not: score(j) = p · v_j
    with p the solution for the query's tracks,

        (VᵀV + (alpha − 1) · Σ_{i in query} v_i v_iᵀ + λ · I) · p = alpha · Σ_{i in query} v_i

    Parameters
    ----------
    graph
        The training graph.
    dim
        Length of a vector.
    regularization
        λ, above 0.
    alpha
        Weight of a pair beside that of a pair that is not there, at least 1.
    iterations
        How often playlists and then tracks are solved for.
    rng_seed
        For the first vectors.

    Raises
    ------
    ResourceError
        If `implicit` is not installed.
    """

    search_space: ClassVar[SearchSpace] = {
        "regularization": (30.0, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0),
        "alpha": (20.0, 2.0, 5.0, 10.0, 40.0),
        "dim": (256, 64, 128, 512),
    }

    def __init__(
        self,
        graph: PlaylistGraph,
        *,
        dim: int = 256,
        regularization: float = 30.0,
        alpha: float = 20.0,
        iterations: int = 15,
        rng_seed: int = 0,
    ) -> None:
        try:
            from implicit.als import AlternatingLeastSquares
        except ImportError:
            raise ResourceError(
                "iALS needs the library implicit, which is not installed: "
                "pip install 'segue[baselines]'"
            ) from None
        # It spreads rows over threads of its own, in each of which a BLAS must keep to one.
        self._num_threads = granted_threads()
        with threadpool_limits(1, "blas"):
            self._model = AlternatingLeastSquares(
                factors=dim,
                regularization=regularization,
                alpha=alpha,
                iterations=iterations,
                num_threads=self._num_threads,
                random_state=rng_seed,
                use_gpu=False,
            )
            pairs = pair_matrix(graph.playlists.tracks, graph.catalog.num_tracks)
            self._model.fit(csr_matrix(pairs), show_progress=False)
        self.track_vectors: Float32Array = self._model.item_factors

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        lists = csr_matrix(pair_matrix(query, len(self.track_vectors)))
        with threadpool_limits(1, "blas"):
            vectors = self._model.recalculate_user(np.arange(len(query)), lists)
        dense: Float32Array = vectors @ self.track_vectors.T
        return dense


# By the name under which people see it.
BASELINES: dict[str, Any] = {
    "popularity": Popularity,
    "item-kNN": ItemKNN,
    "RP3beta": RP3beta,
    "EASE": EASE,
    "EASE+side": SideEASE,
    "iALS": IALS,
}
