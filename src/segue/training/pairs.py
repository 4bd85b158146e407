"""Scores of chosen (query, track) pairs, where scoring all pairs would be too much."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from segue.models.sparse import weighted_sums

# What a block gathers fits the processor's L2 cache.
GATHERED_BYTES = 1 << 20
# Scores of all tracks are in memory for one block of queries only.
SCORED_BYTES = 8 << 20
# Scoring one gathered track takes as long as scoring this many by a matrix product.
GATHERING_COSTS = 30


def pair_scores(query: Tensor, track: Tensor, at: Tensor, column: Tensor) -> Tensor:
    """The dot products of given pairs, differentiable in both vectors.

    The gradients are two sparse products, which take a fraction of the time of the scattered
    additions that indexing would cause.

    Parameters
    ----------
    query : float [num_queries, dim]
    track : float [num_tracks, dim]
    at : int64 [num_pairs]
        Row of `query`, in any order.
    column : int64 [num_pairs]
        Row of `track`.

    Returns
    -------
    float [num_pairs]
    """
    scores: Tensor = _PairScores.apply(query, track, at, column)  # type: ignore[no-untyped-call]
    return scores


class _PairScores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, track: Tensor, at: Tensor, column: Tensor) -> Tensor:
        ctx.save_for_backward(query, track, at, column)
        scores = query.new_empty(len(at))
        block = max(1, GATHERED_BYTES // (query.shape[1] * query.element_size()))
        for start in range(0, len(at), block):
            part = slice(start, start + block)
            torch.sum(query[at[part]] * track[column[part]], dim=1, out=scores[part])
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        query, track, at, column = ctx.saved_tensors
        return (
            _sums_by(at, column, grad, track, len(query)),
            _sums_by(column, at, grad, query, len(track)),
            None,
            None,
        )


def _sums_by(into: Tensor, source: Tensor, value: Tensor, dense: Tensor, num: int) -> Tensor:
    """Row i: the sum of ``value · dense[source]`` where `into` is i. float [num, dim]."""
    order = torch.argsort(into, stable=True)
    offsets = into.new_zeros(num + 1)
    torch.cumsum(torch.bincount(into, minlength=num), dim=0, out=offsets[1:])
    return weighted_sums(offsets, source[order], value[order], dense)


@torch.no_grad()
def pool_scores(query: Tensor, track: Tensor, at: Tensor, pool: Tensor) -> Tensor:
    """Scores of equally many tracks for each of some queries, without a gradient.

    Parameters
    ----------
    query : float [num_queries, dim]
    track : float [num_tracks, dim]
    at : int64 [num]
        Row of `query`.
    pool : int64 [num, size]
        Rows of `track`.

    Returns
    -------
    float [num, size]
    """
    size = pool.shape[1]
    if size * GATHERING_COSTS < len(track):
        flat = pair_scores(query, track, at.repeat_interleave(size), pool.reshape(-1))
        return flat.view(len(at), size)
    scores = query.new_empty(pool.shape)
    block = max(1, SCORED_BYTES // (len(track) * query.element_size()))
    for start in range(0, len(at), block):
        part = slice(start, start + block)
        torch.gather(query[at[part]] @ track.T, 1, pool[part], out=scores[part])
    return scores
