"""SLIM against an independent elastic net."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from segue.baselines.slim import SLIM
from segue.data.playlists import TrackLists
from segue.errors import InputError


def incidence(graph) -> np.ndarray:
    X = np.zeros((len(graph.playlists), graph.catalog.num_tracks))
    for row in range(len(X)):
        X[row, graph.playlists.tracks[row]] = 1
    return X


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


def test_what_cannot_be_is_refused(planted_graph):
    with pytest.raises(InputError, match="l1 is 0 and l2 0, expected 0 or more, and not both 0"):
        SLIM(planted_graph, l1=0.0, l2=0.0)
