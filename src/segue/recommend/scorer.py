"""Scores of tracks for playlists, and of what they are the sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from segue.data.playlists import Float32Array, Int32Array, TrackLists


class Scorer(Protocol):
    """Anything that scores every track for some playlists."""

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: finite float32 [num_lists, num_tracks], a fresh array."""
        ...


@dataclass(frozen=True, eq=False)
class CentroidScorer:
    """A playlist is the centroid of what is in it; a score is a cosine.

        q = unit(Σ_t w_t · v_t),   score(u) = q · v_u

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim]
        v, of unit length.
    query_weight : float32 [num_tracks]
        w, at least 0.
    """

    track_vectors: Float32Array
    query_weight: Float32Array

    def query_vectors(self, query: TrackLists) -> Float32Array:
        """Unit vectors of some playlists: float32 [num_lists, dim]; 0 for an empty list."""
        weights = csr_array(
            (self.query_weight[query.track_index], query.track_index, query.offsets),
            shape=(len(query), len(self.track_vectors)),
        )
        vectors: Float32Array = weights @ self.track_vectors
        length: Float32Array = np.linalg.norm(vectors, axis=1, keepdims=True)
        length[length == 0] = 1
        return vectors / length

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks], from −1 to 1."""
        scores: Float32Array = self.query_vectors(query) @ self.track_vectors.T
        return scores

    def contributions(self, query: Int32Array, tracks: Int32Array) -> Float32Array:
        """What each track of one query adds to the scores of some tracks.

        Parameters
        ----------
        query : int32 [num_query]
        tracks : int32 [num_tracks_asked]

        Returns
        -------
        float32 [num_tracks_asked, num_query]
            Rows sum to the scores.
        """
        parts = self.query_weight[query, None] * self.track_vectors[query]
        length = np.linalg.norm(parts.sum(axis=0))
        contributions: Float32Array = self.track_vectors[tracks] @ parts.T
        return contributions / (length if length > 0 else np.float32(1))
