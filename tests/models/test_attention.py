"""Sparse attention against its dense formula, and its gradients against differences."""

import numpy as np
import pytest
import torch

from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models import attention
from segue.models.attention import additive_scores, attention_sums, pair_sums, row_softmax
from segue.models.encoder import MessageGraph
from segue.models.gat import GAT
from segue.models.sparse import SparseMatrix

# Rows of 3, 0, 1 and 2 entries; the second of row 0 and the whole of row 2 are hidden.
OFFSETS, COLUMN = np.array([0, 3, 3, 4, 6]), np.array([4, 0, 2, 1, 0, 3], dtype=np.int32)
ROW = [0, 0, 0, 2, 3, 3]
VISIBLE = [0, 2, 4, 5]


@pytest.fixture
def matrix() -> SparseMatrix:
    value = np.isin(np.arange(6), VISIBLE).astype(np.float64)
    return SparseMatrix.from_csr(OFFSETS, COLUMN, value, 5)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    values = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(values).requires_grad_()


def test_softmax_is_over_visible_entries_of_a_row(matrix: SparseMatrix) -> None:
    scores = drawn(6, 2)
    weights = row_softmax(matrix, scores)
    expected = torch.zeros(6, 2, dtype=torch.float64)
    expected[[0, 2]] = scores[[0, 2]].softmax(dim=0)
    expected[[4, 5]] = scores[[4, 5]].softmax(dim=0)
    torch.testing.assert_close(weights, expected)
    assert torch.autograd.gradcheck(lambda s: row_softmax(matrix, s), (scores,))


@pytest.mark.parametrize("large", [1e4, -1e4])
def test_softmax_of_large_scores(matrix: SparseMatrix, large: float) -> None:
    scores = torch.full((6, 1), large)
    scores[3] = torch.inf  # hidden, so it may be anything
    weights = row_softmax(matrix, scores)[:, 0]
    assert weights.tolist() == [0.5, 0, 0.5, 0, 0.5, 0.5]


def test_sums_are_those_of_the_dense_matrix(matrix: SparseMatrix) -> None:
    weights, vectors = drawn(6), drawn(5, 3, seed=1)
    dense = torch.zeros(4, 5, dtype=torch.float64)
    dense[ROW, COLUMN.tolist()] = weights.detach()
    torch.testing.assert_close(attention_sums(matrix, weights, vectors), dense @ vectors)
    assert torch.autograd.gradcheck(lambda w, v: attention_sums(matrix, w, v), (weights, vectors))


def test_sums_of_pairs(matrix: SparseMatrix) -> None:
    ends = drawn(4, 2), drawn(5, 2, seed=1)
    of_row, of_column = (end.detach() for end in ends)
    every_pair = of_row[:, None] + of_column[None]
    torch.testing.assert_close(pair_sums(matrix, *ends), every_pair[ROW, COLUMN.tolist()])
    assert torch.autograd.gradcheck(lambda r, c: pair_sums(matrix, r, c), ends)
    # The transpose shares the arrays, in the other order.
    turned = pair_sums(matrix.transpose(), ends[1], ends[0])
    torch.testing.assert_close(turned, pair_sums(matrix, *ends)[matrix.place])
    assert torch.autograd.gradcheck(lambda r, c: pair_sums(matrix.transpose(), c, r), ends)


@pytest.mark.parametrize("block", [1, 4, 100])
def test_additive_scores(matrix: SparseMatrix, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(attention, "BLOCK_ENTRIES", block)
    ends = drawn(4, 6), drawn(5, 6, seed=1), drawn(2, 3, seed=2)
    scores = additive_scores(matrix, *ends, 0.2)
    target, source, vectors = (end.detach().numpy() for end in ends)
    for entry, (row, column) in enumerate(zip(ROW, COLUMN, strict=True)):
        z = target[row] + source[column]
        z = np.where(z > 0, z, 0.2 * z).reshape(2, 3)
        np.testing.assert_allclose(scores[entry].detach().numpy(), (z * vectors).sum(axis=1))
    assert torch.autograd.gradcheck(lambda *e: additive_scores(matrix, *e, 0.2), ends)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_equal_attention_is_the_mean(small_graph: PlaylistGraph, version: str) -> None:
    """With transforms at the identity a layer adds means to the own state."""
    lists = [[2, 0, 5], [0, 1, 2, 3], [3, 0], []]
    graph = small_graph.with_tracks(TrackLists.from_lists(lists))
    seen = MessageGraph.from_graph(graph, ("artist",)).hide(torch.tensor([3]))
    encoder = GAT(
        graph.num_nodes,
        ("artist",),
        dim=4,
        num_layers=1,
        initial_std=1.0,
        relation_weight=0.5,
        attention=version,
        rng=np.random.default_rng(0),
    )
    for name, parameter in encoder.named_parameters():
        if ".of_" in name:
            torch.nn.init.zeros_(parameter)
    track, artist = encoder.track, encoder.structural["artist"]
    by_artist = seen.structural["artist"]
    heard = artist + by_artist.transpose().row_means() @ track
    playlist = seen.contains.row_means() @ track
    message = seen.contains.transpose().row_means() @ playlist
    message = message + 0.5 * (by_artist.row_means() @ heard)
    result = encoder(seen)
    torch.testing.assert_close(result["track"], track + message / 2, rtol=0, atol=1e-6)
    torch.testing.assert_close(result["artist"], (artist + heard) / 2, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 3}, "dim is 8, expected a multiple of num_heads, 3"),
        ({"num_heads": 0}, "dim is 8, expected a multiple of num_heads, 0"),
        ({"attention": "v3"}, "attention 'v3' is not known, expected v1 or v2"),
    ],
)
def test_options_of_gat_are_checked(
    small_graph: PlaylistGraph, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        GAT(
            small_graph.num_nodes,
            (),
            dim=8,
            num_layers=1,
            initial_std=1.0,
            rng=np.random.default_rng(0),
            **options,
        )
