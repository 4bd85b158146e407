"""Metrics of recommended lists, defined once.

Ranking is full: every track is a candidate except those the playlist is known to hold, and ties are
broken by track index, lower index first. Evaluation, its tables and comparison reports all use the
list `METRICS`; to add a metric, write a function and add a line to it. The functions take arrays
and give one value per playlist, so that each can be used alone::

    ranks = concatenate([rank_held_out(scores, ...) for scores, ... in batches])
    value, num_unscored = mean_over_scored(recall(ranks, 20))
"""

from collections.abc import Callable
from typing import TypeAlias

from segue.metrics.accuracy import (
    average_precision,
    clicks,
    ndcg,
    pooled_auc,
    r_precision,
    recall,
)
from segue.metrics.csr import FloatArray, IntArray
from segue.metrics.metric import Metric, Rankings, mean_over_scored
from segue.metrics.popularity import (
    NUM_BUCKETS,
    bucket_recall,
    coverage,
    novelty,
    popularity_buckets,
)
from segue.metrics.ranks import HeldOutRanks, concatenate, rank_held_out
from segue.metrics.variety import artist_diversity, artist_share, listed

__all__ = [
    "METRICS", "NUM_BUCKETS", "HeldOutRanks", "Metric", "Rankings", "artist_diversity",
    "artist_share", "average_precision", "bucket_recall", "clicks", "concatenate", "coverage",
    "listed", "mean_over_scored", "ndcg", "novelty", "pooled_auc", "popularity_buckets",
    "r_precision", "rank_held_out", "recall",
]  # fmt: skip

# Offsets and track_index.
Lists: TypeAlias = tuple[IntArray, IntArray]


def _novelty_at(k: int) -> Metric:
    return Metric(
        f"novelty@{k}",
        lambda r: novelty(r.top_index, r.popularity, k),
        "neither",
        decimals=2,
        topic="popularity",
    )


def _coverage_at(k: int) -> Metric:
    return Metric(
        f"coverage@{k}",
        lambda r: coverage(r.top_index, r.num_tracks, k),
        "neither",
        topic="popularity",
    )


def _recall_in_bucket(number: int) -> Metric:
    """Recall@300 of the held-out tracks of one bucket, counted from 1."""

    def values(r: Rankings) -> FloatArray:
        recalls = bucket_recall(r.ranks, r.held_out_index, r.popularity_bucket, 300, NUM_BUCKETS)
        return recalls[:, number - 1]

    return Metric(f"recall@300 of bucket {number}", values, topic="popularity")


def _of_artists(
    name: str, of_lists: Callable[[Lists, Rankings], FloatArray], k: int
) -> tuple[Metric, ...]:
    """A figure of the first k of the lists, and of the held-out tracks, which it may be held to."""
    return (
        Metric(
            f"{name}@{k}",
            lambda r: of_lists(listed(r.top_index, r.num_tracks, k), r),
            "neither",
            topic="variety",
        ),
        Metric(
            f"{name} of held-out",
            lambda r: of_lists((r.ranks.offsets, r.held_out_index), r),
            "neither",
            topic="variety",
        ),
    )


def _artist_share(lists: Lists, r: Rankings) -> FloatArray:
    return artist_share(*lists, r.query_offsets, r.query_index, r.artist)


def _artist_diversity(lists: Lists, r: Rankings) -> FloatArray:
    return artist_diversity(*lists, r.artist)


METRICS: tuple[Metric, ...] = (
    Metric("recall@20", lambda r: recall(r.ranks, 20)),
    Metric("recall@300", lambda r: recall(r.ranks, 300)),
    Metric("r-precision", lambda r: r_precision(r.ranks)),
    Metric("ndcg@20", lambda r: ndcg(r.ranks, 20)),
    Metric("map@10", lambda r: average_precision(r.ranks, 10)),
    Metric("clicks", lambda r: clicks(r.ranks), "lower", 2),
    Metric("auc", lambda r: r.ranks.auc),
    Metric("auc (pooled)", lambda r: pooled_auc(r.positive_scores, r.negative_scores)),
    *(_novelty_at(k) for k in (20, 300)),
    *(_coverage_at(k) for k in (20, 300)),
    *(_recall_in_bucket(number) for number in range(1, NUM_BUCKETS + 1)),
    *_of_artists("artist share", _artist_share, 10),
    *_of_artists("artist diversity", _artist_diversity, 10),
)
"""The metrics of an evaluation by default, in the order of its table."""
