"""How popular the listed tracks are, and recall by popularity.

Wrong shapes and dtypes, a track_index outside the catalogue and a k below 1 raise ValueError.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.metrics.csr import IntArray, check_at_least_one, check_integers, entry_rows, ratio
from segue.metrics.ranks import HeldOutRanks

NUM_BUCKETS = 5
# Lists processed at a time, to bound temporary memory.
_BLOCK_ROWS = 4096


def novelty(top_index: IntArray, popularity: IntArray, k: int) -> NDArray[np.float64]:
    """Novelty@k = mean over the first k of the list of -log2(max(p, 1) / total), in bits.

    p is the track's number of training pairs, total that of all tracks. Returns float64
    [num_playlists], NaN for an empty list.

    Parameters
    ----------
    top_index : integer [num_playlists, n]
        Recommended track_index, best first; −1 pads a short list. n may be less than k only if the
        catalogue is smaller than k.
    popularity : integer [num_tracks]
        Training pairs per track: none negative, not all 0.
    k
        The cutoff.
    """
    total = _total_pairs(popularity)
    top = first_of(top_index, len(popularity), k)
    bits = np.log2(total) - np.log2(np.maximum(popularity, 1))
    sums, lengths = np.zeros((2, len(top)))
    for start in range(0, len(top), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        listed = top[rows] >= 0
        sums[rows] = np.where(listed, bits[top[rows]], 0.0).sum(axis=1)
        lengths[rows] = listed.sum(axis=1)
    return ratio(sums, lengths)


def coverage(top_index: IntArray, num_tracks: int, k: int) -> float:
    """Coverage@k = share of the catalogue among the first k of any list: 0 to 1.

    NaN if there are no lists. `top_index` is as for `novelty`.
    """
    top = first_of(top_index, num_tracks, k)
    seen = np.zeros(num_tracks, np.bool_)
    for start in range(0, len(top), _BLOCK_ROWS):
        block = top[start : start + _BLOCK_ROWS]
        seen[block[block >= 0]] = True
    return float(seen.mean()) if len(top) else float("nan")


def popularity_buckets(popularity: IntArray, num_buckets: int = NUM_BUCKETS) -> NDArray[np.int64]:
    """Cut the tracks, most popular first (ties by index), into buckets of equal training pairs.

    Returns int64 [num_tracks], from 0 for the most popular to num_buckets - 1. Each cut falls at
    the track boundary nearest to its share of the pairs; where one track alone outweighs a share, a
    bucket can stay empty. `popularity` is as for `novelty`.
    """
    check_at_least_one("num_buckets", num_buckets)
    total = _total_pairs(popularity)
    pairs = popularity.astype(np.int64)
    order = np.argsort(-pairs, kind="stable")
    # A track belongs to the bucket in which the middle of its run of pairs falls, counted in half
    # pairs to be exact. Tracks without pairs are at the far end and go into the last bucket.
    middle = 2 * np.cumsum(pairs[order]) - pairs[order]
    bucket = np.empty(len(pairs), np.int64)
    bucket[order] = np.minimum(middle * num_buckets // (2 * total), num_buckets - 1)
    return bucket


def bucket_recall(
    ranks: HeldOutRanks,
    held_out_index: IntArray,
    bucket: IntArray,
    k: int,
    num_buckets: int = NUM_BUCKETS,
) -> NDArray[np.float64]:
    """Recall@k over the held-out tracks of each popularity bucket.

    Ranks are still among all candidates. `held_out_index` is the track_index of each held-out
    track, in the order of `ranks`; `bucket`, integer [num_tracks], is from `popularity_buckets`.
    Returns float64 [num_playlists, num_buckets], NaN where a playlist has none held out.
    """
    check_at_least_one("k", k)
    check_integers("held_out_index", held_out_index, 0, len(bucket), ndim=1)
    check_integers("bucket", bucket, 0, num_buckets, ndim=1)
    if len(held_out_index) != len(ranks.rank):
        raise ValueError(f"{len(held_out_index)} held-out tracks, but {len(ranks.rank)} ranks")
    cell = entry_rows(ranks.offsets) * num_buckets + bucket[held_out_index].astype(np.int64)
    num_cells = ranks.num_playlists * num_buckets
    hits = np.bincount(cell[ranks.rank <= k], minlength=num_cells)
    held_out = np.bincount(cell, minlength=num_cells)
    return ratio(hits, held_out).reshape(ranks.num_playlists, num_buckets)


def first_of(top_index: IntArray, num_tracks: int, k: int) -> IntArray:
    """The first k columns of the recommended lists, checked."""
    check_at_least_one("k", k)
    check_integers("top_index", top_index, -1, num_tracks, ndim=2)
    if top_index.shape[1] < min(k, num_tracks):
        # Silently using fewer would report one cutoff's figure as another's.
        raise ValueError(f"top_index has {top_index.shape[1]} columns, fewer than k = {k}")
    return top_index[:, :k]


def _total_pairs(popularity: IntArray) -> int:
    check_integers("popularity", popularity, 0, None, ndim=1)
    total = int(popularity.sum(dtype=np.int64))
    if total == 0:
        raise ValueError("popularity is 0 for every track: there are no training pairs")
    return total
