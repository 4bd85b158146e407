"""Graph filters against dense linear algebra."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.baselines.cooccurrence import pair_matrix
from segue.baselines.spectral import GFCF, Spectral, leading_vectors, normalised
from segue.data.playlists import TrackLists
from segue.errors import InputError

LISTS = [[3], [], [0, 29, 7, 11]]


def dense(graph) -> tuple[np.ndarray, np.ndarray]:
    """The normalised matrix of playlists by tracks, and the playlists of each track."""
    X = np.zeros((len(graph.playlists), graph.catalog.num_tracks))
    for row in range(len(X)):
        X[row, graph.playlists.tracks[row]] = 1
    counts = X.sum(axis=0)
    return X / np.sqrt(X.sum(axis=1))[:, None] / np.sqrt(counts), counts


def queries(num_tracks: int) -> np.ndarray:
    x = np.zeros((len(LISTS), num_tracks))
    for row, tracks in enumerate(LISTS):
        x[row, tracks] = 1
    return x


@pytest.mark.parametrize(("power", "a", "b"), [(0.0, 0.5, 0.5), (1.0, 0.4, 0.2), (2.0, 0.0, 0.0)])
def test_the_filter_is_its_formula(planted_graph, power, a, b):
    R, counts = dense(planted_graph)
    values, V = (found[:4] for found in np.linalg.svd(R, full_matrices=False)[1:])
    D = counts[:, None]
    expected = queries(160) @ (V.T * values**power / D**a) @ (V.T * D**b).T
    model = Spectral(planted_graph, dim=4, power=power, query_exponent=a, track_exponent=b)
    scores = model.scores(TrackLists.from_lists(LISTS))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_gf_cf_is_its_formula(planted_graph, alpha):
    R, counts = dense(planted_graph)
    V = np.linalg.svd(R, full_matrices=False)[2][:4].T
    root = np.sqrt(counts)[:, None]
    expected = queries(160) @ (R.T @ R + alpha * (V / root) @ (V * root).T)
    scores = GFCF(planted_graph, dim=4, alpha=alpha).scores(TrackLists.from_lists(LISTS))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=1e-4 * np.abs(expected).max())


def test_with_every_vector_the_filter_gives_back_the_query(small_graph):
    """V is then square: V · Vᵀ is the identity."""
    model = Spectral(small_graph, dim=99, power=0.0, query_exponent=0.0, track_exponent=0.0)
    scores = model.scores(TrackLists.from_lists([[0, 3]]))
    np.testing.assert_allclose(scores, [[1, 0, 0, 1, 0, 0]], atol=1e-5)


def test_leading_vectors_span_what_svd_finds():
    rng = np.random.default_rng(4)
    values = 0.95 ** np.arange(120)
    left, right = (np.linalg.qr(rng.normal(size=(n, 120)))[0] for n in (300, 200))
    matrix = (left * values) @ right.T
    vectors, found = leading_vectors(csr_array(matrix.astype(np.float32)), 40)
    assert vectors.shape == (200, 40)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(40), atol=1e-4)
    np.testing.assert_allclose(found, values[:40], rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(vectors * right[:, :40], axis=0)), 1, atol=1e-2)


def test_a_matrix_is_normalised_by_rows_and_columns(small_graph):
    pairs = pair_matrix(small_graph.playlists.tracks, 6)
    expected = np.zeros((4, 6))
    for row, column in zip(*pairs.nonzero(), strict=True):
        length, count = (pairs.toarray() != 0).sum(axis=1), (pairs.toarray() != 0).sum(axis=0)
        expected[row, column] = 1 / np.sqrt(length[row] * count[column])
    np.testing.assert_allclose(normalised(pairs).toarray(), expected, rtol=1e-6)


def test_tracks_without_pairs_stay_at_zero(small_graph):
    graph = small_graph.with_tracks(TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [], [3]]))
    for model in (Spectral(graph, dim=2), GFCF(graph, dim=2)):
        scores = model.scores(TrackLists.from_lists([[4], [0, 1]]))
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(scores[0], 0, atol=1e-6)
        np.testing.assert_allclose(scores[:, 4], 0, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda graph: Spectral(graph, dim=0), "dim is 0, expected 1 or more"),
        (lambda graph: GFCF(graph, alpha=-1.0), "alpha is -1, expected 0 or more"),
    ],
)
def test_options_out_of_range_are_refused(small_graph, make, says):
    with pytest.raises(InputError, match=says):
        make(small_graph)
