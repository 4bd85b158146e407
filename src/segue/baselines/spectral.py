"""Graph filters in closed form: the spectrum of playlists by tracks, and GF-CF."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, dia_array

from segue.baselines.baseline import SearchSpace
from segue.baselines.cooccurrence import pair_matrix
from segue.data.playlists import Float32Array, TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph

# Further vectors that are iterated with those asked for, and the number of iterations: what is
# found then scores as the exact vectors do (tests/baselines/test_spectral.py).
_FURTHER_VECTORS, _ITERATIONS = 32, 8


class Spectral:
    """A low-pass filter: what a query says in the smoothest signals on the graph.

        score = x · D^(−a) · V · Σ^p · Vᵀ · D^b

    with x the query (1 for each of its tracks), D the number of playlists of each track, and V and
    Σ the `dim` leading right singular vectors and values of D_u^(−1/2) · X · D^(−1/2), X the
    playlists by tracks and D_u their lengths: the signals on the graph that change least along its
    edges. With p of 0 and a and b of ½ it is the ideal filter of `GFCF`; p and the exponents say
    how much smoother signals, and rarer tracks, count more.

    Parameters
    ----------
    graph
        The training graph.
    dim
        Number of vectors.
    power
        p.
    query_exponent, track_exponent
        a and b.
    """

    search_space: ClassVar[SearchSpace] = {
        "query_exponent": (0.4, 0.0, 0.2, 0.6),
        "track_exponent": (0.2, 0.0, 0.1, 0.4),
        "power": (1.0, 0.0, 0.5, 1.5),
        "dim": (256, 64, 128, 512, 1024),
    }

    def __init__(
        self,
        graph: PlaylistGraph,
        *,
        dim: int = 256,
        power: float = 1.0,
        query_exponent: float = 0.4,
        track_exponent: float = 0.2,
    ) -> None:
        pairs = pair_matrix(graph.playlists.tracks, graph.catalog.num_tracks)
        vectors, values = leading_vectors(normalised(pairs), dim)
        counts = np.maximum(graph.popularity, 1).astype(np.float32)[:, None]
        self.query_vectors = vectors * values ** np.float32(power) / counts**query_exponent
        self.track_vectors = vectors * counts**track_exponent

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        of_lists = pair_matrix(query, len(self.track_vectors)) @ self.query_vectors
        dense: Float32Array = of_lists @ self.track_vectors.T
        return dense


class GFCF:
    """GF-CF: a linear filter on the graph of tracks, and an ideal low-pass filter.

        score = x · (R̃ᵀ · R̃ + alpha · D^(−1/2) · V · Vᵀ · D^(1/2)),   R̃ = D_u^(−1/2) · X · D^(−1/2)

    with symbols as in `Spectral` (Y. Shen, Y. Wu, Y. Zhang, C. Shan, J. Zhang, K. Letaief, D. Li:
    "How Powerful is Graph Convolution for Recommendation?", CIKM 2021, equation 13 and the authors'
    code).

    Parameters
    ----------
    graph
        The training graph.
    dim
        Number of vectors of the low-pass filter.
    alpha
        Its weight, 0 or more.
    """

    search_space: ClassVar[SearchSpace] = {
        # The number of vectors first: with few, the filter only harms, and a walk that begins with
        # its weight ends where it has next to none.
        "dim": (256, 64, 128, 512, 1024),
        "alpha": (0.3, 0.05, 0.1, 0.2, 0.5, 1.0),
    }

    def __init__(self, graph: PlaylistGraph, *, dim: int = 256, alpha: float = 0.3) -> None:
        if not alpha >= 0:
            raise InputError(f"alpha is {alpha:g}, expected 0 or more")
        self.smoothed = normalised(pair_matrix(graph.playlists.tracks, graph.catalog.num_tracks))
        self.low_pass = Spectral(graph, dim=dim, power=0.0, query_exponent=0.5, track_exponent=0.5)
        self.alpha = np.float32(alpha)

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        scores = self.low_pass.scores(query)
        scores *= self.alpha
        lists = pair_matrix(query, self.smoothed.shape[1])
        scores += ((lists @ self.smoothed.T) @ self.smoothed).toarray()
        return scores


def normalised(pairs: csr_array) -> csr_array:
    """Each entry divided by the roots of the sums of its row and its column.

    Parameters
    ----------
    pairs : sparse float32 [num_rows, num_tracks]
        At least 0.

    Returns
    -------
    sparse float32 [num_rows, num_tracks]
        Its largest singular value is at most 1.
    """

    def over_root(sums: NDArray[Any]) -> dia_array:
        root = np.sqrt(np.where(sums > 0, sums, 1)).astype(np.float32)
        return dia_array(((1 / root)[None], 0), shape=(len(root), len(root)))

    return csr_array(over_root(pairs.sum(axis=1)) @ pairs @ over_root(pairs.sum(axis=0)))


def leading_vectors(matrix: csr_array, dim: int) -> tuple[Float32Array, Float32Array]:
    """The right singular vectors of the largest singular values, by subspace iteration.

    N. Halko, P. Martinsson, J. Tropp: "Finding Structure with Randomness", SIAM Review 53(2), 2011,
    algorithm 4.4. Draws its start with a fixed seed, so the same matrix has the same vectors.

    Parameters
    ----------
    matrix : sparse float32 [num_rows, num_columns]
    dim
        How many, at least 1; no more than there are columns are returned.

    Returns
    -------
    vectors : float32 [num_columns, dim]
        Orthonormal columns, those of the largest values first.
    values : float32 [dim]
        Descending.
    """
    if dim < 1:
        raise InputError(f"dim is {dim}, expected 1 or more")
    size = matrix.shape[1]
    width = min(dim + _FURTHER_VECTORS, size)
    back = csr_array(matrix.T)
    block = np.random.default_rng(0).standard_normal((size, width), dtype=np.float32)
    for _ in range(_ITERATIONS):
        block, _ = np.linalg.qr(back @ (matrix @ block))
    image = matrix @ block
    squares, turn = np.linalg.eigh(image.T @ image)
    kept = min(dim, size)
    vectors: Float32Array = block @ turn[:, ::-1][:, :kept]
    values: Float32Array = np.sqrt(np.maximum(squares[::-1][:kept], 0))
    return vectors, values


def memory_of_leading_vectors(num_rows: int, num_columns: int, dim: int) -> int:
    """Bytes that `leading_vectors` needs at its peak, roughly, besides the matrix."""
    width = min(dim + _FURTHER_VECTORS, num_columns)
    # The vectors, as they are multiplied, made orthogonal and returned, and their image.
    return 4 * width * (4 * num_columns + num_rows)
