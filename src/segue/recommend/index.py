"""The best tracks of a row of scores, exactly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segue.data.playlists import Float32Array, Int32Array, TrackLists

# Scores that are held at once, in bytes.
BATCH_BYTES = 64 << 20


def row_batches(num_rows: int, num_columns: int) -> Iterator[slice]:
    """Slices of rows, one after the other, whose float32 scores take bounded memory."""
    size = max(1, BATCH_BYTES // (4 * max(1, num_columns)))
    for start in range(0, num_rows, size):
        yield slice(start, min(start + size, num_rows))


def top_tracks(
    scores: Float32Array, excluded: TrackLists, n: int
) -> tuple[Int32Array, Float32Array]:
    """The `n` best tracks of each row, best first, ties broken by track index.

    Parameters
    ----------
    scores : float32 [batch_size, num_tracks]
        Overwritten: excluded tracks become −inf.
    excluded : TrackLists, one list a row
        Tracks that must not be recommended.
    n
        Length of a list, at least 1.

    Returns
    -------
    track_index : int32 [batch_size, n]
    score : float32 [batch_size, n]
        A row with fewer candidates than n is padded with −1 and −inf.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    batch_size, num_tracks = scores.shape
    scores[excluded.list_index(), excluded.track_index] = -np.inf
    width = min(n, num_tracks)
    track_index = np.full((batch_size, n), -1, dtype=np.int32)
    best = np.full((batch_size, n), -np.inf, dtype=np.float32)
    threshold = np.partition(scores, num_tracks - width, axis=1)[:, num_tracks - width]
    for row in range(batch_size):
        # All that reach the n-th best score, by index: a stable sort then breaks ties by index.
        candidates = np.flatnonzero(scores[row] >= threshold[row])
        order = np.argsort(-scores[row, candidates], kind="stable")[:width]
        track_index[row, :width] = candidates[order]
        best[row, :width] = scores[row, candidates[order]]
    track_index[best == -np.inf] = -1
    return track_index, best
