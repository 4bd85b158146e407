"""Fitting the factors: weighted matrix factorisation by alternating least squares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.linalg import solve_triangular

from segue.baselines.cooccurrence import pair_matrix
from segue.baselines.spectral import leading_vectors, normalised
from segue.data.playlists import Float32Array, TrackLists
from segue.errors import InputError
from segue.scoring.factors import Factors, least_squares
from segue.training.options import at_least
from segue.training.term import TermConfig

if TYPE_CHECKING:
    from segue.graph.playlist_graph import PlaylistGraph

# Purpose of a generator: part of the seed, as NumPy pads seeds with zeros.
_FOR_PLAYLISTS = 8


@dataclass(frozen=True)
class FactorsConfig(TermConfig):
    """How the factors are fitted; the defaults were chosen on validation (docs/experiments.md).

    Attributes
    ----------
    dim
        Length of a vector.
    weight
        Factor of the predictions, which go from about 0 to 1, when they are added to cosines.
    regularization, alpha
        λ, and how much more a pair counts than a missing one, as for `segue.baselines.ials.IALS`.
    iterations
        How many times to solve for playlists and then tracks.
    max_playlists
        The most playlists that are learned from, drawn at random.

    Examples
    --------
    >>> system = segue.SystemConfig({"factors": segue.FactorsConfig(dim=8)})
    >>> sorted(segue.train(split, dim=4, epochs=1, system=system).terms)
    ['factors']
    """

    label: ClassVar[str] = "matrix factorisation"

    dim: int = 128
    weight: float = 0.2
    regularization: float = 200.0
    alpha: float = 60.0
    iterations: int = 3
    max_playlists: int = 250_000

    def __post_init__(self) -> None:
        """Refuse values outside their range (InputError)."""
        for name in ("dim", "iterations", "max_playlists"):
            at_least(f"{name} of the factors", getattr(self, name), 1)
        if not (self.weight > 0 and self.regularization > 0 and self.alpha >= 1):
            raise InputError(
                "weight and regularization of the factors must be above 0, alpha at least 1"
            )

    def purpose(self, graph: PlaylistGraph) -> str:
        """See `TermConfig`."""
        return f"the {self.label} of {graph.catalog.num_tracks:,} tracks"

    def memory(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        num_playlists = min(len(graph.playlists), self.max_playlists)
        # Pairs by playlist and by track; vectors of tracks and playlists, and those of a start.
        pairs = 4 * 8 * graph.playlists.tracks.num_pairs
        return pairs + 5 * 4 * self.dim * (graph.catalog.num_tracks + num_playlists)

    def stored_bytes(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        return 4 * self.dim * graph.catalog.num_tracks

    def fit(self, graph: PlaylistGraph, begun: Path | None = None) -> Factors:
        """Weighted matrix factorisation from a start that is nearly there.

            minimise Σ_{u, i} c_ui · (x_ui − p_u · v_i)² + λ · (Σ_u |p_u|² + Σ_i |v_i|²)

        as `segue.baselines.ials.IALS` does, with c_ui = α for the pairs and 1 elsewhere. It starts
        from the leading singular vectors of the normalised pairs (see
        `segue.training.start.spectral_start`), so a few exact steps are enough.

        Parameters
        ----------
        graph
            The training graph.

        Returns
        -------
        Factors
            Scaled by `weight`, to be added to cosines.

        Raises
        ------
        ResourceError
            If it does not fit into memory.
        """
        self.require(graph)
        lists, num_tracks = graph.playlists.tracks, graph.catalog.num_tracks
        if len(lists) > self.max_playlists:
            rng = np.random.default_rng(_FOR_PLAYLISTS)
            lists = lists.rows(np.sort(rng.permutation(len(lists))[: self.max_playlists]))
        pairs = pair_matrix(lists, num_tracks)
        leading, values = leading_vectors(normalised(pairs), self.dim)
        counts = np.bincount(lists.track_index, minlength=num_tracks)
        vectors = np.zeros((num_tracks, self.dim), dtype=np.float32)
        vectors[:, : len(values)] = leading * np.sqrt(values * counts[:, None])
        by_track = pairs.T.tocsr()
        holders = TrackLists(by_track.indptr.astype(np.int64), by_track.indices.astype(np.int32))
        for _ in range(self.iterations):
            vectors = self._solved(holders, self._solved(lists, vectors))
        return Factors(
            self._turned(vectors)[0],
            np.array([self.alpha], dtype=np.float32),
            np.array([self.weight], dtype=np.float32),
        )

    def _solved(self, lists: TrackLists, vectors: Float32Array) -> Float32Array:
        """The vector of each list, given those of what it holds: float32 [num_lists, dim]."""
        turned, root = self._turned(vectors)
        answers = least_squares(turned, lists, self.alpha)
        back: Float32Array = solve_triangular(root, answers.T, lower=True, trans="T").T
        return np.ascontiguousarray(back, dtype=np.float32)

    def _turned(self, vectors: Float32Array) -> tuple[Float32Array, Float32Array]:
        """V · L⁻ᵀ and L, with L · Lᵀ = VᵀV + λI: float32 [num, dim] and [dim, dim]."""
        dim = vectors.shape[1]
        gram = (vectors.T @ vectors).astype(np.float64) + self.regularization * np.eye(dim)
        root = np.linalg.cholesky(gram).astype(np.float32)
        turned = solve_triangular(root, vectors.T, lower=True).T
        return np.ascontiguousarray(turned, dtype=np.float32), root
