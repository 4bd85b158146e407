"""Attention over the entries of a `SparseMatrix`: scores, a softmax in each row, weighted sums.

Everything is one number per entry and head; vectors are never expanded per entry, except in
`additive_scores`, which does so one block at a time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from segue.models.sparse import SparseMatrix, weighted_sums

# Entries whose vectors are in memory at a time.
BLOCK_ENTRIES = 1 << 15


def row_softmax(matrix: SparseMatrix, scores: Tensor) -> Tensor:
    """Softmax within each row over the nonzero entries; the others get no weight.

    Parameters
    ----------
    matrix : SparseMatrix
    scores : float [nnz, heads]
        In CSR order.

    Returns
    -------
    float [nnz, heads]
    """
    weights: Tensor = _RowSoftmax.apply(matrix, scores)  # type: ignore[no-untyped-call]
    return weights


def attention_sums(matrix: SparseMatrix, weights: Tensor, dense: Tensor) -> Tensor:
    """Σ_j weights_ij · dense_j for each row i, differentiable in both.

    Parameters
    ----------
    matrix : SparseMatrix [num_rows, num_cols]
        Its structure; its values are not used.
    weights : float [nnz]
        In CSR order.
    dense : float [num_cols, dim]

    Returns
    -------
    float [num_rows, dim]
    """
    sums: Tensor = _AttentionSums.apply(matrix, weights, dense)  # type: ignore[no-untyped-call]
    return sums


def pair_sums(matrix: SparseMatrix, of_row: Tensor, of_column: Tensor) -> Tensor:
    """of_row_i + of_column_j for each entry (i, j).

    Parameters
    ----------
    matrix : SparseMatrix [num_rows, num_cols]
        Its structure.
    of_row : float [num_rows, heads], of_column : float [num_cols, heads]

    Returns
    -------
    float [nnz, heads]
    """
    sums: Tensor = _PairSums.apply(matrix, of_row, of_column)  # type: ignore[no-untyped-call]
    return sums


def additive_scores(
    matrix: SparseMatrix, target: Tensor, source: Tensor, attention: Tensor, slope: float
) -> Tensor:
    """a · LeakyReLU(target_i + source_j) for each entry (i, j) and head.

    Parameters
    ----------
    matrix : SparseMatrix [num_rows, num_cols]
        Its structure.
    target : float [num_rows, heads · dim], source : float [num_cols, heads · dim]
    attention : float [heads, dim]
        The vector a of each head.
    slope
        Of LeakyReLU below 0.

    Returns
    -------
    float [nnz, heads]
    """
    scores: Tensor = _AdditiveScores.apply(  # type: ignore[no-untyped-call]
        matrix, target, source, attention, slope
    )
    return scores


class _RowSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: SparseMatrix, scores: Tensor) -> Tensor:
        row, offsets = matrix.row(), matrix.offsets.long()
        scores = scores.masked_fill((matrix.value == 0)[:, None], -torch.inf)
        lowest = torch.finfo(scores.dtype).min  # for empty rows: finite, so that the result is 0
        highest = torch.segment_reduce(scores, "max", offsets=offsets, initial=lowest)
        weights = (scores - highest.index_select(0, row)).exp_()
        total = _segment_sums(weights, offsets)
        # In nonempty rows the highest entry alone contributes 1.
        weights /= total.clamp_(min=1).index_select(0, row)
        ctx.row, ctx.offsets = row, offsets
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (weights,) = ctx.saved_tensors
        weighted = weights * grad
        total = _segment_sums(weighted, ctx.offsets)
        return None, weighted - weights * total.index_select(0, ctx.row)


class _AttentionSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: SparseMatrix, weights: Tensor, dense: Tensor) -> Tensor:
        ctx.matrix = matrix
        ctx.save_for_backward(weights, dense)
        return weighted_sums(matrix.offsets, matrix.column, weights, dense)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
        matrix, (weights, dense) = ctx.matrix, ctx.saved_tensors
        grad = grad.contiguous()
        transposed = matrix.with_value(weights.detach())
        dense_grad = transposed.transposed_matmul(grad)
        # grad_i · dense_j of each entry: torch's own gradient for the weights of a bag, which
        # copies no vectors.
        with torch.enable_grad():
            entry = weights.detach().requires_grad_()
            sums = weighted_sums(matrix.offsets, matrix.column, entry, dense)
        (weights_grad,) = torch.autograd.grad(sums, entry, grad)
        return None, weights_grad, dense_grad


class _PairSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: SparseMatrix, of_row: Tensor, of_column: Tensor) -> Tensor:
        ctx.matrix = matrix
        sums = torch.repeat_interleave(of_row, matrix.offsets.diff(), dim=0)
        return sums.add_(of_column.index_select(0, matrix.column))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
        # Sums of adjacent entries in either form: no scattered writes.
        matrix, grad = ctx.matrix, grad.contiguous()
        return (
            None,
            _segment_sums(grad, matrix.offsets),
            _segment_sums(grad.index_select(0, matrix.place), matrix.transposed_offsets),
        )


def _segment_sums(values: Tensor, offsets: Tensor) -> Tensor:
    sums: Tensor = torch.segment_reduce(values, "sum", offsets=offsets.long(), initial=0)
    return sums


class _AdditiveScores(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        matrix: SparseMatrix,
        target: Tensor,
        source: Tensor,
        attention: Tensor,
        slope: float,
    ) -> Tensor:
        row, column = matrix.row(), matrix.column
        ctx.row, ctx.column, ctx.slope = row, column, slope
        ctx.save_for_backward(target, source, attention)
        scores = target.new_empty((len(column), len(attention)))
        for start in range(0, len(column), BLOCK_ENTRIES):
            block = slice(start, start + BLOCK_ENTRIES)
            z = target.index_select(0, row[block]) + source.index_select(0, column[block])
            z = nn.functional.leaky_relu(z, slope).view(-1, *attention.shape)
            scores[block] = (z * attention).sum(dim=-1)
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor, Tensor, None]:
        target, source, attention = ctx.saved_tensors
        target_grad, source_grad = torch.zeros_like(target), torch.zeros_like(source)
        attention_grad = torch.zeros_like(attention)
        for start in range(0, len(ctx.column), BLOCK_ENTRIES):
            block = slice(start, start + BLOCK_ENTRIES)
            row, column = ctx.row[block], ctx.column[block]
            z = target.index_select(0, row) + source.index_select(0, column)
            above = z > 0
            z = torch.where(above, z, ctx.slope * z).view(-1, *attention.shape)
            part = grad[block][:, :, None]
            attention_grad += (part * z).sum(dim=0)
            z_grad = (part * attention).reshape(len(row), -1)
            z_grad = torch.where(above, z_grad, ctx.slope * z_grad)
            target_grad.index_add_(0, row, z_grad)
            source_grad.index_add_(0, column, z_grad)
        return None, target_grad, source_grad, attention_grad, None
