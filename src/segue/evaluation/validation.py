"""The few validation figures that choose the epoch of a training and the options of a baseline."""

from __future__ import annotations

import math

import numpy as np

from segue.evaluation.ranking import rank
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.metrics import METRICS

VALIDATION_PLAYLISTS = 4000
# The figure by which choices are made.
BEST_BY = "ndcg@20"
VALIDATION_METRICS = tuple(
    metric for metric in METRICS if metric.name in ("recall@20", "recall@300", BEST_BY, "auc")
)


def validation_rows(held_out: HeldOut) -> HeldOut:
    """The rows on which choices are made: those with targets, at most 4,000, spread evenly."""
    answered = np.flatnonzero(held_out.targets.lengths > 0)
    stride = max(1, math.ceil(len(answered) / VALIDATION_PLAYLISTS))
    return held_out.rows(answered[::stride])


def validate(
    scorer: Scorer | HeldOutScorer, held_out: HeldOut, train: PlaylistGraph
) -> dict[str, float]:
    """Recall@20, Recall@300, nDCG@20 and AUC on held-out tracks, by full ranking.

    Parameters
    ----------
    scorer
        As for `segue.evaluation.evaluate.evaluate`; this is its quick variant.
    held_out
        See `validation_rows`.
    train
        The training graph.
    """
    rankings = rank(scorer, held_out, train, list_length=0)
    return {metric.name: metric.value(rankings) for metric in VALIDATION_METRICS}
