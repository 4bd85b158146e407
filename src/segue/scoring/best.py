"""The exact best tracks by score: ties broken by track index, lower index first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from segue.data.playlists import BoolArray, Float32Array, Int32Array, Int64Array, TrackLists
from segue.scoring.term import Tracks

# Scores in memory at a time, in bytes.
BATCH_BYTES = 64 << 20
# The part of these that stays in a core's cache while the best are found.
_BLOCK_ENTRIES = 128 << 10
# Scores of a tile of queries by tracks: a few MiB that stay in the processor's cache.
_TILE_ENTRIES = 2 << 20
# A row this long is first scanned by the best score of each stretch.
_LONG_ROW = 1 << 15
_STRETCH = 256
# Up to this share of the tracks it is cheaper to gather their vectors than to score all: for a
# single list, and for many, which share the gathering (timed on 500,000 tracks of 128 dimensions).
_FEW_FOR_ONE, _FEW_FOR_MANY, _MANY = 0.2, 0.6, 16
# Tracks whose vectors are gathered at a time.
_GATHERED = 1 << 15


def row_batches(num_rows: int, num_columns: int) -> Iterator[slice]:
    """Consecutive slices of rows whose float32 scores take bounded memory."""
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
    excluded : TrackLists, one list per row
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
        # All above the n-th best score, and the first of those equal to it.
        threshold = _threshold(block, width)
        chosen = block >= threshold
        if np.count_nonzero(chosen) > width * len(block):
            for row in np.flatnonzero(np.count_nonzero(chosen, axis=1) > width):
                level = np.flatnonzero(block[row] == threshold[row])
                num_higher = np.count_nonzero(chosen[row]) - len(level)
                chosen[row, level[width - num_higher :]] = False
        column = np.flatnonzero(chosen).reshape(len(block), width) % num_tracks
        found = np.take_along_axis(block, column, axis=1)
        # They are in order of index, so a stable sort breaks ties by index.
        order = np.argsort(-found, axis=1, kind="stable")
        rows = slice(start, start + len(block))
        track_index[rows, :width] = np.take_along_axis(column, order, axis=1)
        best[rows, :width] = np.take_along_axis(found, order, axis=1)
    track_index[best == -np.inf] = -1
    return track_index, best


def _threshold(block: Float32Array, width: int) -> Float32Array:
    """The score of each row's `width`-th best: float32 [num_rows, 1]."""
    num_tracks = block.shape[1]
    num_stretches = num_tracks // _STRETCH
    if num_tracks < _LONG_ROW or width > num_stretches // 4:
        return np.partition(block, num_tracks - width, axis=1)[:, num_tracks - width, None]
    threshold = np.empty((len(block), 1), dtype=np.float32)
    for row, scores in enumerate(block):
        # `width` stretches have a best score of at least `low`, so the threshold is no lower.
        best = scores[: num_stretches * _STRETCH].reshape(num_stretches, _STRETCH).max(axis=1)
        low = np.partition(best, num_stretches - width)[num_stretches - width]
        high = scores[scores >= low]
        threshold[row] = np.partition(high, len(high) - width)[len(high) - width]
    return threshold


