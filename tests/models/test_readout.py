"""The centroid readout: its formula, and that training equals serving."""

import numpy as np
import pytest
import torch

from segue.data.playlists import TrackLists
from segue.models.readout import CentroidReadout
from segue.models.sparse import SparseMatrix
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query

LISTS = TrackLists.from_lists([[3, 1, 4], [5], [9, 2, 6, 0, 8], [7, 3]])
NUM_TRACKS, DIM = 10, 6


@pytest.fixture
def track() -> torch.Tensor:
    """Vectors of very different lengths: the weight of a track holds its length."""
    rng = np.random.default_rng(0)
    length = np.exp(rng.standard_normal((NUM_TRACKS, 1)))
    return torch.from_numpy((rng.standard_normal((NUM_TRACKS, DIM)) * length).astype(np.float32))


@pytest.fixture
def degree() -> torch.Tensor:
    return torch.tensor([1, 1, 4, 9, 2, 100, 3, 1, 50, 7], dtype=torch.float32)


@pytest.fixture
def readout() -> CentroidReadout:
    readout = CentroidReadout(NUM_TRACKS)
    salience = np.random.default_rng(1).standard_normal(NUM_TRACKS).astype(np.float32)
    readout.salience.data = torch.from_numpy(salience)
    return readout


def ones(lists: TrackLists) -> SparseMatrix:
    value = np.ones(lists.num_pairs, dtype=np.float32)
    return SparseMatrix.from_csr(lists.offsets, lists.track_index, value, NUM_TRACKS)


def test_equals_the_formula(
    readout: CentroidReadout, track: torch.Tensor, degree: torch.Tensor
) -> None:
    result = readout(ones(LISTS), track, degree).detach().numpy()
    h, salience = track.double().numpy(), readout.salience.detach().double().numpy()
    weight = np.exp(salience) * np.linalg.norm(h, axis=1) / np.sqrt(degree.double().numpy())
    unit = h / np.linalg.norm(h, axis=1, keepdims=True)
    for row, query in enumerate(result):
        expected = sum(weight[t] * unit[t] for t in LISTS[row])
        np.testing.assert_allclose(query, expected / np.linalg.norm(expected), atol=1e-5)
    np.testing.assert_allclose(readout.query_weight(track, degree).numpy(), weight, rtol=1e-5)


def test_queries_have_unit_length(
    readout: CentroidReadout, track: torch.Tensor, degree: torch.Tensor
) -> None:
    length = torch.linalg.vector_norm(readout(ones(LISTS), track, degree), dim=1)
    torch.testing.assert_close(length, torch.ones(len(LISTS)))


def test_training_equals_serving(
    readout: CentroidReadout, track: torch.Tensor, degree: torch.Tensor
) -> None:
    served = Centroid(
        torch.nn.functional.normalize(track).numpy(), readout.query_weight(track, degree).numpy()
    )
    trained = readout(ones(LISTS), track, degree).detach().numpy()
    np.testing.assert_allclose(served.prepare(Query(LISTS)), trained, atol=1e-5)
    scores = trained @ torch.nn.functional.normalize(track).numpy().T
    np.testing.assert_allclose(FirstStage(served).scores(LISTS), scores, atol=1e-5)


def test_salience_starts_without_a_say(track: torch.Tensor, degree: torch.Tensor) -> None:
    weight = CentroidReadout(NUM_TRACKS).query_weight(track, degree)
    expected = torch.linalg.vector_norm(track, dim=1) / degree.sqrt()
    torch.testing.assert_close(weight, expected)


def test_gradients_reach_salience_and_vectors(
    readout: CentroidReadout, track: torch.Tensor, degree: torch.Tensor
) -> None:
    track.requires_grad_()
    target = torch.randn(len(LISTS), DIM, generator=torch.Generator().manual_seed(0))
    (readout(ones(LISTS), track, degree) * target).sum().backward()
    assert torch.isfinite(track.grad).all()
    assert torch.isfinite(readout.salience.grad).all()
    alone = LISTS[1][0]  # the only track of a playlist decides all of it, whatever its weight
    assert abs(readout.salience.grad[alone]) < 1e-6
    others = np.setdiff1d(np.arange(NUM_TRACKS), [alone])
    assert (readout.salience.grad[others] != 0).all()


def test_an_empty_list_is_zero_and_its_gradient_finite(
    readout: CentroidReadout, track: torch.Tensor, degree: torch.Tensor
) -> None:
    lists = TrackLists.from_lists([[], [1, 2]])
    track.requires_grad_()
    query = readout(ones(lists), track, degree)
    assert not query[0].any()
    query.sum().backward()
    assert torch.isfinite(track.grad).all()
