"""The losses against their formulas in plain torch."""

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.data.playlists import TrackLists
from segue.graph.negatives import RandomSampler, Sample
from segue.training import losses
from segue.training.losses import (
    bayesian_personalised_ranking,
    catalogue_softmax,
    hidden_ranking,
    pooled_softmax,
    sampled_softmax,
)
from segue.training.negatives import Scored
from segue.training.pool import Pool, PoolSampler

NUM_TRACKS, DIM = 12, 5
VISIBLE = TrackLists.from_lists([[3, 1], [0, 11, 5, 2], [7], [4, 9, 8], []])
HIDDEN = TrackLists.from_lists([[0], [9, 4], [11, 10, 3, 5, 0], [1, 2], [6]])
WEIGHT = torch.tensor([1.0, 2.0, 0.5, 3.0, 0.25])


def unit(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    values = torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))
    return torch.nn.functional.normalize(values).to(dtype).requires_grad_()


def plain(query: Tensor, track: Tensor, weight: Tensor, temperature: float) -> Tensor:
    """The formula of the docstring: visible tracks masked, then log_softmax."""
    scores = query @ track.T / temperature
    mask = torch.zeros(scores.shape, dtype=torch.bool)
    mask[VISIBLE.list_index(), VISIBLE.track_index.astype(int)] = True
    log_p = torch.log_softmax(scores.masked_fill(mask, -torch.inf), dim=1)
    per_playlist = torch.stack(
        [-log_p[row, HIDDEN[row].astype(int)].mean() for row in range(len(HIDDEN))]
    )
    return (weight * per_playlist).sum() / weight.sum()


def value_and_gradients(loss: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return (loss.detach(), *torch.autograd.grad(loss, inputs))


# One playlist at a time, two (which leaves a block of one), and all at once.
@pytest.mark.parametrize("block", [1, 2, 100])
@pytest.mark.parametrize("temperature", [0.025, 0.12, 1.0])
def test_value_and_gradients(
    monkeypatch: pytest.MonkeyPatch, block: int, temperature: float
) -> None:
    monkeypatch.setattr(losses, "BLOCK_BYTES", block * NUM_TRACKS * 8)
    monkeypatch.setattr(losses, "LEAST_ROWS", 1)
    query, track, weight = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1), WEIGHT.double()
    result = catalogue_softmax(
        query, track, VISIBLE, HIDDEN, temperature=temperature, playlist_weight=weight
    )
    expected = plain(query, track, weight, temperature)
    torch.testing.assert_close(
        value_and_gradients(result, query, track), value_and_gradients(expected, query, track)
    )


def test_blocks_of_a_large_catalogue_have_a_few_playlists(monkeypatch: pytest.MonkeyPatch) -> None:
    query, track = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1)
    options = {"temperature": 0.12, "playlist_weight": WEIGHT.double()}
    whole = catalogue_softmax(query, track, VISIBLE, HIDDEN, **options)
    sizes: list[int] = []
    rows = TrackLists.rows

    def watched(lists: TrackLists, which: slice) -> TrackLists:
        sizes.append(which.stop - which.start)
        return rows(lists, which)

    monkeypatch.setattr(TrackLists, "rows", watched)
    monkeypatch.setattr(losses, "BLOCK_BYTES", 1)
    monkeypatch.setattr(losses, "LEAST_ROWS", 2)
    blocks = catalogue_softmax(query, track, VISIBLE, HIDDEN, **options)
    torch.testing.assert_close(whole, blocks)
    assert sizes == [2, 2, 2, 2, 1, 1]  # visible and hidden tracks of each block


def test_gradcheck() -> None:
    def loss(query: Tensor, track: Tensor) -> Tensor:
        return catalogue_softmax(
            query, track, VISIBLE, HIDDEN, temperature=0.3, playlist_weight=WEIGHT.double()
        )

    assert torch.autograd.gradcheck(loss, (unit(5, DIM, seed=2), unit(NUM_TRACKS, DIM, seed=3)))


def test_the_gradient_is_scaled_by_what_comes_from_above() -> None:
    query, track = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1)
    options = {"temperature": 0.12, "playlist_weight": WEIGHT.double()}
    loss = catalogue_softmax(query, track, VISIBLE, HIDDEN, **options)
    once = torch.autograd.grad(loss, (query, track), retain_graph=True)
    thrice = torch.autograd.grad(3 * loss, (query, track))
    torch.testing.assert_close(thrice, tuple(3 * grad for grad in once))


