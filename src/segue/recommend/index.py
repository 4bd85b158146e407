"""The best tracks of a row of scores, exactly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segue.data.playlists import Float32Array, Int32Array, TrackLists

# Scores that are held at once, in bytes.
BATCH_BYTES = 64 << 20
# Of these, as many as stay in a core's cache while the best are found.
_BLOCK_ENTRIES = 128 << 10


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
    height = max(1, _BLOCK_ENTRIES // num_tracks)
    for start in range(0, batch_size, height):
        block = scores[start : start + height]
        # All that reach the n-th best score, and of those level with it the first ones.
        threshold = np.partition(block, num_tracks - width, axis=1)[:, num_tracks - width, None]
        chosen = block >= threshold
        if np.count_nonzero(chosen) > width * len(block):
            for row in np.flatnonzero(np.count_nonzero(chosen, axis=1) > width):
                level = np.flatnonzero(block[row] == threshold[row])
                num_higher = np.count_nonzero(chosen[row]) - len(level)
                chosen[row, level[width - num_higher :]] = False
        column = np.flatnonzero(chosen).reshape(len(block), width) % num_tracks
        found = np.take_along_axis(block, column, axis=1)
        # They come by index, so a stable sort breaks ties by index.
        order = np.argsort(-found, axis=1, kind="stable")
        rows = slice(start, start + len(block))
        track_index[rows, :width] = np.take_along_axis(column, order, axis=1)
        best[rows, :width] = np.take_along_axis(found, order, axis=1)
    track_index[best == -np.inf] = -1
    return track_index, best
