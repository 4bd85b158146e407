"""EASE in blocks: exact on each block's support, close to EASE of all tracks, in little memory."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from threadpoolctl import threadpool_limits

from segue.baselines import ease_blocks
from segue.baselines.ease import ease_weights, rows_with_side_information
from segue.baselines.ease_blocks import ease_by_blocks
from segue.errors import InputError

SIZES = {"block_size": 30, "support_size": 80}


@pytest.fixture(scope="module")
def pairs(planted_graph) -> csr_array:
    return rows_with_side_information(planted_graph, artist_weight=4.0, album_weight=2.0)


def test_every_track_is_in_one_block_and_its_support(pairs):
    blocks = list(ease_by_blocks(pairs, 30.0, **SIZES))
    assert len(blocks) == 6
    np.testing.assert_array_equal(np.sort(np.concatenate([b.tracks for b in blocks])), range(160))
    for block in blocks:
        assert len(block.tracks) <= 30
        assert len(np.unique(block.support)) == 80
        assert np.isin(block.tracks, block.support).all()
        assert block.weights.shape == (80, len(block.tracks))


def test_on_its_support_a_block_is_exactly_ease(pairs):
    for block in ease_by_blocks(pairs, 30.0, **SIZES):
        exact = ease_weights(csr_array(pairs[:, block.support]), 30.0)
        own = [block.support.tolist().index(track) for track in block.tracks]
        np.testing.assert_allclose(block.weights, exact[:, own], atol=2e-6)
        assert (block.weights[own, range(len(own))] == 0).all()


def test_a_small_collection_is_one_block(pairs):
    (block,) = ease_by_blocks(pairs, 30.0, block_size=30, support_size=160)
    np.testing.assert_array_equal(block.tracks, np.arange(160))
    np.testing.assert_array_equal(block.support, np.arange(160))
    np.testing.assert_allclose(block.weights, ease_weights(pairs, 30.0), atol=1e-6)


def test_blocks_are_of_similar_tracks(pairs):
    """Four planted communities of 40 tracks: blocks of 40 are these."""
    for block in ease_by_blocks(pairs, 30.0, block_size=40, support_size=80):
        community = np.bincount(block.tracks // 40, minlength=4)
        assert community.max() >= 36


def test_a_support_holds_what_explains_most(pairs):
    gram = (pairs.T @ pairs).toarray().astype(np.float64)
    ridge = gram.diagonal() + 30.0
    for block in ease_by_blocks(pairs, 30.0, **SIZES):
        worth = (gram[:, block.tracks] ** 2 / ridge[block.tracks]).sum(axis=1) / ridge
        others = np.setdiff1d(np.arange(160), block.support)
        chosen = np.setdiff1d(block.support, block.tracks)
        assert worth[chosen].min() >= worth[others].max() * (1 - 1e-6)


def test_chunks_of_co_occurrence_change_nothing(pairs, monkeypatch):
    whole = list(ease_by_blocks(pairs, 30.0, **SIZES))
    monkeypatch.setattr(ease_blocks, "_CHUNK_ENTRIES", 500)
    for one, other in zip(whole, ease_by_blocks(pairs, 30.0, **SIZES), strict=True):
        np.testing.assert_array_equal(one.support, other.support)
        np.testing.assert_array_equal(one.weights, other.weights)


def test_half_the_tracks_as_support_are_close_to_all(pairs):
    """The rest of the difference is weights of tracks that are in no support: small ones."""
    exact = ease_weights(pairs, 30.0)
    found = np.zeros_like(exact)
    for block in ease_by_blocks(pairs, 30.0, **SIZES):
        found[np.ix_(block.support, block.tracks)] = block.weights
    assert np.corrcoef(found.ravel(), exact.ravel())[0, 1] > 0.93


def test_memory_is_that_of_a_block():
    """4,000 tracks are a matrix of 64 MB; here a support is 300 of them."""
    rng = np.random.default_rng(3)
    sparse = csr_array(random_array((2000, 4000), density=0.002, rng=rng, dtype=np.float32))
    tracemalloc.start()
    for _ in ease_by_blocks(sparse, 50.0, block_size=100, support_size=300):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6


def test_tracks_in_no_row_get_no_weights(pairs):
    grown = csr_array((pairs.data, pairs.indices, pairs.indptr), shape=(pairs.shape[0], 170))
    blocks = list(ease_by_blocks(grown, 30.0, **SIZES))
    np.testing.assert_array_equal(np.sort(np.concatenate([b.tracks for b in blocks])), range(170))
    for block in blocks:
        assert not block.weights[:, block.tracks >= 160].any()
        assert not block.weights[block.support >= 160].any()
        assert np.isfinite(block.weights).all()


def test_a_regularization_of_no_use_is_refused(pairs):
    for regularization in (0.0, -1.0):
        with pytest.raises(InputError, match="expected more than 0"):
            next(ease_by_blocks(pairs, regularization, **SIZES))
    # Two equal columns, and next to nothing on the diagonal.
    twice = csr_array(np.repeat(pairs.toarray(), 2, axis=1))
    with pytest.raises(InputError, match="too small to invert"):
        list(ease_by_blocks(twice, 1e-30, **SIZES))


@pytest.mark.parametrize("support_size", [300, 150])
def test_any_number_of_threads_gives_the_same_weights(support_size):
    """They differed in their last bits, of which the second stage made other trees."""
    rng = np.random.default_rng(0)
    sparse = csr_array(random_array((600, 300), density=0.06, rng=rng, dtype=np.float32))
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, "blas"):
            blocks = list(ease_by_blocks(sparse, 50.0, block_size=50, support_size=support_size))
        found.append([(block.support.tobytes(), block.weights.tobytes()) for block in blocks])
    assert found[0] == found[1] == found[2]


def test_weights_keep_no_bits_that_processors_disagree_about(pairs):
    for block in ease_by_blocks(pairs, 30.0, **SIZES):
        steps = block.weights.astype(np.float64) * 2**24
        np.testing.assert_array_equal(steps, np.rint(steps))
        assert len(np.unique(steps)) > 1000