def test_weights_are_relative() -> None:
    query, track = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1)

    def loss(weight: Tensor) -> float:
        return catalogue_softmax(
            query, track, VISIBLE, HIDDEN, temperature=0.12, playlist_weight=weight.double()
        ).item()

    assert loss(WEIGHT) == pytest.approx(loss(10 * WEIGHT))
    alone = [loss(torch.eye(5)[row]) for row in range(5)]
    weighted_mean = np.average(alone, weights=WEIGHT.numpy())
    assert loss(WEIGHT) == pytest.approx(weighted_mean)
    assert loss(torch.ones(5)) == pytest.approx(np.mean(alone))


def test_float32_is_near_float64() -> None:
    query, track = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1)
    single = [t.detach().float().requires_grad_() for t in (query, track)]
    result = catalogue_softmax(*single, VISIBLE, HIDDEN, temperature=0.12, playlist_weight=WEIGHT)
    assert result.dtype == torch.float32
    expected = plain(query, track, WEIGHT.double(), 0.12)
    for near, exact in zip(
        value_and_gradients(result, *single),
        value_and_gradients(expected, query, track),
        strict=True,
    ):
        torch.testing.assert_close(near.double(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_low_temperature_neither_overflows_nor_underflows(sign: int) -> None:
    """All cosines are +1, or all −1: exp(±1/τ) alone would leave float32 at −1 − 1 over 0.025."""
    direction = torch.nn.functional.normalize(torch.ones(1, DIM))
    query = (sign * direction).repeat(5, 1).requires_grad_()
    track = direction.repeat(NUM_TRACKS, 1).requires_grad_()
    loss = catalogue_softmax(
        query, track, VISIBLE, HIDDEN, temperature=0.025, playlist_weight=torch.ones(5)
    )
    # Every track that is not visible is as likely as the others.
    expected = np.log(NUM_TRACKS - VISIBLE.lengths).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    for grad in torch.autograd.grad(loss, (query, track)):
        assert torch.isfinite(grad).all()


def test_visible_tracks_have_no_part() -> None:
    """A visible track's vector changes nothing for the playlist that shows it."""
    query = unit(1, DIM, seed=0)
    visible, hidden = TrackLists.from_lists([[3, 1]]), TrackLists.from_lists([[0]])

    def loss(track: Tensor) -> Tensor:
        return catalogue_softmax(
            query, track, visible, hidden, temperature=0.12, playlist_weight=torch.ones(1).double()
        )

    track = unit(NUM_TRACKS, DIM, seed=1)
    before = loss(track)
    (grad,) = torch.autograd.grad(before, track)
    assert not grad[[1, 3]].any()
    assert grad[[0, 2, *range(4, NUM_TRACKS)]].any(dim=1).all()
    with torch.no_grad():
        track[3] = query[0]
    torch.testing.assert_close(loss(track), before)


# --- a softmax over a sample --------------------------------------------------------------------


def held() -> TrackLists:
    return TrackLists.from_lists(
        [[*VISIBLE[row].tolist(), *HIDDEN[row].tolist()] for row in range(len(HIDDEN))]
    )


def test_sampled_softmax_value_and_gradients() -> None:
    """Each negative's score less log(M·q), beside the hidden tracks in one sum."""
    query, track, weight = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1), WEIGHT.double()
    rng = np.random.default_rng(4)
    q = rng.uniform(0.02, 0.3, (5, 6))
    drawn = RandomSampler(held(), NUM_TRACKS).draw_sets(np.arange(5), 6, rng)
    sample = Sample(drawn, (1 / (6 * q)).astype(np.float32))
    found = sampled_softmax(query, track, HIDDEN, sample, temperature=0.3, playlist_weight=weight)

    scores = query @ track.T / 0.3
    per_playlist = []
    for row in range(5):
        positive = scores[row, HIDDEN[row].astype(int)]
        corrected = scores[row, drawn[row].astype(int)] - torch.from_numpy(np.log(6 * q[row]))
        total = torch.logsumexp(torch.cat([positive, corrected]), dim=0)
        per_playlist.append((total - positive).mean())
    expected = (weight * torch.stack(per_playlist)).sum() / weight.sum()
    torch.testing.assert_close(
        value_and_gradients(found, query, track),
        value_and_gradients(expected, query, track),
        rtol=1e-6,  # the weights of a sample are float32
        atol=1e-7,
    )


def test_a_sample_of_everything_is_the_whole_softmax() -> None:
    """All tracks that a playlist does not hold, each once: then the estimate is exact."""
    query, track = unit(1, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1)
    visible, hidden = TrackLists.from_lists([[3, 1]]), TrackLists.from_lists([[0, 7]])
    rest = np.setdiff1d(np.arange(NUM_TRACKS), [3, 1, 0, 7]).astype(np.int32)[None]
    options = {"temperature": 0.12, "playlist_weight": torch.ones(1).double()}
    whole = catalogue_softmax(query, track, visible, hidden, **options)
    sample = Sample(rest, np.ones(rest.shape, dtype=np.float32))
    sampled = sampled_softmax(query, track, hidden, sample, **options)
    torch.testing.assert_close(
        value_and_gradients(sampled, query, track), value_and_gradients(whole, query, track)
    )


def test_the_more_random_negatives_the_nearer_the_whole_softmax() -> None:
    query, track = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1)
    options = {"temperature": 0.5, "playlist_weight": WEIGHT.double()}
    whole = catalogue_softmax(query, track, VISIBLE, HIDDEN, **options).item()
    random, nothing = RandomSampler(held(), NUM_TRACKS), torch.empty(0)
    scored = Scored(nothing, nothing, nothing)
    errors = []
    for size in (2, 20, 20_000):
        sample = random.sample(np.arange(5), size, scored, np.random.default_rng(0))
        loss = sampled_softmax(query, track, HIDDEN, sample, **options).item()
        errors.append(abs(loss - whole))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 2e-3