def best_tracks(
    add_scores: Callable[[Float32Array, Tracks], None],
    num_tracks: int,
    excluded: TrackLists,
    n: int,
    *,
    allowed: BoolArray | None = None,
) -> tuple[Int32Array, Float32Array]:
    """The `n` tracks with the highest scores for each list, as from `top_tracks`.

    Scores are never all in memory: they are computed tile by tile, and only those that may be among
    the best are kept.

    Parameters
    ----------
    add_scores
        Adds the scores of some tracks, a slice or ascending rows (int64), to an array of zeros,
        float32 [num_lists, num_tracks_asked].
    num_tracks
    excluded : TrackLists
        For each list, the tracks that must not be in it.
    n
        Length of a list, at least 1.
    allowed : bool [num_tracks], optional
        The tracks that may be in any list; by default all. If they are few, only they are scored.

    Returns
    -------
    track_index : int32 [num_lists, n]
    score : float32 [num_lists, n]
        A row with fewer candidates than n is padded with −1 and −inf.
    """
    few = _FEW_FOR_ONE if len(excluded) < _MANY else _FEW_FOR_MANY
    if allowed is not None and np.count_nonzero(allowed) <= few * num_tracks:
        return _best_of_few(add_scores, excluded, n, np.flatnonzero(allowed))
    forbidden = None if allowed is None else np.flatnonzero(~allowed)
    return _best_by_tiles(
        lambda start, stop, tile: add_scores(tile, slice(start, stop)),
        num_tracks,
        excluded,
        n,
        max(n, _TILE_ENTRIES // max(1, len(excluded))),
        forbidden,
    )


def _best_of_few(
    add_scores: Callable[[Float32Array, Tracks], None],
    excluded: TrackLists,
    n: int,
    candidates: Int64Array,
) -> tuple[Int32Array, Float32Array]:
    """`best_tracks` among some tracks (ascending), whose vectors are gathered tile by tile."""
    place = np.searchsorted(candidates, excluded.track_index)
    among = np.append(candidates, -1)[place] == excluded.track_index
    held = TrackLists(excluded.keep(among).offsets, place[among].astype(np.int32))
    found, score = _best_by_tiles(
        lambda start, stop, tile: add_scores(tile, candidates[start:stop]),
        len(candidates),
        held,
        n,
        max(n, min(_GATHERED, _TILE_ENTRIES // max(1, len(excluded)))),
        None,
    )
    track_index = np.append(candidates, -1).astype(np.int32)[found]
    return track_index, score


def _best_by_tiles(
    add_scores: Callable[[int, int, Float32Array], None],
    num_tracks: int,
    excluded: TrackLists,
    n: int,
    width: int,
    forbidden: Int64Array | None,
) -> tuple[Int32Array, Float32Array]:
    """The best by scores computed `width` columns (at least n) at a time."""
    num_lists = len(excluded)
    track_index = np.full((num_lists, n), -1, dtype=np.int32)
    score = np.full((num_lists, n), -np.inf, dtype=np.float32)
    if not num_lists or not num_tracks:
        return track_index, score
    width = min(width, num_tracks)
    pair_row, pair_track = excluded.list_index(), excluded.track_index
    by_track = np.argsort(pair_track, kind="stable")
    pair_row, pair_track = pair_row[by_track], pair_track[by_track]
    nothing = TrackLists.from_lists([[]] * num_lists)
    buffer = np.empty(num_lists * width, dtype=np.float32)
    pending: list[tuple[Int64Array, Int64Array, Float32Array]] = []
    num_pending = 0
    for start in range(0, num_tracks, width):
        stop = min(start + width, num_tracks)
        tile = buffer[: num_lists * (stop - start)].reshape(num_lists, -1)
        tile.fill(0)
        add_scores(start, stop, tile)
        first, last = np.searchsorted(pair_track, [start, stop])
        tile[pair_row[first:last], pair_track[first:last] - start] = -np.inf
        if forbidden is not None:
            first, last = np.searchsorted(forbidden, [start, stop])
            tile[:, forbidden[first:last] - start] = -np.inf
        if start == 0:
            track_index, score = top_tracks(tile, nothing, n)
            continue
        # A later track with the same score as the n-th best comes after it.
        hits = np.flatnonzero(tile > score[:, -1:])
        row, column = np.divmod(hits, stop - start)
        pending.append((row, column + start, tile[row, column]))
        num_pending += len(hits)
        if num_pending > num_lists * n or stop == num_tracks:
            track_index, score = _merged(track_index, score, pending)
            pending, num_pending = [], 0
    return track_index, score


def _merged(
    track_index: Int32Array,
    score: Float32Array,
    pending: list[tuple[Int64Array, Int64Array, Float32Array]],
) -> tuple[Int32Array, Float32Array]:
    """The best of the current lists and the new candidates."""
    batch_size, n = track_index.shape
    row = np.concatenate([np.repeat(np.arange(batch_size), n), *(p[0] for p in pending)])
    track = np.concatenate([track_index.ravel(), *(p[1] for p in pending)])
    value = np.concatenate([score.ravel(), *(p[2] for p in pending)])
    # Padding is −1 and −inf: it must come last among equals.
    order = np.lexsort((track, -value, row))
    lengths = np.bincount(row, minlength=batch_size)
    first = np.cumsum(lengths) - lengths
    chosen = order[first[:, None] + np.arange(n)]
    return track[chosen].astype(np.int32), value[chosen]
