"""The best tracks by their scores, exactly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segue.data.playlists import Float32Array, Int32Array, TrackLists

# Scores that are held at once, in bytes.
BATCH_BYTES = 64 << 20
# Of these, as many as stay in a core's cache while the best are found.
_BLOCK_ENTRIES = 128 << 10
# Scores of a tile of queries by tracks: a few MiB that stay in the cache of the processor.
_TILE_ENTRIES = 2 << 20
# A row this long is first looked through by the best of each stretch of it.
_LONG_ROW = 1 << 15
_STRETCH = 256


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
        threshold = _threshold(block, width)
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
    query_vectors: Float32Array,
    track_vectors: Float32Array,
    excluded: TrackLists,
    n: int,
    *,
    offset: Float32Array | None = None,
    offset_weight: Float32Array | None = None,
    wide: csr_array | None = None,
    candidates: Int32Array | None = None,
) -> tuple[Int32Array, Float32Array]:
    """The `n` tracks with the highest scores for each query, as `top_tracks` gives them.

        score(q, t) = q · v_t + offset_weight_q · offset_t + wide_qt

    All scores are never held at once: they are made tile by tile, and of each tile only what may
    be among the best is kept.

    Parameters
    ----------
    query_vectors : float32 [batch_size, dim]
    track_vectors : float32 [num_tracks, dim]
    excluded : TrackLists, one list a query
        Tracks that must not be recommended.
    n
        Length of a list, at least 1.
    offset : float32 [num_tracks], optional
    offset_weight : float32 [batch_size], optional
        By default 1.
    wide : sparse [batch_size, num_tracks], optional
    candidates : int32 [num_candidates], optional
        The only tracks that may be recommended, ascending; by default all.

    Returns
    -------
    track_index : int32 [batch_size, n]
    score : float32 [batch_size, n]
        A row with fewer candidates than n is padded with −1 and −inf.
    """
    if candidates is not None:
        return _best_candidates(
            query_vectors, track_vectors, excluded, n, offset, offset_weight, wide, candidates
        )
    batch_size, num_tracks = len(query_vectors), len(track_vectors)
    track_index = np.full((batch_size, n), -1, dtype=np.int32)
    score = np.full((batch_size, n), -np.inf, dtype=np.float32)
    if not batch_size or not num_tracks:
        return track_index, score
    width = max(min(n, num_tracks), _TILE_ENTRIES // batch_size)
    pair_row, pair_track = excluded.list_index(), excluded.track_index
    by_track = np.argsort(pair_track, kind="stable")
    pair_row, pair_track = pair_row[by_track], pair_track[by_track]
    by_column = None if wide is None else wide.tocsc()
    buffer = np.empty((batch_size, min(width, num_tracks)), dtype=np.float32)
    pending: list[tuple[NDArray[np.int64], NDArray[np.int64], Float32Array]] = []
    num_pending = 0
    for start in range(0, num_tracks, width):
        stop = min(start + width, num_tracks)
        tile = (
            buffer[:, : stop - start]
            if stop - start == buffer.shape[1]
            else np.empty((batch_size, stop - start), dtype=np.float32)
        )
        np.matmul(query_vectors, track_vectors[start:stop].T, out=tile)
        if offset is not None:
            of_tile = offset[start:stop]
            tile += of_tile if offset_weight is None else offset_weight[:, None] * of_tile
        if by_column is not None:
            added = by_column[:, start:stop].tocoo()
            tile[added.coords] += added.data
        first, last = np.searchsorted(pair_track, [start, stop])
        tile[pair_row[first:last], pair_track[first:last] - start] = -np.inf
        if start == 0:
            nothing = TrackLists.from_lists([[]] * batch_size)
            track_index, score = top_tracks(tile, nothing, n)
            continue
        # A later track that is level with the n-th best comes after it.
        hits = np.flatnonzero(tile > score[:, -1:])
        row, column = np.divmod(hits, stop - start)
        pending.append((row, column + start, tile[row, column]))
        num_pending += len(hits)
        if num_pending > batch_size * n or stop == num_tracks:
            track_index, score = _merged(track_index, score, pending)
            pending, num_pending = [], 0
    return track_index, score


def _merged(
    track_index: Int32Array,
    score: Float32Array,
    pending: list[tuple[NDArray[np.int64], NDArray[np.int64], Float32Array]],
) -> tuple[Int32Array, Float32Array]:
    """The best of what is listed and what came since."""
    batch_size, n = track_index.shape
    row = np.concatenate([np.repeat(np.arange(batch_size), n), *(p[0] for p in pending)])
    track = np.concatenate([track_index.ravel(), *(p[1] for p in pending)])
    value = np.concatenate([score.ravel(), *(p[2] for p in pending)])
    # What pads a list is at −1 and −inf: among equals it must stay behind.
    order = np.lexsort((track, -value, row))
    lengths = np.bincount(row, minlength=batch_size)
    first = np.cumsum(lengths) - lengths
    chosen = order[first[:, None] + np.arange(n)]
    return track[chosen].astype(np.int32), value[chosen]


def _best_candidates(
    query_vectors: Float32Array,
    track_vectors: Float32Array,
    excluded: TrackLists,
    n: int,
    offset: Float32Array | None,
    offset_weight: Float32Array | None,
    wide: csr_array | None,
    candidates: Int32Array,
) -> tuple[Int32Array, Float32Array]:
    """`best_tracks` among some tracks alone."""
    place = np.full(len(track_vectors), -1, dtype=np.int32)
    place[candidates] = np.arange(len(candidates), dtype=np.int32)
    held = excluded.keep(place[excluded.track_index] >= 0)
    found, score = best_tracks(
        query_vectors,
        track_vectors[candidates],
        TrackLists(held.offsets, place[held.track_index]),
        n,
        offset=None if offset is None else offset[candidates],
        offset_weight=offset_weight,
        wide=None if wide is None else wide[:, candidates],
    )
    track_index = np.full_like(found, -1)
    track_index[found >= 0] = candidates[found[found >= 0]]
    return track_index, score
