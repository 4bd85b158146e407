"""How well held-out tracks are found: metrics of ranks and of pooled scores.

Functions of `HeldOutRanks` return float64 [num_playlists], NaN (never 0 or 1) for a playlist with
no track held out. h is the number of tracks a playlist has held out; a hit is one of them in the
top k. A k below 1 raises ValueError.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.metrics.csr import FloatArray, check_at_least_one, entry_rows, ratio, row_sums
from segue.metrics.ranks import HeldOutRanks

NO_CLICK_CUTOFF = 500  # the challenge shows at most 500 tracks, ten to a page
NO_CLICKS = 51.0  # no hit on any page: more than any page number


def recall(ranks: HeldOutRanks, k: int) -> NDArray[np.float64]:
    """Recall@k = held-out tracks in the top k / h: 0 to 1."""
    check_at_least_one("k", k)
    return ratio(row_sums(ranks.rank <= k, ranks.offsets), ranks.num_held_out)


def r_precision(ranks: HeldOutRanks) -> NDArray[np.float64]:
    """R-precision = held-out tracks in the top h / h: 0 to 1."""
    hit = ranks.rank <= ranks.num_held_out[entry_rows(ranks.offsets)]
    return ratio(row_sums(hit, ranks.offsets), ranks.num_held_out)


def ndcg(ranks: HeldOutRanks, k: int) -> NDArray[np.float64]:
    """nDCG@k = sum over hits of 1 / log2(rank + 1), over that of ranks 1 to min(k, h): 0 to 1."""
    check_at_least_one("k", k)
    gain = np.where(ranks.rank <= k, 1 / np.log2(ranks.rank + 1.0), 0.0)
    num_ideal = np.minimum(ranks.num_held_out, k)
    ideal_gain = 1 / np.log2(np.arange(2.0, 2 + num_ideal.max(initial=0)))
    ideal = np.concatenate([[0.0], np.cumsum(ideal_gain)])
    # The two sums are added in different orders; rounding must not push a perfect list above 1.
    return np.minimum(ratio(row_sums(gain, ranks.offsets), ideal[num_ideal]), 1.0)


def average_precision(ranks: HeldOutRanks, k: int = 10) -> NDArray[np.float64]:
    """AP@k = sum over hits of (hits to that rank / rank) / min(k, h), 0 to 1. Its mean is MAP@k."""
    check_at_least_one("k", k)
    playlist = entry_rows(ranks.offsets)
    rank = ranks.rank[np.lexsort((ranks.rank, playlist))]
    hits_so_far = 1 + np.arange(len(rank)) - ranks.offsets[playlist]
    precision = np.where(rank <= k, hits_so_far / rank, 0.0)
    return ratio(row_sums(precision, ranks.offsets), np.minimum(ranks.num_held_out, k))


def clicks(ranks: HeldOutRanks) -> NDArray[np.float64]:
    """Clicks = floor((rank of the first hit - 1) / 10), or 51 if no hit is in the first 500.

    How often a listener who is shown ten tracks at a time must ask for more: lower is better.
    """
    first = np.full(ranks.num_playlists, NO_CLICK_CUTOFF + 1, dtype=np.int64)
    np.minimum.at(first, entry_rows(ranks.offsets), ranks.rank)
    values = np.where(first <= NO_CLICK_CUTOFF, (first - 1) // 10, NO_CLICKS)
    return np.where(ranks.num_held_out > 0, values, np.nan)


def pooled_auc(positive_scores: FloatArray, negative_scores: FloatArray) -> float:
    """The article's AUC: share of all (positive, negative) pairs in the right order.

    Mann-Whitney U / (P N), ties half, in O((P + N) log N). The scores of all playlists are pooled,
    so this also compares scores of different playlists, which no ranking does. Takes finite floats:
    [P], scores of the held-out pairs, and [N], of as many random pairs. NaN if either is empty.
    """
    for name, values in (("positive", positive_scores), ("negative", negative_scores)):
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(f"{name}_scores must be one-dimensional and finite")
    num_pairs = len(positive_scores) * len(negative_scores)
    if num_pairs == 0:
        return float("nan")
    ordered = np.sort(negative_scores)
    lower = np.searchsorted(ordered, positive_scores, side="left").sum()
    not_higher = np.searchsorted(ordered, positive_scores, side="right").sum()
    return int(lower + not_higher) / (2 * num_pairs)
