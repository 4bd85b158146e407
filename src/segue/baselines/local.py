"""Regressions of each track on the tracks nearest to it: their neighbours and products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from segue.data.playlists import Float32Array, Int64Array
from segue.memory import require_memory

# Rows of the whole matrix computed at a time, and numbers of a batch of small ones.
_BLOCK_ROWS, _BATCH_NUMBERS = 1024, 20_000_000


class LocalGrams:
    """For each column of a matrix X, XᵀX of the columns nearest to it.

    A regression of a column on all others needs the inverse of XᵀX, whose time grows with the third
    power of their number. On the hundred columns with the largest cosine it finds nearly the same
    weights (H. Steck: "Markov Random Fields for Collaborative Filtering", NeurIPS 2019, section 3),
    in time that grows with the number of columns.

    Parameters
    ----------
    matrix : sparse [num_rows, num_columns]
        X.
    num_neighbours
        How many other columns, at most.

    Raises
    ------
    ResourceError
        If XᵀX does not fit into memory.
    """

    def __init__(self, matrix: csr_array, num_neighbours: int) -> None:
        size = matrix.shape[1]
        require_memory(4 * size**2, f"a matrix of {size:,} by {size:,} tracks")
        self.gram: Float32Array = np.empty((size, size), dtype=np.float32)
        transposed = csr_array(matrix.T)
        for start in range(0, size, _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            (transposed[rows] @ matrix).toarray(out=self.gram[rows])
        self.num_neighbours = min(num_neighbours, size - 1)

    def neighbours(self, columns: Int64Array) -> Int64Array:
        """The columns with the largest cosine, in ascending order: int64 [num, num_neighbours].

        Not the column itself.
        """
        root = np.sqrt(np.maximum(np.einsum("ii->i", self.gram), 1e-9))
        cosine = self.gram[columns] / root
        cosine[np.arange(len(columns)), columns] = -np.inf
        count = self.num_neighbours
        nearest = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        return np.sort(nearest, axis=1)

    def batches(
        self,
    ) -> Iterator[tuple[Int64Array, Int64Array, Float32Array, Float32Array]]:
        """Some columns at a time.

        Yields
        ------
        columns : int64 [num]
        near : int64 [num, num_neighbours]
        gram : float32 [num, num_neighbours, num_neighbours]
            XᵀX of the near ones.
        toward : float32 [num, num_neighbours]
            XᵀX of the near ones and the column.
        """
        size, count = len(self.gram), self.num_neighbours
        if not count:
            return
        step = max(1, _BATCH_NUMBERS // count**2)
        for start in range(0, size, step):
            columns = np.arange(start, min(start + step, size))
            near = self.neighbours(columns)
            gram = self.gram[near[:, :, None], near[:, None, :]]
            yield columns, near, gram, self.gram[columns[:, None], near]
