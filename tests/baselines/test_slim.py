"""SLIM against an independent elastic net, and local products against the whole."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from segue.baselines import local
from segue.baselines.cooccurrence import pair_matrix
from segue.baselines.local import LocalGrams
from segue.baselines.slim import SLIM
from segue.data.playlists import TrackLists
from segue.errors import InputError, ResourceError


def incidence(graph) -> np.ndarray:
    X = np.zeros((len(graph.playlists), graph.catalog.num_tracks))
    for row in range(len(X)):
        X[row, graph.playlists.tracks[row]] = 1
    return X


def nearest(gram: np.ndarray, j: int, count: int) -> np.ndarray:
    """The tracks of the largest cosine with a track, whose ties here are none."""
    cosine = gram[j] / np.sqrt(np.diag(gram) * gram[j, j])
    cosine[j] = -1
    return np.sort(np.argsort(-cosine, kind="stable")[:count])


@pytest.mark.parametrize(("l1", "l2"), [(0.5, 2.0), (0.01, 10.0), (3.0, 0.5)])
def test_each_track_is_an_elastic_net_on_its_neighbours(planted_graph, l1, l2):
    X = incidence(planted_graph)
    model = SLIM(planted_graph, num_neighbours=159, l1=l1, l2=l2)
    # Its objective is 1/(2n) |y − Xw|² + alpha · ratio · |w|₁ + alpha (1 − ratio)/2 · |w|².
    n = len(X)
    alpha, ratio = (l1 + l2) / n, l1 / (l1 + l2)
    net = ElasticNet(
        alpha=alpha, l1_ratio=ratio, positive=True, fit_intercept=False, tol=1e-8, max_iter=10_000
    )
    found = model.weights.toarray()
    for j in (0, 57, 159):
        others = np.delete(np.arange(160), j)
        expected = net.fit(X[:, others], X[:, j]).coef_
        np.testing.assert_allclose(found[others, j], expected, atol=5e-3 * expected.max())
    assert (model.weights.data > 0).all()
    assert not found.diagonal().any()


def test_only_the_nearest_have_weights(planted_graph):
    gram = incidence(planted_graph).T @ incidence(planted_graph)
    model = SLIM(planted_graph, num_neighbours=12, l1=0.0, l2=1.0)
    found = model.weights.toarray()
    cosine = gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    np.fill_diagonal(cosine, -1)
    for j in range(160):
        has = np.flatnonzero(found[:, j])
        assert len(has) <= 12
        assert cosine[has, j].min() >= np.sort(cosine[:, j])[-12] - 1e-6


def test_scores_are_sums_of_weights(planted_graph):
    model = SLIM(planted_graph)
    scores = model.scores(TrackLists.from_lists([[3], [], [0, 29, 7]]))
    assert scores.dtype == np.float32
    weights = model.weights.toarray()
    np.testing.assert_allclose(scores, [weights[3], 0 * weights[3], weights[[0, 29, 7]].sum(0)])


def test_batches_do_not_show(planted_graph, monkeypatch):
    whole = SLIM(planted_graph, num_neighbours=20).weights
    monkeypatch.setattr(local, "_BATCH_NUMBERS", 20**2 * 7)
    monkeypatch.setattr(local, "_BLOCK_ROWS", 33)
    in_batches = SLIM(planted_graph, num_neighbours=20).weights
    np.testing.assert_allclose(in_batches.toarray(), whole.toarray(), atol=1e-5)


def test_local_products_are_those_of_the_whole(planted_graph):
    X = incidence(planted_graph)
    gram = X.T @ X
    grams = LocalGrams(pair_matrix(planted_graph.playlists.tracks, 160), 9)
    seen = []
    for tracks, near, products, toward in grams.batches():
        seen += tracks.tolist()
        for place, track in enumerate(tracks):
            assert track not in near[place]
            np.testing.assert_array_equal(products[place], gram[np.ix_(near[place], near[place])])
            np.testing.assert_array_equal(toward[place], gram[near[place], track])
    assert seen == list(range(160))
    few = nearest(gram, 5, 9)
    cosine = gram[5] / np.sqrt(np.diag(gram))
    assert cosine[grams.neighbours(np.array([5]))[0]].min() >= cosine[few].min() - 1e-6


def test_what_cannot_be_is_refused(planted_graph, monkeypatch):
    with pytest.raises(InputError, match="l1 is 0 and l2 0, expected 0 or more, and not both 0"):
        SLIM(planted_graph, l1=0.0, l2=0.0)
    monkeypatch.setattr("segue.memory.available_memory", lambda: 1000)
    with pytest.raises(ResourceError, match=r"160 by 160 tracks needs .* of memory"):
        SLIM(planted_graph)
