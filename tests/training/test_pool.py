"""Pools that all playlists of a step share."""

import numpy as np
import pytest

from segue.training.pool import PoolSampler

POPULARITY = np.array([0, 1, 1, 2, 3, 5, 8, 40, 100, 1])


def test_each_track_is_in_as_many_pools_as_its_weight_says():
    sampler, rng = PoolSampler(POPULARITY, 4, 0.75), np.random.default_rng(0)
    seen, weights = np.zeros(10), np.zeros(10)
    for _ in range(6000):
        pool = sampler.draw(rng)
        assert len(pool.track) == 4
        assert (np.diff(pool.track) > 0).all()
        seen[pool.track] += 1
        weights[pool.track] = pool.weight
    np.testing.assert_allclose(seen / 6000, 1 / weights, atol=0.02)
    # The most popular are in every pool; the others by their popularity to the power.
    assert weights[8] == weights[7] == 1
    worth = np.maximum(POPULARITY, 1)[:7] ** 0.75
    np.testing.assert_allclose(weights[:7] * worth, weights[0], rtol=1e-5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [1, 3, 9, 10, 50])
def test_weighted_sums_are_those_of_the_catalogue(size: int, power: float) -> None:
    values, rng = np.arange(10.0) + 3, np.random.default_rng(1)
    sampler = PoolSampler(POPULARITY, size, power)
    sums = []
    for _ in range(4000):
        pool = sampler.draw(rng)
        assert len(pool.track) == min(size, 10)
        sums.append(pool.weight @ values[pool.track])
    assert np.mean(sums) == pytest.approx(values.sum(), rel=0.05)


def test_power_0_is_even_and_a_pool_of_everything_is_the_catalogue():
    even = PoolSampler(POPULARITY, 5, 0.0).draw(np.random.default_rng(0))
    np.testing.assert_allclose(even.weight, 2)
    whole = PoolSampler(POPULARITY, 10, 0.5).draw(np.random.default_rng(0))
    np.testing.assert_array_equal(whole.track, np.arange(10))
    assert (whole.weight == 1).all()


def test_equal_generators_give_equal_pools():
    sampler = PoolSampler(np.arange(1000), 100, 0.5)
    one, same, other = (sampler.draw(np.random.default_rng(seed)).track for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_chances_hold_for_many_tracks():
    """Rounding of long sums makes a pool neither shorter nor longer."""
    rng = np.random.default_rng(0)
    popularity = (rng.pareto(1.0, 200_000) * 3).astype(np.int64)
    for size in (4096, 150_000):
        pool = PoolSampler(popularity, size, 1.0).draw(rng)
        assert len(pool.track) == size
