"""Scores of chosen pairs equal those of all pairs, their gradients those of plain torch."""

import numpy as np
import pytest
import torch

from segue.training import pairs
from segue.training.pairs import pair_scores, pool_scores


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.fixture
def chosen() -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs in no order, some of them twice; query 2 and tracks 0 and 6 are in none."""
    at = torch.tensor([4, 0, 1, 4, 4, 0, 3, 1, 0])
    return at, torch.tensor([5, 1, 1, 5, 2, 4, 3, 2, 1])


# Three pairs at a time, and all at once.
@pytest.mark.parametrize("gathered_bytes", [3 * 6 * 8, 1 << 20])
def test_value_and_gradients(
    monkeypatch: pytest.MonkeyPatch,
    chosen: tuple[torch.Tensor, torch.Tensor],
    gathered_bytes: int,
) -> None:
    monkeypatch.setattr(pairs, "GATHERED_BYTES", gathered_bytes)
    at, column = chosen
    query, track = (drawn(n, 6, seed=n).requires_grad_() for n in (5, 7))
    weight = drawn(len(at), seed=1)
    found, expected = pair_scores(query, track, at, column), (query @ track.T)[at, column]
    torch.testing.assert_close(found, expected)
    gradients = [
        torch.autograd.grad((scores * weight).sum(), (query, track)) for scores in (found, expected)
    ]
    torch.testing.assert_close(*gradients)
    assert not gradients[0][0][2].any()
    assert not gradients[0][1][[0, 6]].any()


def test_no_pairs() -> None:
    query, track = (drawn(n, 6, seed=n).requires_grad_() for n in (5, 7))
    none = torch.empty(0, dtype=torch.int64)
    scores = pair_scores(query, track, none, none)
    assert scores.shape == (0,)
    assert not any(grad.any() for grad in torch.autograd.grad(scores.sum(), (query, track)))


# Gathered one by one; from products, all at once and a query at a time.
@pytest.mark.parametrize(
    ("gathering_costs", "scored_bytes"), [(0, 1 << 20), (30, 1 << 20), (30, 1)]
)
def test_scores_of_a_pool(
    monkeypatch: pytest.MonkeyPatch, gathering_costs: int, scored_bytes: int
) -> None:
    monkeypatch.setattr(pairs, "GATHERING_COSTS", gathering_costs)
    monkeypatch.setattr(pairs, "SCORED_BYTES", scored_bytes)
    query, track, at = drawn(5, 6, seed=5), drawn(7, 6, seed=7), torch.tensor([3, 3, 0, 4])
    pool = torch.from_numpy(np.random.default_rng(0).integers(7, size=(4, 9)))
    expected = (query @ track.T)[at[:, None], pool]
    torch.testing.assert_close(pool_scores(query, track, at, pool), expected)