@pytest.mark.parametrize("sign", [1, -1])
def test_sampled_softmax_at_a_low_temperature(sign: int) -> None:
    direction = torch.nn.functional.normalize(torch.ones(1, DIM))
    query = (sign * direction).repeat(5, 1).requires_grad_()
    track = direction.repeat(NUM_TRACKS, 1).requires_grad_()
    random, nothing = RandomSampler(held(), NUM_TRACKS), torch.empty(0)
    sample = random.sample(
        np.arange(5), 4, Scored(nothing, nothing, nothing), np.random.default_rng(0)
    )
    loss = sampled_softmax(
        query, track, HIDDEN, sample, temperature=0.025, playlist_weight=torch.ones(5)
    )
    # All as likely: any sample stands for all that are not visible.
    assert loss.item() == pytest.approx(np.log(NUM_TRACKS - VISIBLE.lengths).mean(), rel=1e-5)
    for grad in torch.autograd.grad(loss, (query, track)):
        assert torch.isfinite(grad).all()


# --- a softmax over a pool ----------------------------------------------------------------------


# Tracks that no playlist of the batch, one, and several hold or predict.
POOL = Pool(np.array([0, 3, 5, 6, 11]), np.array([1.0, 2.5, 4.0, 1.0, 1.5], dtype=np.float32))


