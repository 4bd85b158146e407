"""The losses: softmax over the whole catalogue, and Bayesian personalised ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from segue.data.playlists import TrackLists

# Playlists scored at once: the scores of a block stay near the processor's cache, and memory is
# bounded by block × num_tracks however large the batch is.
BLOCK_BYTES = 8 << 20


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
    show. Computed block by block with its gradient in the same pass, so that scores are held for
    one block only.

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


def bayesian_personalised_ranking(query: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean over triples of −log σ(q·t⁺ − q·t⁻).

    S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme: "BPR: Bayesian Personalized Ranking
    from Implicit Feedback", UAI 2009, section 4.1, without its prior.

    Parameters
    ----------
    query, positive, negative : float [num_triples, dim]

    Returns
    -------
    float, scalar
    """
    return nn.functional.softplus((query * (negative - positive)).sum(dim=1)).mean()


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
        block = max(1, BLOCK_BYTES // (num_tracks * query.element_size()))
        for start in range(0, batch_size, block):
            rows = slice(start, min(start + block, batch_size))
            visible_row, visible_track = _pairs(visible.rows(rows), query.device)
            hidden_row, hidden_track = _pairs(hidden.rows(rows), query.device)
            w = weight[rows]
            per_hidden = (w / torch.bincount(hidden_row, minlength=len(w)))[hidden_row]
            # Unit vectors: no score is above 1, which serves as the maximum to subtract.
            p = torch.addmm(
                query.new_full((1,), -1 / temperature), query[rows], track.T, alpha=1 / temperature
            )
            loss -= (per_hidden * p[hidden_row, hidden_track]).sum()
            p.exp_()
            p[visible_row, visible_track] = 0
            total = p.sum(dim=1)
            loss += (w * total.log()).sum()
            # From here p is the gradient by the scores: softmax less what should have been.
            p *= (w / total)[:, None]
            p[hidden_row, hidden_track] -= per_hidden
            torch.mm(p, track, out=query_grad[rows])
            track_grad.addmm_(p.T, query[rows], alpha=1 / temperature)
        ctx.save_for_backward(query_grad.mul_(1 / temperature), track_grad)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query_grad, track_grad = ctx.saved_tensors
        return grad * query_grad, grad * track_grad, None, None, None, None


def _pairs(lists: TrackLists, device: torch.device) -> tuple[Tensor, Tensor]:
    """Row and column of each pair: int64 [num_pairs] each."""
    return (
        torch.from_numpy(lists.list_index()).to(device),
        torch.from_numpy(lists.track_index.astype(np.int64)).to(device),
    )
