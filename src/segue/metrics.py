"""The metrics of the house: arrays in, one value per playlist out.

Ranking is full: every track is a candidate but those the playlist is known to hold, and ties are
broken by track index, lower index first. `rank_held_out` does the only work that grows with the
catalogue; every accuracy metric is then read off its ranks::

    ranks = concatenate([rank_held_out(scores, ...) for scores, ... in batches])
    value, num_unscored = mean_over_scored(recall(ranks, 20))

What takes a HeldOutRanks returns float64 [num_playlists], NaN (never 0 or 1) for a playlist with
no track held out. h is how many tracks a playlist has held out; a hit is one of them in the top k.

Many small lists stand in CSR form: list `i` is `index[offsets[i]:offsets[i + 1]]`, with `offsets`
starting at 0, never falling, and ending at `len(index)`. Integer arguments may have any integer
dtype. Wrong shapes and dtypes, a track_index outside the catalogue and a k below 1 are refused
with a ValueError everywhere; further reasons for one are named where they arise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]

NO_CLICK_CUTOFF = 500  # the challenge shows at most 500 tracks, ten to a page
NO_CLICKS = 51.0  # no hit on any page: more than any page number
_MOST_COMPARED = 12  # held-out tracks of a playlist; with more of them one sort is faster


@dataclass(frozen=True, eq=False)
class HeldOutRanks:
    """Where the held-out tracks of some playlists stand in their full rankings."""

    offsets: NDArray[np.int64]
    """int64 [num_playlists + 1]: CSR over the held-out tracks of each playlist."""
    rank: IntArray
    """int64 [num_held_out]: 1-based rank of each held-out track among its playlist's candidates,
    in the order in which the held-out tracks were given."""
    auc: NDArray[np.float64]
    """float64 [num_playlists]: share of the pairs (held-out track, other unseen track) in which
    the held-out one has the higher score, ties counting half. NaN where there is no such pair."""

    def __post_init__(self) -> None:
        _check_offsets("offsets", self.offsets, len(self.rank))
        _check_integers("rank", self.rank, 1, None, ndim=1)
        if self.auc.shape != (self.num_playlists,):
            raise ValueError(f"auc must have shape ({self.num_playlists},), not {self.auc.shape}")

    @property
    def num_playlists(self) -> int:
        """How many playlists, those without a held-out track included."""
        return len(self.offsets) - 1

    @property
    def num_held_out(self) -> NDArray[np.int64]:
        """int64 [num_playlists]: held-out tracks per playlist."""
        return np.diff(self.offsets)


def rank_held_out(
    scores: NDArray[np.float32] | NDArray[np.float64],
    known_offsets: IntArray,
    known_index: IntArray,
    held_out_offsets: IntArray,
    held_out_index: IntArray,
) -> HeldOutRanks:
    """Rank each playlist's held-out tracks among all tracks but its known ones.

    rank = 1 + candidates with a higher score + candidates with the same score and a lower index.
    Time is O(num_tracks) per held-out track, and no more than a sort of each row. The only copies
    are one row of scores and the same in order.

    Parameters
    ----------
    scores : float32 or float64 [num_playlists, num_tracks]
        Higher is better. What stands at a known track is not looked at. Left unchanged.
    known_offsets, known_index
        CSR lists of the track_index taken out of each ranking.
    held_out_offsets, held_out_index
        CSR lists of the track_index to be ranked.

    Raises
    ------
    ValueError
        If a candidate's score is not finite, a track is repeated in a list, or is both known and
        held out.
    """
    if scores.ndim != 2 or scores.dtype not in (np.float32, np.float64):
        found = f"{scores.dtype} {list(scores.shape)}"
        raise ValueError(f"scores must be float32/64 [num_playlists, num_tracks], not {found}")
    num_playlists, num_tracks = scores.shape
    known_keys = _pair_keys("known", known_offsets, known_index, num_playlists, num_tracks)
    held_keys = _pair_keys("held_out", held_out_offsets, held_out_index, num_playlists, num_tracks)
    both = np.intersect1d(known_keys, held_keys, assume_unique=True)
    if both.size:
        row, track = divmod(int(both[0]), num_tracks)
        raise ValueError(f"track {track} is both known and held out in playlist row {row}")

    offsets = held_out_offsets.astype(np.int64)
    higher, tied, tied_before = np.zeros((3, len(held_out_index)), np.int64)  # tied: itself too
    row_scores = np.empty(num_tracks, scores.dtype)
    is_so = np.empty(num_tracks, np.bool_)
    for playlist in range(num_playlists):
        known = known_index[known_offsets[playlist] : known_offsets[playlist + 1]]
        row_scores[:] = scores[playlist]
        row_scores[known] = 0
        if not np.isfinite(row_scores, out=is_so).all():
            where = f"playlist row {playlist}, track {np.argmin(is_so)}"
            raise ValueError(f"the score of a candidate must be finite, not so in {where}")
        row_scores[known] = -np.inf  # below every candidate, so it enters no count
        start, stop = int(offsets[playlist]), int(offsets[playlist + 1])
        # A few held-out tracks are each compared with a row that stays in cache; for many, the
        # row is sorted once. Both find ties exactly.
        compared = stop - start <= _MOST_COMPARED
        if not compared:
            ordered, asked = np.sort(row_scores), row_scores[held_out_index[start:stop]]
            not_higher = ordered.searchsorted(asked, side="right")
            higher[start:stop] = num_tracks - not_higher
            tied[start:stop] = not_higher - ordered.searchsorted(asked, side="left")
        for pair in range(start, stop):
            track = int(held_out_index[pair])
            score = row_scores[track]
            if compared:
                higher[pair] = np.count_nonzero(np.greater(row_scores, score, out=is_so))
                at_least = np.count_nonzero(np.greater_equal(row_scores, score, out=is_so))
                tied[pair] = at_least - higher[pair]
            if tied[pair] > 1:
                tied_before[pair] = np.count_nonzero(row_scores[:track] == score)

    # Twice the pairs won, so that ties count in whole numbers. Each held-out track is first
    # compared with all other candidates; the held-out ones share out h (h - 1) / 2 among them.
    num_held_out = np.diff(offsets)
    num_candidates = num_tracks - np.diff(known_offsets.astype(np.int64))
    lower = num_candidates[_rows(offsets)] - higher - tied
    twice_won = _row_sums(2 * lower + tied - 1, offsets) - num_held_out * (num_held_out - 1)
    auc = _ratio(twice_won, 2 * num_held_out * (num_candidates - num_held_out))
    return HeldOutRanks(offsets, 1 + higher + tied_before, auc)


def concatenate(batches: Sequence[HeldOutRanks]) -> HeldOutRanks:
    """Join the ranks of batches of playlists, in order; no batches give no playlists."""
    counts = [batch.num_held_out for batch in batches]
    return HeldOutRanks(
        np.cumsum(np.concatenate([np.zeros(1, np.int64), *counts])),
        np.concatenate([np.empty(0, np.int64), *(batch.rank for batch in batches)]),
        np.concatenate([np.empty(0, np.float64), *(batch.auc for batch in batches)]),
    )


def recall(ranks: HeldOutRanks, k: int) -> NDArray[np.float64]:
    """Recall@k = held-out tracks in the top k / h: 0 to 1."""
    _check_at_least_one("k", k)
    return _ratio(_row_sums(ranks.rank <= k, ranks.offsets), ranks.num_held_out)


def r_precision(ranks: HeldOutRanks) -> NDArray[np.float64]:
    """R-precision = held-out tracks in the top h / h: 0 to 1."""
    hit = ranks.rank <= ranks.num_held_out[_rows(ranks.offsets)]
    return _ratio(_row_sums(hit, ranks.offsets), ranks.num_held_out)


def ndcg(ranks: HeldOutRanks, k: int) -> NDArray[np.float64]:
    """nDCG@k = sum over hits of 1 / log2(rank + 1), over that of ranks 1 to min(k, h): 0 to 1."""
    _check_at_least_one("k", k)
    gain = np.where(ranks.rank <= k, 1 / np.log2(ranks.rank + 1.0), 0.0)
    num_ideal = np.minimum(ranks.num_held_out, k)
    ideal_gain = 1 / np.log2(np.arange(2.0, 2 + num_ideal.max(initial=0)))
    ideal = np.concatenate([[0.0], np.cumsum(ideal_gain)])
    # The two sums add up in different orders; rounding must not lift a perfect list above 1.
    return np.minimum(_ratio(_row_sums(gain, ranks.offsets), ideal[num_ideal]), 1.0)


def average_precision(ranks: HeldOutRanks, k: int = 10) -> NDArray[np.float64]:
    """AP@k = sum over hits of (hits to that rank / rank) / min(k, h), 0 to 1. Its mean is MAP@k."""
    _check_at_least_one("k", k)
    playlist = _rows(ranks.offsets)
    rank = ranks.rank[np.lexsort((ranks.rank, playlist))]
    hits_so_far = 1 + np.arange(len(rank)) - ranks.offsets[playlist]
    precision = np.where(rank <= k, hits_so_far / rank, 0.0)
    return _ratio(_row_sums(precision, ranks.offsets), np.minimum(ranks.num_held_out, k))


def clicks(ranks: HeldOutRanks) -> NDArray[np.float64]:
    """Clicks = floor((rank of the first hit - 1) / 10), 51 where none is in the first 500.

    How often a listener who is shown ten tracks at a time must ask for more: lower is better.
    """
    first = np.full(ranks.num_playlists, NO_CLICK_CUTOFF + 1, dtype=np.int64)
    np.minimum.at(first, _rows(ranks.offsets), ranks.rank)
    values = np.where(first <= NO_CLICK_CUTOFF, (first - 1) // 10, NO_CLICKS)
    return np.where(ranks.num_held_out > 0, values, np.nan)


def novelty(top_index: IntArray, popularity: IntArray, k: int) -> NDArray[np.float64]:
    """Novelty@k = mean over the first k of the list of -log2(max(p, 1) / total), in bits.

    p is the track's number of training pairs, total that of all tracks. Gives float64
    [num_playlists], NaN where a list is empty.

    Parameters
    ----------
    top_index : integer [num_playlists, n]
        Recommended track_index, best first; −1 pads a short list. n may be below k only where the
        catalogue itself is.
    popularity : integer [num_tracks]
        Training pairs per track: none negative, not all 0.
    k
        The cutoff.
    """
    total = _total_pairs(popularity)
    top = _top(top_index, len(popularity), k)
    bits = np.log2(total) - np.log2(np.maximum(popularity, 1))
    listed = top >= 0
    return _ratio(np.where(listed, bits[top], 0.0).sum(axis=1), listed.sum(axis=1))


def covered(top_index: IntArray, num_tracks: int, k: int) -> NDArray[np.bool_]:
    """Which tracks stand among the first k of some list: bool [num_tracks].

    Join batches with `|`; the mean of the result is Coverage@k, a share of the catalogue.
    `top_index` is as for `novelty`.
    """
    top = _top(top_index, num_tracks, k)
    seen = np.zeros(num_tracks, np.bool_)
    seen[top[top >= 0]] = True
    return seen


def popularity_buckets(popularity: IntArray, num_buckets: int = 5) -> NDArray[np.int64]:
    """Cut the tracks, most popular first (ties by index), into buckets of equal training pairs.

    Gives int64 [num_tracks], from 0 for the most popular to num_buckets - 1. Each cut falls at the
    track boundary nearest to its share of the pairs; where one track alone outweighs a share, a
    bucket can stay empty. `popularity` is as for `novelty`.
    """
    _check_at_least_one("num_buckets", num_buckets)
    total = _total_pairs(popularity)
    pairs = popularity.astype(np.int64)
    order = np.argsort(-pairs, kind="stable")
    # A track belongs where the middle of its run of pairs falls, counted in half pairs so that
    # it is exact. Tracks without pairs lie on the far end and go into the last bucket.
    middle = 2 * np.cumsum(pairs[order]) - pairs[order]
    bucket = np.empty(len(pairs), np.int64)
    bucket[order] = np.minimum(middle * num_buckets // (2 * total), num_buckets - 1)
    return bucket


def bucket_recall(
    ranks: HeldOutRanks, held_out_index: IntArray, bucket: IntArray, k: int, num_buckets: int = 5
) -> NDArray[np.float64]:
    """Recall@k over the held-out tracks of each popularity bucket.

    Ranks stay those among all candidates. `held_out_index` is the track_index of each held-out
    track, in the order of `ranks`; `bucket`, integer [num_tracks], is from `popularity_buckets`.
    Gives float64 [num_playlists, num_buckets], NaN where a playlist has none held out there.
    """
    _check_at_least_one("k", k)
    _check_integers("held_out_index", held_out_index, 0, len(bucket), ndim=1)
    _check_integers("bucket", bucket, 0, num_buckets, ndim=1)
    if len(held_out_index) != len(ranks.rank):
        raise ValueError(f"{len(held_out_index)} held-out tracks, but {len(ranks.rank)} ranks")
    cell = _rows(ranks.offsets) * num_buckets + bucket[held_out_index].astype(np.int64)
    num_cells = ranks.num_playlists * num_buckets
    hits = np.bincount(cell[ranks.rank <= k], minlength=num_cells)
    held_out = np.bincount(cell, minlength=num_cells)
    return _ratio(hits, held_out).reshape(ranks.num_playlists, num_buckets)


def pooled_auc(positive_scores: FloatArray, negative_scores: FloatArray) -> float:
    """The article's AUC: share of all (positive, negative) pairs that stand in the right order.

    Mann-Whitney U / (P N), ties half, in O((P + N) log N). The scores of all playlists lie in one
    pool, so this also compares scores of different playlists, which no ranking does. Takes finite
    floats: [P], scores of the held-out pairs, and [N], of as many random pairs.
    NaN where either is empty.
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


