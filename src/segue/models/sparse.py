"""Sparse–dense products with a stored transpose.

The gradient of ``A @ X`` is ``Aᵀ @ G``. PyTorch transposes A again in every backward pass, which
costs several times the product itself; here both directions are built once as int32 CSR.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from segue.data.playlists import Int32Array, Int64Array


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A sparse matrix [num_rows, num_cols] with a fixed structure, stored in both directions.

    Attributes
    ----------
    shape : (num_rows, num_cols)
    offsets : int32 [num_rows + 1], column : int32 [nnz], value : float [nnz]
        The matrix in CSR form.
    transposed_offsets, transposed_column, transposed_value
        The transpose in CSR form.
    transposed_place : int32 [nnz]
        Position in the transposed form of each entry of the CSR form.
    place : int32 [nnz]
        Position in the CSR form of each entry of the transposed form.
    """

    shape: tuple[int, int]
    offsets: Tensor
    column: Tensor
    value: Tensor
    transposed_offsets: Tensor
    transposed_column: Tensor
    transposed_value: Tensor
    transposed_place: Tensor
    place: Tensor

    @classmethod
    def from_csr(
        cls,
        offsets: Int64Array,
        column: Int32Array,
        value: np.ndarray[Any, Any],
        num_cols: int,
        device: torch.device | str = "cpu",
    ) -> SparseMatrix:
        """Build both directions from CSR arrays.

        Raises
        ------
        ValueError
            If there are more entries than int32 can count.
        """
        num_rows, nnz = len(offsets) - 1, len(column)
        if nnz > np.iinfo(np.int32).max:
            raise ValueError(f"{nnz} entries are more than int32 offsets can count")
        # A stable sort by column is the transpose: rows stay ascending within each column.
        order = np.argsort(column, kind="stable").astype(np.int32)
        place = np.empty(nnz, dtype=np.int32)
        place[order] = np.arange(nnz, dtype=np.int32)
        row = np.repeat(np.arange(num_rows, dtype=np.int32), np.diff(offsets))
        transposed_offsets = np.zeros(num_cols + 1, dtype=np.int32)
        np.cumsum(np.bincount(column, minlength=num_cols), out=transposed_offsets[1:])

        def own(array: np.ndarray[Any, Any]) -> Tensor:
            return torch.from_numpy(array).to(device)

        return cls(
            (num_rows, num_cols),
            own(offsets.astype(np.int32)),
            # Copies: memory-mapped files are read-only, and torch wants writable memory.
            torch.tensor(column, device=device),
            torch.tensor(value, device=device),
            own(transposed_offsets),
            own(row[order]),
            own(value[order]),
            own(place),
            own(order),
        )

    def without(self, entries: Tensor) -> SparseMatrix:
        """The same structure with some entries set to zero.

        Parameters
        ----------
        entries : int64 [num_hidden]
            Positions in CSR order.
        """
        value, transposed_value = self.value.clone(), self.transposed_value.clone()
        value[entries] = 0
        transposed_value[self.transposed_place[entries]] = 0
        return replace(self, value=value, transposed_value=transposed_value)

    def of_entries(self, entry: Tensor, count: Tensor) -> SparseMatrix:
        """The matrix of some entries alone: its structure is new, but nothing is sorted.

        Parameters
        ----------
        entry : int64 [num_kept]
            Positions in CSR order, each once, grouped by row, rows ascending.
        count : int64 [num_rows]
            Number of entries per row.
        """
        device = entry.device
        old_place = self.transposed_place[entry]
        kept = torch.zeros(len(self.column), dtype=torch.bool, device=device)
        kept[old_place] = True
        # The number kept before each position of the transposed form is the new position.
        before = torch.zeros(len(kept) + 1, dtype=torch.int32, device=device)
        torch.cumsum(kept, 0, dtype=torch.int32, out=before[1:])
        new_place = before.index_select(0, old_place)
        place = torch.empty_like(new_place)
        place[new_place] = torch.arange(len(place), dtype=torch.int32, device=device)
        offsets = torch.zeros(len(count) + 1, dtype=torch.int32, device=device)
        torch.cumsum(count, 0, dtype=torch.int32, out=offsets[1:])
        value = self.value[entry]
        return SparseMatrix(
            self.shape,
            offsets,
            self.column[entry],
            value,
            before.index_select(0, self.transposed_offsets),
            self.transposed_column[kept],
            value[place],
            new_place,
            place,
        )

    def of_rows(
        self, rows: Tensor, *, keep_empty: bool = False, without: Tensor | None = None
    ) -> SparseMatrix:
        """The matrix of some rows, [num_kept, num_cols]; its structure is new, nothing is sorted.

        Parameters
        ----------
        rows : bool [num_rows]
        keep_empty
            Keep the shape: the other rows are empty.
        without : int64 [num_hidden] or None
            Positions in CSR order of entries of this matrix that are set to zero, in any rows.
        """
        length = self.offsets.diff().long()
        entry = torch.repeat_interleave(rows, length).nonzero()[:, 0]
        some = self.of_entries(entry, torch.where(rows, length, 0))
        if without is not None:
            row = torch.searchsorted(self.offsets, without.int(), right=True) - 1
            without, row = without[rows[row]], row[rows[row]]
            some = some.without(without - self.offsets[row] + some.offsets[row])
        if keep_empty:
            return some
        number = rows.cumsum(0, dtype=torch.int32) - 1
        return replace(
            some,
            shape=(int(rows.sum()), self.shape[1]),
            offsets=torch.cat([some.offsets[:-1][rows], some.offsets[-1:]]),
            transposed_column=number.index_select(0, some.transposed_column),
        )

    def times(self, factor: float) -> SparseMatrix:
        """The same structure with all values multiplied."""
        return replace(
            self, value=factor * self.value, transposed_value=factor * self.transposed_value
        )

    def transpose(self) -> SparseMatrix:
        """The transpose [num_cols, num_rows], sharing this matrix's arrays."""
        return SparseMatrix(
            (self.shape[1], self.shape[0]),
            self.transposed_offsets,
            self.transposed_column,
            self.transposed_value,
            self.offsets,
            self.column,
            self.value,
            self.place,
            self.transposed_place,
        )

    def row(self) -> Tensor:
        """The row of each entry in CSR order: int64 [nnz]."""
        return torch.repeat_interleave(self.offsets.diff())

    def with_value(self, value: Tensor) -> SparseMatrix:
        """The same structure with other values.

        Parameters
        ----------
        value : float [nnz]
            In CSR order.
        """
        return replace(self, value=value, transposed_value=value[self.place])

    def row_means(self) -> SparseMatrix:
        """The matrix whose product is the mean over each row's nonzero entries.

        A row without such entries gives 0.
        """
        visible, transposed = self.value != 0, self.transposed_value != 0
        ones = self.value.new_ones((self.shape[1], 1))
        count = weighted_sums(self.offsets, self.column, visible.to(ones.dtype), ones)[:, 0]
        share = 1 / count.clamp(min=1)
        return replace(
            self,
            value=visible * torch.repeat_interleave(share, self.offsets.diff()),
            transposed_value=transposed * share.index_select(0, self.transposed_column),
        )

    def __matmul__(self, dense: Tensor) -> Tensor:
        """Product with a dense matrix [num_cols, dim] → [num_rows, dim], differentiable in it."""
        product: Tensor = _Product.apply(self, dense)  # type: ignore[no-untyped-call]
        return product

    def transposed_matmul(self, dense: Tensor) -> Tensor:
        """Product of the transpose with [num_rows, dim] → [num_cols, dim], differentiable."""
        product: Tensor = _TransposedProduct.apply(self, dense)  # type: ignore[no-untyped-call]
        return product