@pytest.mark.parametrize("block", [1, 2, 100])
def test_pooled_softmax_value_and_gradients(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Each pooled track counts as often as its weight, but those of the playlist not at all."""
    monkeypatch.setattr(losses, "BLOCK_BYTES", block * len(POOL.track) * 8)
    monkeypatch.setattr(losses, "LEAST_ROWS", 1)
    query, track, weight = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1), WEIGHT.double()
    options = {"temperature": 0.3, "playlist_weight": weight}
    found = pooled_softmax(query, track, VISIBLE, HIDDEN, POOL, **options)
    scores = query @ track.T / 0.3
    per_playlist = []
    for row in range(5):
        positive = scores[row, HIDDEN[row].astype(int)]
        others = ~np.isin(POOL.track, [*VISIBLE[row], *HIDDEN[row]])
        corrected = scores[row, POOL.track[others]] + torch.from_numpy(POOL.weight[others]).log()
        total = torch.logsumexp(torch.cat([positive, corrected]), dim=0)
        per_playlist.append((total - positive).mean())
    expected = (weight * torch.stack(per_playlist)).sum() / weight.sum()
    torch.testing.assert_close(
        value_and_gradients(found, query, track),
        value_and_gradients(expected, query, track),
        rtol=1e-6,  # the weights of a pool are float32
        atol=1e-7,
    )


def test_the_gradient_of_a_pool_is_that_of_its_loss() -> None:
    def loss(query: Tensor, track: Tensor) -> Tensor:
        return 2 * pooled_softmax(
            query, track, VISIBLE, HIDDEN, POOL, temperature=0.3, playlist_weight=WEIGHT.double()
        )

    assert torch.autograd.gradcheck(loss, (unit(5, DIM, seed=2), unit(NUM_TRACKS, DIM, seed=3)))


def test_a_pool_of_everything_is_the_whole_softmax() -> None:
    query, track = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1)
    options = {"temperature": 0.12, "playlist_weight": WEIGHT.double()}
    whole = catalogue_softmax(query, track, VISIBLE, HIDDEN, **options)
    every = Pool(np.arange(NUM_TRACKS), np.ones(NUM_TRACKS, dtype=np.float32))
    pooled = pooled_softmax(query, track, VISIBLE, HIDDEN, every, **options)
    torch.testing.assert_close(
        value_and_gradients(pooled, query, track), value_and_gradients(whole, query, track)
    )


def test_the_larger_the_pool_the_nearer_the_whole_softmax() -> None:
    rng = np.random.default_rng(0)
    query, track = unit(5, DIM, seed=0), unit(400, DIM, seed=1)
    options = {"temperature": 0.3, "playlist_weight": WEIGHT.double()}
    whole = catalogue_softmax(query, track, VISIBLE, HIDDEN, **options).item()
    errors = []
    for size in (4, 40, 300):
        sampler = PoolSampler(rng.integers(1, 50, 400), size, 0.5)
        drawn = [
            pooled_softmax(query, track, VISIBLE, HIDDEN, sampler.draw(rng), **options).item()
            for _ in range(50)
        ]
        errors.append(np.abs(np.array(drawn) - whole).mean())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


@pytest.mark.parametrize("sign", [1, -1])
def test_pooled_softmax_at_a_low_temperature(sign: int) -> None:
    direction = torch.nn.functional.normalize(torch.ones(1, DIM))
    query = (sign * direction).repeat(5, 1).requires_grad_()
    track = direction.repeat(NUM_TRACKS, 1).requires_grad_()
    loss = pooled_softmax(
        query, track, VISIBLE, HIDDEN, POOL, temperature=0.025, playlist_weight=torch.ones(5)
    )
    assert np.isfinite(loss.item())
    for grad in torch.autograd.grad(loss, (query, track)):
        assert torch.isfinite(grad).all()


# --- Bayesian personalised ranking --------------------------------------------------------------


def test_hidden_ranking_value_and_gradients() -> None:
    query, track, weight = unit(5, DIM, seed=0), unit(NUM_TRACKS, DIM, seed=1), WEIGHT.double()
    row = HIDDEN.list_index()
    negative = RandomSampler(held(), NUM_TRACKS).draw(row, np.random.default_rng(3))
    found = hidden_ranking(query, track, HIDDEN, negative, temperature=0.3, playlist_weight=weight)
    scores = query @ track.T / 0.3
    difference = scores[row, HIDDEN.track_index.astype(int)] - scores[row, negative.astype(int)]
    per_pair = -torch.nn.functional.logsigmoid(difference)
    per_playlist = torch.stack([per_pair[torch.from_numpy(row == at)].mean() for at in range(5)])
    expected = (weight * per_playlist).sum() / weight.sum()
    torch.testing.assert_close(
        value_and_gradients(found, query, track), value_and_gradients(expected, query, track)
    )


def test_bayesian_personalised_ranking_value_and_gradients() -> None:
    query, track = (
        torch.from_numpy(np.random.default_rng(n).standard_normal((n, DIM))) for n in (3, 9)
    )
    query.requires_grad_()
    track.requires_grad_()
    at, positive, negative = (
        torch.tensor(part) for part in ([0, 2, 2, 0], [1, 8, 1, 1], [4, 4, 0, 7])
    )
    found = bayesian_personalised_ranking(query, track, at, positive, negative)
    difference = (query[at] * (track[positive] - track[negative])).sum(dim=1)
    expected = -torch.log(torch.sigmoid(difference)).mean()
    torch.testing.assert_close(
        value_and_gradients(found, query, track), value_and_gradients(expected, query, track)
    )
