"""Matrix factorisation by alternating least squares."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from segue.baselines.baseline import SearchSpace
from segue.baselines.cooccurrence import pair_matrix
from segue.data.playlists import Float32Array, TrackLists
from segue.extras import required
from segue.graph.playlist_graph import PlaylistGraph
from segue.machine import granted_threads


class IALS:
    """Weighted matrix factorisation by alternating least squares, using the library `implicit`.

        minimise Σ_{u, i} c_ui · (x_ui − p_u · v_i)² + λ · (Σ_u |p_u|² + Σ_i |v_i|²)

    with x_ui 1 and c_ui = `alpha` where playlist u holds track i, else 0 and 1 (Y. Hu, Y. Koren,
    C. Volinsky: "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008, whose α is
    `alpha` − 1). Every query is folded in, whether seen in training or not: score(j) = p · v_j with
    p the solution for the query's tracks,

        (VᵀV + (alpha − 1) · Σ_{i in query} v_i v_iᵀ + λ · I) · p = alpha · Σ_{i in query} v_i

    Its grid follows S. Rendle, W. Krichene, L. Zhang, Y. Koren: "Revisiting the Performance of iALS
    on Item Recommendation Benchmarks", RecSys 2022: the dimension first, then the regularisation
    and the weight of what is missing together.

    Parameters
    ----------
    graph
        The training graph.
    dim
        Length of a vector.
    regularization
        λ, above 0.
    alpha
        Weight of a pair relative to a missing pair, at least 1.
    iterations
        How many times to solve for playlists and then tracks.
    rng_seed
        Seed of the initial vectors.

    Raises
    ------
    ResourceError
        If `implicit` is not installed.
    """

    search_space: ClassVar[SearchSpace] = {
        "dim": (256, 64, 128, 512),
        "regularization": (200.0, 10.0, 30.0, 100.0, 300.0, 500.0, 1000.0),
        "alpha": (60.0, 10.0, 20.0, 40.0, 80.0, 120.0, 240.0),
    }

    def __init__(
        self,
        graph: PlaylistGraph,
        *,
        dim: int = 256,
        regularization: float = 200.0,
        alpha: float = 60.0,
        iterations: int = 15,
        rng_seed: int = 0,
    ) -> None:
        with required("iALS"):
            from implicit.als import AlternatingLeastSquares
        # It spreads rows over its own threads, within which BLAS must be single-threaded.
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
