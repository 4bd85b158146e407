"""Which tracks share playlists, and how strongly: sparse, one block of tracks at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from segue.console import count
from segue.data.playlists import Int32Array, TrackLists
from segue.memory import gib, require_memory

# Co-occurrence entries in memory at a time, before weak ones are dropped.
_BLOCK_ENTRIES = 20_000_000
# Bytes of such an entry: in the product, with its place, compared, and in a matrix again.
_BLOCK_BYTES = 64


def pair_matrix(
    lists: TrackLists, num_tracks: int, value: NDArray[np.floating[Any]] | None = None
) -> csr_array:
    """Lists by tracks, 1 (or its `value`) where a list holds a track."""
    if value is None:
        value = np.ones(lists.num_pairs, dtype=np.float32)
    return csr_array((value, lists.track_index, lists.offsets), shape=(len(lists), num_tracks))


def strongest_products(
    left: csr_array,
    right: csr_array,
    num_neighbours: int,
    similarity: Callable[[Int32Array, Int32Array, Any], Any],
    name: str,
) -> csr_array:
    """The strongest entries of each row of ``left @ right``, excluding the diagonal.

    Parameters
    ----------
    left : sparse [num_tracks, num_playlists]
    right : sparse [num_playlists, num_tracks]
    num_neighbours
        How many entries to keep per row; ties go to the earlier ones.
    similarity
        Called with rows, columns and entries of the product; returns the entries to compare.
    name
        What it is for, in messages.

    Returns
    -------
    sparse float32 [num_tracks, num_tracks]

    Raises
    ------
    ResourceError
        If it does not fit into memory; it says how many neighbours would.
    """
    num_tracks = left.shape[0]
    # The work for a row, which bounds its entries, is the total length of its playlists.
    of_row = (left != 0) @ np.diff(right.indptr)
    _require_memory(of_row, num_neighbours, name)
    work = np.cumsum(of_row)
    cuts = np.searchsorted(work, np.arange(_BLOCK_ENTRIES, work[-1], _BLOCK_ENTRIES))
    blocks = []
    for start, stop in zip([0, *cuts], [*cuts, num_tracks], strict=True):
        product = (left[start:stop] @ right).tocoo()
        row, column = product.coords
        other = row + start != column
        row, column, value = row[other], column[other], product.data[other]
        value = similarity(row + start, column, value)
        block = csr_array((value, (row, column)), shape=(stop - start, num_tracks))
        blocks.append(_strongest(block, num_neighbours))
    return csr_array(vstack(blocks))


def _require_memory(work: NDArray[Any], num_neighbours: int, name: str) -> None:
    """Raise ResourceError if the neighbours of all tracks do not fit; `work` bounds their number.

    The block in progress, in which every entry is an eight-byte number with its place and what
    becomes of them, and the neighbours, twice while the blocks are put together.
    """
    block = _BLOCK_BYTES * int(min(_BLOCK_ENTRIES, work.sum()))

    def needed(neighbours: int) -> int:
        return block + 2 * 8 * int(np.minimum(work, min(neighbours, len(work))).sum())

    def what_would_fit(available: int) -> str:
        fewer = num_neighbours // 2
        while fewer and needed(fewer) > available:
            fewer //= 2
        if fewer:
            return f"{count(fewer, 'neighbour')} would take {gib(needed(fewer))}"
        return "a k-core of the playlists (segue build --k-core) is smaller"

    require_memory(
        needed(num_neighbours),
        f"{name} of {len(work):,} tracks with {num_neighbours:,} neighbours",
        what_would_fit,
    )


def _strongest(matrix: csr_array, count: int) -> csr_array:
    """The `count` largest entries of each row, ties to the earlier ones, as float32."""
    kept = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(np.diff(matrix.indptr) > count):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        values = matrix.data[part]
        least = np.partition(values, len(values) - count)[len(values) - count]
        kept[part] = values > least
        ties = np.flatnonzero(values == least)
        ties = ties[np.argsort(matrix.indices[part][ties])]
        kept[part][ties[: count - np.count_nonzero(kept[part])]] = True
    offsets = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    entries = (matrix.data[kept].astype(np.float32), matrix.indices[kept], offsets)
    return csr_array(entries, shape=matrix.shape)