def weighted_sums(offsets: Tensor, column: Tensor, value: Tensor, dense: Tensor) -> Tensor:
    """The product of a CSR matrix with a dense one, differentiable only in `value`."""
    # A row-wise CSR product is a sum of bags in `embedding_bag`. Its vectorised kernel takes half
    # the time of MKL's and of torch's own CSR products (benchmarks/sparse_product.py), and it adds
    # in a fixed order whatever the number of threads.
    return torch.embedding_bag(
        dense.detach(),
        column,
        offsets,
        mode=0,
        per_sample_weights=value,
        include_last_offset=True,
    )[0]


def _forward(matrix: SparseMatrix, dense: Tensor) -> Tensor:
    return weighted_sums(matrix.offsets, matrix.column, matrix.value, dense)


def _transposed(matrix: SparseMatrix, dense: Tensor) -> Tensor:
    return weighted_sums(
        matrix.transposed_offsets, matrix.transposed_column, matrix.transposed_value, dense
    )


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: SparseMatrix, dense: Tensor) -> Tensor:
        ctx.matrix = matrix
        return _forward(matrix, dense)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        return None, _transposed(ctx.matrix, grad.contiguous())


class _TransposedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: SparseMatrix, dense: Tensor) -> Tensor:
        ctx.matrix = matrix
        return _transposed(matrix, dense)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        return None, _forward(ctx.matrix, grad.contiguous())
