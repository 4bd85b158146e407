"""The ranks of held-out tracks in full rankings: the only work that grows with the catalogue.

Every track is a candidate except those the playlist is known to hold. Ties are broken by track
index, lower index first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.metrics.csr import IntArray, check_integers, check_offsets, entry_rows, ratio, row_sums

_MOST_COMPARED = 20  # held-out tracks of a playlist; with more of them one sort is faster


@dataclass(frozen=True, eq=False)
class HeldOutRanks:
    """The ranks of some playlists' held-out tracks in their full rankings."""

    offsets: NDArray[np.int64]
    """int64 [num_playlists + 1]: CSR over the held-out tracks of each playlist."""
    rank: IntArray
    """int64 [num_held_out]: 1-based rank of each held-out track among its playlist's candidates,
    in the order in which the held-out tracks were given."""
    auc: NDArray[np.float64]
    """float64 [num_playlists]: share of the pairs (held-out track, other unseen track) in which
    the held-out one has the higher score, ties counting half. NaN if no such pair exists."""

    def __post_init__(self) -> None:
        check_offsets("offsets", self.offsets, len(self.rank))
        check_integers("rank", self.rank, 1, None, ndim=1)
        if self.auc.shape != (self.num_playlists,):
            raise ValueError(f"auc must have shape ({self.num_playlists},), not {self.auc.shape}")

    @property
    def num_playlists(self) -> int:
        """Number of playlists, including those without a held-out track."""
        return len(self.offsets) - 1

    @property
    def num_held_out(self) -> NDArray[np.int64]:
        """int64 [num_playlists]: held-out tracks per playlist."""
        return np.diff(self.offsets)

    def rows(self, chosen: NDArray[np.bool_]) -> HeldOutRanks:
        """Those of some playlists (bool [num_playlists])."""
        offsets = np.append(0, np.cumsum(self.num_held_out[chosen]))
        pairs = np.repeat(chosen, self.num_held_out)
        return HeldOutRanks(offsets, self.rank[pairs], self.auc[chosen])


def rank_held_out(
    scores: NDArray[np.float32] | NDArray[np.float64],
    known_offsets: IntArray,
    known_index: IntArray,
    held_out_offsets: IntArray,
    held_out_index: IntArray,
) -> HeldOutRanks:
    """Rank each playlist's held-out tracks among all tracks except its known ones.

    rank = 1 + candidates with a higher score + candidates with the same score and a lower index.
    Time is O(num_tracks) per held-out track, and at most that of sorting each row. The only copies
    are of one row of scores at a time, and of those to be sorted.

    Parameters
    ----------
    scores : float32 or float64 [num_playlists, num_tracks]
        Higher is better. Scores of known tracks are ignored. Left unchanged.
    known_offsets, known_index
        CSR lists of the track_index excluded from each ranking.
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
            raise ValueError(f"the score of a candidate must be finite, but is not in {where}")
        row_scores[known] = -np.inf  # below every candidate, so it is never counted
        start, stop = int(offsets[playlist]), int(offsets[playlist + 1])
        # A few held-out tracks are each compared with a row that stays in cache; for many, what is
        # no lower than the lowest of them is sorted once. Both find ties exactly.
        compared = stop - start <= _MOST_COMPARED
        if not compared:
            asked = row_scores[held_out_index[start:stop]]
            ordered = np.sort(row_scores[np.greater_equal(row_scores, asked.min(), out=is_so)])
            not_higher = ordered.searchsorted(asked, side="right")
            higher[start:stop] = len(ordered) - not_higher
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
    # compared with all other candidates; h (h - 1) / 2 of these pairs are between held-out tracks.
    num_held_out = np.diff(offsets)
    num_candidates = num_tracks - np.diff(known_offsets.astype(np.int64))
    lower = num_candidates[entry_rows(offsets)] - higher - tied
    twice_won = row_sums(2 * lower + tied - 1, offsets) - num_held_out * (num_held_out - 1)
    auc = ratio(twice_won, 2 * num_held_out * (num_candidates - num_held_out))
    return HeldOutRanks(offsets, 1 + higher + tied_before, auc)


def concatenate(batches: Sequence[HeldOutRanks]) -> HeldOutRanks:
    """Concatenate the ranks of batches of playlists, in order; no batches give no playlists."""
    counts = [batch.num_held_out for batch in batches]
    return HeldOutRanks(
        np.cumsum(np.concatenate([np.zeros(1, np.int64), *counts])),
        np.concatenate([np.empty(0, np.int64), *(batch.rank for batch in batches)]),
        np.concatenate([np.empty(0, np.float64), *(batch.auc for batch in batches)]),
    )


def _pair_keys(
    name: str, offsets: IntArray, index: IntArray, num_rows: int, num_tracks: int
) -> NDArray[np.int64]:
    """Check the CSR lists `name`; return row * num_tracks + track of each pair, sorted."""
    check_integers(f"{name}_index", index, 0, num_tracks, ndim=1)
    check_offsets(f"{name}_offsets", offsets, len(index))
    if len(offsets) != num_rows + 1:
        raise ValueError(f"{name}_offsets is for {len(offsets) - 1} playlists, not {num_rows}")
    keys = np.sort(entry_rows(offsets) * num_tracks + index.astype(np.int64))
    repeated = keys[1:][keys[1:] == keys[:-1]]
    if repeated.size:
        row, track = divmod(int(repeated[0]), num_tracks)
        raise ValueError(f"{name}_index repeats track {track} in playlist row {row}")
    return keys
