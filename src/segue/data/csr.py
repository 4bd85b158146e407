"""Arrays in CSR form: row i is ``index[offsets[i]:offsets[i + 1]]``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def check_csr(offsets: NDArray[np.int64], index: NDArray[np.int32], name: str, repeat: str) -> None:
    """Raise ValueError unless the arrays form rows of distinct indices.

    Parameters
    ----------
    offsets, index
    name
        Name of `index` in messages.
    repeat
        The error message for an index that repeats within a row.
    """
    if offsets.dtype != np.int64 or index.dtype != np.int32:
        raise ValueError(f"offsets must be int64 and {name} int32")
    if offsets.ndim != 1 or index.ndim != 1 or len(offsets) == 0:
        raise ValueError(f"offsets and {name} must be one-dimensional, offsets not empty")
    if offsets[0] != 0 or offsets[-1] != len(index) or (np.diff(offsets) < 0).any():
        raise ValueError("offsets must rise from 0 to the number of pairs")
    if len(index) and index.min() < 0:
        raise ValueError(f"{name} must not be negative")
    if (np.diff(offsets) > 1).any():
        # Sorts of a joint key find repeats without a loop over the rows.
        width = int(index.max()) + 1
        for rows in parts_of(offsets):
            part = offsets[rows.start : rows.stop + 1]
            key = row_index(part) * width + index[part[0] : part[-1]]
            key.sort()
            if (key[1:] == key[:-1]).any():
                raise ValueError(repeat)


def parts_of(offsets: NDArray[np.int64], num_entries: int = 1 << 16) -> Iterator[slice]:
    """Consecutive slices of rows with about `num_entries` entries each, at least one row.

    Few enough that they stay in the processor's cache, where sorting takes half the time.
    """
    num_rows, start = len(offsets) - 1, 0
    while start < num_rows:
        stop = int(np.searchsorted(offsets, offsets[start] + num_entries))
        stop = min(max(stop, start + 1), num_rows)
        yield slice(start, stop)
        start = stop


def stand_in(ordered: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which values occur in an ascending array: bool [num_values]; fast where they ascend, too."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[place] == values
    return found


def row_index(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each entry: int64 [num_entries], non-decreasing."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))


def offsets_of(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Offsets from the length of each row: int64 [num_rows + 1]."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def entries_of(offsets: NDArray[np.int64], rows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Positions of all entries of some rows, row by row: int64 (IndexError outside the rows)."""
    # A negative row would mix the length of one row with the position of another.
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(offsets) - 1):
        raise IndexError(f"rows outside the {len(offsets) - 1} lists")
    lengths = offsets[rows + 1] - offsets[rows]
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    entries: NDArray[np.int64] = np.repeat(offsets[rows], lengths) + within
    return entries
