"""The losses: softmax over the catalogue or some of it, Bayesian personalised ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from segue.data.playlists import TrackLists
from segue.graph.negatives import Sample
from segue.training.pairs import pair_scores
from segue.training.pool import Pool

# Playlists scored at a time: the scores of a block fit the processor's cache, and memory is bounded
# by block × num_tracks however large the batch is. On a GPU each block costs the same few dozen
# launches whatever its size, so only memory bounds it.
BLOCK_BYTES, GPU_BLOCK_BYTES = 8 << 20, 512 << 20
# A block never holds fewer, however large the catalogue: each reads and writes the vectors of all
# tracks, and one playlist at a time takes four times as long (1,000,000 tracks of 64 numbers).
LEAST_ROWS = 16
# A larger block holds a multiple of this many: whole vector registers and lines of the cache.
_ALIGNED_ROWS = 32


def catalogue_softmax(
    query: Tensor,
    track: Tensor,
    visible: TrackLists,
    hidden: TrackLists,
    *,
    temperature: float,
    playlist_weight: Tensor,
) -> Tensor:
    """Weighted mean over a batch of each playlist's negative log-likelihood of its hidden tracks.

        loss = Σ_p w_p · (−1/|H_p|) Σ_{t ∈ H_p} log( exp(q_p·v_t/τ) / Σ_{u ∉ V_p} exp(q_p·v_u/τ) )

    divided by Σ_p w_p: the multinomial likelihood (D. Liang et al.: "Variational Autoencoders for
    Collaborative Filtering", WWW 2018, equation 2) over every track that the playlist does not
    show. Computed block by block together with its gradient, so that only one block of scores is in
    memory.

    Parameters
    ----------
    query : float [batch_size, dim]
        Unit vectors.
    track : float [num_tracks, dim]
        Unit vectors.
    visible, hidden : TrackLists, one list per row of `query`
        V_p and H_p: no track in both, no H_p empty.
    temperature
        τ, at least 0.025: exp((q·v − 1)/τ) is then above the smallest float32.
    playlist_weight : float [batch_size]
        w_p.

    Returns
    -------
    float, scalar
    """
    loss: Tensor = _CatalogueSoftmax.apply(  # type: ignore[no-untyped-call]
        query, track, visible, hidden, temperature, playlist_weight / playlist_weight.sum()
    )
    return loss


def sampled_softmax(
    query: Tensor,
    track: Tensor,
    hidden: TrackLists,
    negatives: Sample,
    *,
    temperature: float,
    playlist_weight: Tensor,
) -> Tensor:
    """`catalogue_softmax` with the sum over tracks not in the playlist estimated from a sample.

        Σ_{u ∉ V_p} exp(q_p·v_u/τ)  ≈  Σ_{t ∈ H_p} exp(q_p·v_t/τ) + Σ_{j=1}^{M} exp(s_pj)
        s_pj = q_p·v_j/τ − log(M · q_p(j))

    where negative j is drawn with probability q_p(j): the log-q correction (Y. Bengio, J. Senécal:
    "Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic Language Model",
    IEEE Transactions on Neural Networks 19(4), 2008; X. Yi et al.: "Sampling-Bias-Corrected Neural
    Modeling for Large Corpus Item Recommendations", RecSys 2019, equation 3). The estimate of the
    sum is unbiased; that of its logarithm has a bias that decreases with M.

    Parameters
    ----------
    query, track, hidden, temperature, playlist_weight
        As for `catalogue_softmax`.
    negatives : Sample [batch_size, M]
        None of them in H_p or V_p; their weights are 1/(M·q).

    Returns
    -------
    float, scalar
    """
    device = query.device
    row, column = _pairs(hidden, device)
    every = torch.arange(len(query), device=device).repeat_interleave(negatives.track.shape[1])
    drawn = _tensor(negatives.track, device).reshape(-1)
    # As in the full softmax, 1/τ serves as the maximum to subtract.
    positive = (pair_scores(query, track, row, column) - 1) / temperature
    negative = (pair_scores(query, track, every, drawn) - 1) / temperature
    stands_for = torch.from_numpy(negatives.weight).to(query)
    total = (stands_for * negative.exp().view(stands_for.shape)).sum(dim=1)
    total = total.index_add(0, row, positive.exp())
    weight = playlist_weight / playlist_weight.sum()
    return (weight * total.log()).sum() - (_per_hidden(row, weight) * positive).sum()


def pooled_softmax(
    query: Tensor,
    track: Tensor,
    visible: TrackLists,
    hidden: TrackLists,
    pool: Pool,
    *,
    temperature: float,
    playlist_weight: Tensor,
) -> Tensor:
    """`catalogue_softmax` with the sum over tracks estimated from a pool that playlists share.

        Σ_{u ∉ V_p} exp(q_p·v_u/τ)  ≈  Σ_{t ∈ H_p} exp(q_p·v_t/τ) + Σ_{u ∈ P, ∉ V_p ∪ H_p} exp(s_pu)
        s_pu = q_p·v_u/τ − log π_u

    where track u is in the pool P with probability π_u: the log-q correction of `sampled_softmax`,
    for a sample without repeats (D. G. Horvitz, D. J. Thompson: "A Generalization of Sampling
    Without Replacement From a Finite Universe", JASA 47, 1952). As all playlists are compared with
    the same tracks, the scores are one matrix product. The estimate of the sum is unbiased; that of
    its logarithm has a bias that decreases with the size of the pool.

    Parameters
    ----------
    query, track, visible, hidden, temperature, playlist_weight
        As for `catalogue_softmax`.
    pool
        Drawn without regard to the playlists.

    Returns
    -------
    float, scalar
    """
    device = query.device
    row, column = _pairs(hidden, device)
    weight = playlist_weight / playlist_weight.sum()
    positive = (pair_scores(query, track, row, column) - 1) / temperature
    total: Tensor = _PooledSoftmax.apply(  # type: ignore[no-untyped-call]
        query,
        track.index_select(0, torch.from_numpy(pool.track).to(device)),
        positive,
        row,
        _places(visible.joined(hidden), pool),
        torch.from_numpy(pool.weight).to(query).log(),
        temperature,
        weight,
    )
    return total - (_per_hidden(row, weight) * positive).sum()


def hidden_ranking(
    query: Tensor,
    track: Tensor,
    hidden: TrackLists,
    negative: NDArray[np.int32],
    *,
    temperature: float,
    playlist_weight: Tensor,
) -> Tensor:
    """Weighted mean over a batch of each playlist's mean −log σ((q·t⁺ − q·t⁻)/τ).

    Bayesian personalised ranking (see `bayesian_personalised_ranking`) of hidden tracks.

    Parameters
    ----------
    query, track, hidden, temperature, playlist_weight
        As for `catalogue_softmax`.
    negative : int32 [num_hidden]
        One for each hidden track.

    Returns
    -------
    float, scalar
    """
    row, column = _pairs(hidden, query.device)
    weight = _per_hidden(row, playlist_weight / playlist_weight.sum())
    positive_score, negative_score = (
        pair_scores(query, track, row, tracks) / temperature
        for tracks in (column, _tensor(negative, query.device))
    )
    return (weight * nn.functional.softplus(negative_score - positive_score)).sum()


def bayesian_personalised_ranking(
    query: Tensor, track: Tensor, at: Tensor, positive: Tensor, negative: Tensor
) -> Tensor:
    """Mean over triples of −log σ(q·t⁺ − q·t⁻).

    S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme: "BPR: Bayesian Personalized Ranking
    from Implicit Feedback", UAI 2009, section 4.1, without its prior.

    Parameters
    ----------
    query : float [num_playlists, dim]
    track : float [num_tracks, dim]
    at, positive, negative : int64 [num_triples]
        Rows of `query`, `track` and `track`.

    Returns
    -------
    float, scalar
    """
    difference = pair_scores(query, track, at, negative) - pair_scores(query, track, at, positive)
    return nn.functional.softplus(difference).mean()


def mean_squares(*vectors: Tensor) -> Tensor:
    """Mean over triples of the squared lengths of their vectors, each float [num_triples, dim]."""
    return torch.stack([each.square().sum() for each in vectors]).sum() / len(vectors[0])


class _CatalogueSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        track: Tensor,
        visible: TrackLists,
        hidden: TrackLists,
        temperature: float,
        weight: Tensor,
    ) -> Tensor:
        batch_size, num_tracks = len(query), len(track)
        query_grad, track_grad = torch.empty_like(query), torch.zeros_like(track)
        loss = query.new_zeros(())
        block = _block_rows(query, num_tracks)
        for start in range(0, batch_size, block):
            rows = slice(start, min(start + block, batch_size))
            visible_row, visible_track = _pairs(visible.rows(rows), query.device)
            hidden_row, hidden_track = _pairs(hidden.rows(rows), query.device)
            w = weight[rows]
            per_hidden = _per_hidden(hidden_row, w)
            # Unit vectors: no score is above 1, which serves as the maximum to subtract. Tracks by
            # playlists: the other way round, the first product takes half as long again.
            p = torch.addmm(
                query.new_full((1,), -1 / temperature), track, query[rows].T, alpha=1 / temperature
            )
            loss -= (per_hidden * p[hidden_track, hidden_row]).sum()
            p.exp_()
            p[visible_track, visible_row] = 0
            total = p.sum(dim=0)
            loss += (w * total.log()).sum()
            # From here p is the gradient with respect to the scores: softmax minus the target.
            p *= w / total
            p[hidden_track, hidden_row] -= per_hidden
            torch.mm(p.T, track, out=query_grad[rows])
            track_grad.addmm_(p, query[rows], alpha=1 / temperature)
        ctx.save_for_backward(query_grad.mul_(1 / temperature), track_grad)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query_grad, track_grad = ctx.saved_tensors
        return grad * query_grad, grad * track_grad, None, None, None, None


class _PooledSoftmax(torch.autograd.Function):
    """Σ_p w_p log(Σ_{t ∈ H_p} exp(positive_t) + Σ_{u ∈ P} exp(s_pu)), as in `pooled_softmax`."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        pooled: Tensor,
        positive: Tensor,
        row: Tensor,
        held: TrackLists,
        log_weight: Tensor,
        temperature: float,
        weight: Tensor,
    ) -> Tensor:
        positive_grad = positive.exp()
        of_hidden = torch.zeros_like(weight).index_add_(0, row, positive_grad)
        query_grad, pooled_grad = torch.empty_like(query), torch.zeros_like(pooled)
        share = torch.empty_like(weight)
        loss = query.new_zeros(())
        block = _block_rows(query, len(pooled))
        for start in range(0, len(query), block):
            rows = slice(start, min(start + block, len(query)))
            p = torch.addmm(
                (log_weight - 1 / temperature)[:, None],
                pooled,
                query[rows].T,
                alpha=1 / temperature,
            )
            p.exp_()
            held_row, held_track = _pairs(held.rows(rows), query.device)
            p[held_track, held_row] = 0
            total = p.sum(dim=0) + of_hidden[rows]
            loss += (weight[rows] * total.log()).sum()
            share[rows] = weight[rows] / total
            p *= share[rows]
            torch.mm(p.T, pooled, out=query_grad[rows])
            pooled_grad.addmm_(p, query[rows], alpha=1 / temperature)
        positive_grad *= share[row]
        ctx.save_for_backward(query_grad.mul_(1 / temperature), pooled_grad, positive_grad)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (*(grad * each for each in ctx.saved_tensors), None, None, None, None, None)


def _block_rows(query: Tensor, num_tracks: int) -> int:
    """How many playlists are scored at a time."""
    block_bytes = BLOCK_BYTES if query.device.type == "cpu" else GPU_BLOCK_BYTES
    rows = block_bytes // (num_tracks * query.element_size())
    if rows > _ALIGNED_ROWS:
        rows -= rows % _ALIGNED_ROWS
    return max(LEAST_ROWS, rows)


def _places(lists: TrackLists, pool: Pool) -> TrackLists:
    """Those tracks of some lists that are in a pool, by their place in it."""
    place = np.searchsorted(pool.track, lists.track_index)
    place[place == len(pool.track)] = 0
    inside = pool.track[place] == lists.track_index
    return TrackLists(lists.keep(inside).offsets, place[inside].astype(np.int32))


def _pairs(lists: TrackLists, device: torch.device) -> tuple[Tensor, Tensor]:
    """Row and column of each pair: int64 [num_pairs] each."""
    return torch.from_numpy(lists.list_index()).to(device), _tensor(lists.track_index, device)


def _tensor(track: NDArray[np.int32], device: torch.device) -> Tensor:
    """Track indices as a torch tensor: int64."""
    return torch.from_numpy(track.astype(np.int64)).to(device)


def _per_hidden(row: Tensor, weight: Tensor) -> Tensor:
    """Each hidden track's share of its playlist's weight: float [num_hidden]."""
    return (weight / torch.bincount(row, minlength=len(weight)))[row]
