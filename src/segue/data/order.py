"""Whether the order of a playlist's tracks means something: not where they are stored sorted."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.data.playlists import BoolArray, Int64Array, TrackLists

Order = Literal["auto", "known", "unknown"]
# Shorter lists are sorted by chance too often to show how a source stores them.
_TELLING_LENGTH = 4
# Steps from track to track by which it is first seen whether a list is sorted.
_FIRST_STEPS = 8


def stored_sorted(tracks: TrackLists, track_ids: pa.Array) -> BoolArray:
    """Which lists were stored sorted by track id, so that their order means nothing.

    The ids may ascend, as text or by a number at the end. (A shuffled playlist of n tracks comes
    out sorted with odds of 1 in n!.) They may also descend, if they do so in most lists that are
    long enough to tell.
    """
    found = np.zeros(len(tracks), dtype=bool)
    telling = tracks.lengths >= _TELLING_LENGTH
    for ascends, descends in _monotonic(tracks, track_ids):
        found |= ascends
        if telling.any() and descends[telling].mean() > 0.5:
            found |= descends
    return found


def _monotonic(tracks: TrackLists, track_ids: pa.Array) -> list[tuple[BoolArray, BoolArray]]:
    """Which lists ascend and which descend: by a number at the end of ids, and as text."""
    orders = [(np.ones(len(tracks), dtype=bool), np.ones(len(tracks), dtype=bool)) for _ in "12"]
    # In most lists the first few tracks show that they are in no order.
    rows, step = np.flatnonzero(tracks.lengths > 1), 0
    while len(rows) and step < _FIRST_STEPS:
        at = tracks.offsets[rows] + step
        ids = [track_ids.take(pa.array(tracks.track_index[at + next_])) for next_ in (0, 1)]
        _note(orders, rows, *_rises(*ids))
        step += 1
        rows = rows[np.any([each[rows] for order in orders for each in order], axis=0)]
        rows = rows[tracks.lengths[rows] > step + 1]
    if len(rows):
        some = tracks.rows(rows)
        used, index = np.unique(some.track_index, return_inverse=True)
        ids = track_ids.take(pa.array(used))
        # Shorter before longer puts …:9 before …:10; the second key alone is plain text order.
        table = pa.table({"length": pc.binary_length(ids), "id": ids})
        row = some.list_index()
        inside = row[1:] == row[:-1]
        keys = ([("length", "ascending"), ("id", "ascending")], [("id", "ascending")])
        rises = []
        for key in keys:
            rank = np.empty(len(ids), dtype=np.int32)
            rank[pc.sort_indices(table, sort_keys=key).to_numpy()] = np.arange(len(ids))
            rises.append((np.diff(rank[index]) > 0)[inside])
        _note(orders, rows[row[1:][inside]], *rises)
    return orders


def _rises(first: pa.Array, second: pa.Array) -> tuple[BoolArray, BoolArray]:
    """Where the second of two different ids comes later, with shorter before longer, as text."""
    as_text = pc.less(first, second).to_numpy(zero_copy_only=False)
    lengths = [pc.binary_length(ids).to_numpy(zero_copy_only=False) for ids in (first, second)]
    longer = lengths[0] < lengths[1]
    return longer | ((lengths[0] == lengths[1]) & as_text), as_text


def _note(orders: list[tuple[BoolArray, BoolArray]], rows: Int64Array, *rises: BoolArray) -> None:
    """Note for each order that lists do not ascend where a pair falls, nor descend where it rises.

    `rows` are the lists of the pairs.
    """
    for (ascends, descends), rise in zip(orders, rises, strict=True):
        ascends[rows[~rise]] = False
        descends[rows[rise]] = False
