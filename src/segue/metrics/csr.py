"""Small lists in CSR form: checks, sums, ratios.

List `i` is ``index[offsets[i]:offsets[i + 1]]``, with `offsets` starting at 0, non-decreasing, and
ending at ``len(index)``. Integer arguments may have any integer dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]


def entry_rows(offsets: IntArray) -> NDArray[np.int64]:
    """The row of each entry of a CSR array."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets).astype(np.int64))


def row_sums(values: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of each row of a CSR array, 0 for an empty one; integers are exact up to 2**53."""
    weights = values.astype(np.float64)
    sums = np.bincount(entry_rows(offsets), weights=weights, minlength=len(offsets) - 1)
    return np.asarray(sums, dtype=np.float64)  # already is, but NumPy's stubs do not say so


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Quotient, NaN where the denominator is 0."""
    ratio = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def check_offsets(name: str, offsets: IntArray, length: int | None = None) -> None:
    """Raise ValueError unless the values are offsets, and those of `length` entries if given."""
    check_integers(name, offsets, 0, None, ndim=1)
    if len(offsets) == 0 or offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any():
        raise ValueError(f"{name} must start at 0 and not decrease")
    if length is not None and offsets[-1] != length:
        raise ValueError(f"{name} ends at {offsets[-1]}, but the lists hold {length} entries")


def check_integers(name: str, values: IntArray, low: int, high: int | None, ndim: int) -> None:
    """Raise ValueError unless it is an integer array with `ndim` axes and values in [low, high)."""
    if values.ndim != ndim or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{name} must be a {ndim}-dimensional integer array")
    if values.size and values.min() < low:
        raise ValueError(f"{name} holds {values.min()}, below {low}")
    if values.size and high is not None and values.max() >= high:
        raise ValueError(f"{name} holds {values.max()}, not below {high}")


def check_at_least_one(name: str, value: int) -> None:
    """Raise ValueError for 0 and less."""
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
