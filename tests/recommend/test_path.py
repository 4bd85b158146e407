"""The order in which neighbours go together."""

from itertools import permutations

import numpy as np
import pytest

from segue.recommend.path import neighbour_score, path_through
from segue.scoring.centroid import unit_rows


def vectors(count: int, rng_seed: int = 0, dim: int = 4) -> np.ndarray:
    rng = np.random.default_rng(rng_seed)
    return unit_rows(rng.normal(size=(count, dim)).astype(np.float32))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 60])
def test_every_song_once(count):
    order = path_through(vectors(count))
    assert sorted(order.tolist()) == list(range(count))


def test_short_lists_are_hardly_ever_below_the_best_order():
    below = []
    for seed in range(20):
        some = vectors(7, seed)
        best = max(neighbour_score(some, np.array(each)) for each in permutations(range(7)))
        below.append(best - neighbour_score(some, path_through(some)))
    assert max(below) < 0.1
    assert np.median(below) < 1e-5


def test_points_along_an_arc_come_in_their_order():
    angle = np.random.default_rng(1).permutation(np.linspace(0, 3, 200))
    arc = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    ordered = angle[path_through(arc)]
    assert np.abs(np.diff(ordered)).sum() == pytest.approx(3, abs=0.05)


def test_better_than_nearest_neighbours_given_and_random():
    some = vectors(150, 3, dim=8)
    found = neighbour_score(some, path_through(some))
    rng = np.random.default_rng(0)
    at_random = [neighbour_score(some, rng.permutation(150)) for _ in range(20)]
    assert found > max(at_random) + 0.4
    given = np.argsort(np.arctan2(some[:, 0], some[:, 1]))
    assert found > neighbour_score(some, given)
    # An order that is good already is never made worse.
    good = some[path_through(some)]
    assert neighbour_score(good, path_through(good)) >= neighbour_score(good, np.arange(150)) - 1e-6


def test_the_same_order_every_time_beginning_near_the_first():
    some = vectors(80, 5)
    order = path_through(some)
    np.testing.assert_array_equal(order, path_through(some))
    assert order[0] < order[-1]


def test_the_score_is_the_mean_cosine_of_neighbours():
    some = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    assert neighbour_score(some, np.array([0, 2, 1])) == pytest.approx((0.6 + 0.8) / 2)
    assert neighbour_score(some, np.array([1])) == 0
