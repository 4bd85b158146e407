"""What can be evaluated: the two protocols of a scorer, and the scorer of the node readout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from segue.data.playlists import Float32Array, TrackLists
from segue.graph.split import HeldOut


@runtime_checkable
class Scorer(Protocol):
    """Scores playlists only by the tracks of a query, like playlists never seen before."""

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: finite float32 [num_lists, num_tracks], a fresh array."""
        ...


@runtime_checkable
class HeldOutScorer(Protocol):
    """Scores playlists by more than the tracks of a query: it knows which playlist each is."""

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        """Scores of all tracks: finite float32 [num_rows, num_tracks], a fresh array."""
        ...


@dataclass(frozen=True, eq=False)
class NodeScorer:
    """Scores by a vector of each playlist, for the node readout; for studies, never served.

    Attributes
    ----------
    playlist_vectors : float32 [num_playlists, dim]
    track_vectors : float32 [num_tracks, dim]
    """

    playlist_vectors: Float32Array
    track_vectors: Float32Array

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        """Scores of all tracks for playlists of the training graph: float32 [num, num_tracks]."""
        vectors = self.playlist_vectors[held_out.playlist_index]
        scores: Float32Array = vectors @ self.track_vectors.T
        return scores
