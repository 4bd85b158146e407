"""Ranking held-out tracks batch by batch, and the few metrics that choose an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from segue import metrics
from segue.data.playlists import Float32Array
from segue.graph.split import HeldOut
from segue.scoring.first_stage import row_batches
from segue.scoring.scorer import Scorer

VALIDATION_PLAYLISTS = 4000
# The one figure that chooses: of a training its epoch, of a baseline its options.
BEST_BY = "ndcg@20"


@runtime_checkable
class HeldOutScorer(Protocol):
    """Scores playlists by more than the tracks of a query: by which playlist it is."""

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


def validation_rows(held_out: HeldOut) -> HeldOut:
    """The rows on which choices are made: those with targets, at most 4,000, spread evenly."""
    answered = np.flatnonzero(held_out.targets.lengths > 0)
    stride = max(1, math.ceil(len(answered) / VALIDATION_PLAYLISTS))
    return held_out.rows(answered[::stride])


def ranked_batches(
    scorer: Scorer | HeldOutScorer, held_out: HeldOut, num_tracks: int
) -> Iterator[tuple[slice, HeldOut, Float32Array, metrics.HeldOutRanks]]:
    """Score and rank some rows at a time, so that memory stays bounded.

    Yields
    ------
    rows : slice
    part : HeldOut
        Those rows.
    scores : float32 [batch_size, num_tracks]
        Fresh: the caller may write into them.
    ranks : HeldOutRanks
    """
    for rows in row_batches(len(held_out.query), num_tracks):
        part = held_out.rows(rows)
        if isinstance(scorer, HeldOutScorer):
            scores = scorer.held_out_scores(part)
        else:
            scores = scorer.scores(part.query)
        ranks = metrics.rank_held_out(
            scores,
            part.known.offsets,
            part.known.track_index,
            part.targets.offsets,
            part.targets.track_index,
        )
        yield rows, part, scores, ranks


def validate(
    scorer: Scorer | HeldOutScorer, held_out: HeldOut, num_tracks: int
) -> dict[str, float]:
    """Recall@20, Recall@300, nDCG@20 and AUC on held-out tracks, by full ranking."""
    batches = ranked_batches(scorer, held_out, num_tracks)
    ranks = metrics.concatenate([ranks for _, _, _, ranks in batches])
    values = {
        "recall@20": metrics.recall(ranks, 20),
        "recall@300": metrics.recall(ranks, 300),
        "ndcg@20": metrics.ndcg(ranks, 20),
        "auc": ranks.auc,
    }
    return {name: metrics.mean_over_scored(value)[0] for name, value in values.items()}
