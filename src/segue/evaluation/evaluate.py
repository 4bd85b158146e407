"""One evaluation: every metric, by full ranking over every track."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from segue import metrics
from segue.evaluation.held_out import HeldOutScorer, ranked_batches
from segue.graph.negatives import RandomNegatives
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.scoring.first_stage import top_tracks
from segue.scoring.scorer import Scorer

NUM_BUCKETS = 5
# Where the curve of recall by k is taken.
CURVE_KS = (1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500)
# All models are measured against the same random negatives.
NEGATIVES_RNG_SEED = 20190901


@dataclass(frozen=True)
class Evaluation:
    """Means over the playlists with at least one held-out track.

    Attributes
    ----------
    values : dict
        By metric name, as in `METRICS`.
    recall_curve : dict
        Recall@k by k, for the k of `CURVE_KS`.
    num_scored, num_unscored
        Playlists with held-out tracks and without.
    seconds
        Spent.
    """

    values: dict[str, float]
    recall_curve: dict[int, float]
    num_scored: int
    num_unscored: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As plain values; a metric that has no value is null."""

        def finite(figures: dict[Any, float]) -> dict[str, float | None]:
            return {str(n): v if np.isfinite(v) else None for n, v in figures.items()}

        return {
            "values": finite(self.values),
            "recall_curve": finite(self.recall_curve),
            "num_scored": self.num_scored,
            "num_unscored": self.num_unscored,
            "seconds": round(self.seconds, 3),
        }


# What each metric is called, and whether more of it is better (None: neither).
METRICS: dict[str, bool | None] = {
    "recall@20": True,
    "recall@300": True,
    "r-precision": True,
    "ndcg@20": True,
    "map@10": True,
    "clicks": False,
    "auc": True,
    "auc (pooled)": True,
    "novelty@20": None,
    "novelty@300": None,
    "coverage@20": None,
    "coverage@300": None,
    **{f"recall@300 of bucket {bucket + 1}": True for bucket in range(NUM_BUCKETS)},
}


def evaluate(
    scorer: Scorer | HeldOutScorer,
    held_out: HeldOut,
    train: PlaylistGraph,
    advance: Callable[[int], None] | None = None,
) -> Evaluation:
    """Measure a scorer on held-out tracks.

    Parameters
    ----------
    scorer
        Sees each row's query alone, a `HeldOutScorer` which playlist it is, too.
    held_out
        The validation or test part of a split.
    train
        The training graph, for popularity.
    advance
        Called after each batch with the number of playlists done.

    Returns
    -------
    Evaluation
        Bucket 1 holds the most popular tracks, 5 the least; each holds a fifth of the training
        pairs. Novelty is in bits.
    """
    started = time.perf_counter()
    popularity, num_tracks = train.track_degree, train.catalog.num_tracks
    answered = np.flatnonzero(held_out.targets.lengths > 0)
    num_unscored = len(held_out.targets) - len(answered)
    held_out = held_out.rows(answered)
    targets = held_out.targets
    excluded = held_out.known.joined(targets)
    # A playlist that holds the whole catalogue has no negative: it stays out of the pooled AUC.
    has_negative = np.repeat(excluded.lengths < num_tracks, targets.lengths)
    negatives = np.zeros(targets.num_pairs, dtype=np.int32)
    negatives[has_negative] = RandomNegatives(excluded, num_tracks).draw(
        targets.list_index()[has_negative], np.random.default_rng(NEGATIVES_RNG_SEED)
    )
    list_length = min(300, num_tracks)
    ranks, novelty, positive, negative = [], [], [], []
    seen = {k: np.zeros(num_tracks, dtype=bool) for k in (20, 300)}
    for rows, part, scores, batch_ranks in ranked_batches(scorer, held_out, num_tracks):
        ranks.append(batch_ranks)
        row = part.targets.list_index()
        pairs = slice(targets.offsets[rows.start], targets.offsets[rows.stop])
        counts = has_negative[pairs]
        positive.append(scores[row, part.targets.track_index][counts])
        negative.append(scores[row, negatives[pairs]][counts])
        top, _ = top_tracks(scores, part.known, list_length)
        novelty.append([metrics.novelty(top, popularity, k) for k in (20, 300)])
        for k, covered in seen.items():
            covered |= metrics.covered(top, num_tracks, k)
        if advance is not None:
            advance(len(part.query))

    whole = metrics.concatenate(ranks)
    bits = np.concatenate(novelty, axis=1) if novelty else np.zeros((2, 0))
    bucket = metrics.popularity_buckets(popularity, NUM_BUCKETS)
    by_bucket = metrics.bucket_recall(whole, targets.track_index, bucket, 300, NUM_BUCKETS)
    per_playlist = {
        "recall@20": metrics.recall(whole, 20),
        "recall@300": metrics.recall(whole, 300),
        "r-precision": metrics.r_precision(whole),
        "ndcg@20": metrics.ndcg(whole, 20),
        "map@10": metrics.average_precision(whole, 10),
        "clicks": metrics.clicks(whole),
        "auc": whole.auc,
        "novelty@20": bits[0],
        "novelty@300": bits[1],
        **{f"recall@300 of bucket {b + 1}": by_bucket[:, b] for b in range(NUM_BUCKETS)},
    }
    values = {name: metrics.mean_over_scored(value)[0] for name, value in per_playlist.items()}
    nothing = np.zeros(0, dtype=np.float32)
    values["auc (pooled)"] = metrics.pooled_auc(
        np.concatenate([nothing, *positive]), np.concatenate([nothing, *negative])
    )
    for k, covered in seen.items():
        values[f"coverage@{k}"] = float(covered.mean()) if len(answered) else float("nan")
    return Evaluation(
        {name: values[name] for name in METRICS},
        {k: metrics.mean_over_scored(metrics.recall(whole, k))[0] for k in CURVE_KS},
        len(answered),
        num_unscored,
        time.perf_counter() - started,
    )