def mean_over_scored(values: FloatArray) -> tuple[float, int]:
    """Mean of the values that are not NaN (NaN if there are none), and how many are NaN."""
    scored = values[~np.isnan(values)]
    mean = float(np.mean(scored, dtype=np.float64)) if scored.size else float("nan")
    return mean, values.size - scored.size


def _rows(offsets: IntArray) -> NDArray[np.int64]:
    """The row of each entry of a CSR array."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets).astype(np.int64))


def _row_sums(values: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of each row of a CSR array, 0 for an empty one; whole numbers are exact to 2**53."""
    weights = values.astype(np.float64)
    sums = np.bincount(_rows(offsets), weights=weights, minlength=len(offsets) - 1)
    return np.asarray(sums, dtype=np.float64)  # already is; NumPy's stubs do not know


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Quotient, NaN where the denominator is 0."""
    ratio = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def _top(top_index: IntArray, num_tracks: int, k: int) -> IntArray:
    """The first k columns of the recommended lists, checked."""
    _check_at_least_one("k", k)
    _check_integers("top_index", top_index, -1, num_tracks, ndim=2)
    if top_index.shape[1] < min(k, num_tracks):
        # Quietly taking fewer would pass off one cutoff's figure as another's.
        raise ValueError(f"top_index has {top_index.shape[1]} columns, fewer than k = {k}")
    return top_index[:, :k]


def _pair_keys(
    name: str, offsets: IntArray, index: IntArray, num_rows: int, num_tracks: int
) -> NDArray[np.int64]:
    """Check the CSR lists `name`; return row * num_tracks + track of each pair, sorted."""
    _check_integers(f"{name}_index", index, 0, num_tracks, ndim=1)
    _check_offsets(f"{name}_offsets", offsets, len(index))
    if len(offsets) != num_rows + 1:
        raise ValueError(f"{name}_offsets is for {len(offsets) - 1} playlists, not {num_rows}")
    keys = np.sort(_rows(offsets) * num_tracks + index.astype(np.int64))
    repeated = keys[1:][keys[1:] == keys[:-1]]
    if repeated.size:
        row, track = divmod(int(repeated[0]), num_tracks)
        raise ValueError(f"{name}_index repeats track {track} in playlist row {row}")
    return keys


def _check_offsets(name: str, offsets: IntArray, length: int | None = None) -> None:
    _check_integers(name, offsets, 0, None, ndim=1)
    if len(offsets) == 0 or offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any():
        raise ValueError(f"{name} must start at 0 and never fall")
    if length is not None and offsets[-1] != length:
        raise ValueError(f"{name} ends at {offsets[-1]}, but the lists hold {length} entries")


def _check_integers(name: str, values: IntArray, low: int, high: int | None, ndim: int) -> None:
    """Refuse anything but an integer array of that many dimensions with values in [low, high)."""
    if values.ndim != ndim or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{name} must be a {ndim}-dimensional integer array")
    if values.size and values.min() < low:
        raise ValueError(f"{name} holds {values.min()}, below {low}")
    if values.size and high is not None and values.max() >= high:
        raise ValueError(f"{name} holds {values.max()}, not below {high}")


def _total_pairs(popularity: IntArray) -> int:
    _check_integers("popularity", popularity, 0, None, ndim=1)
    total = int(popularity.sum(dtype=np.int64))
    if total == 0:
        raise ValueError("popularity is 0 for every track: there are no training pairs")
    return total


def _check_at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
