"""Neighbours and their products: those of the whole matrix, found in little memory."""

import threading
import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from segue.baselines import neighbourhoods as module
from segue.baselines.ease import rows_with_side_information
from segue.baselines.neighbourhoods import neighbourhoods, similar_blocks

BLOCKS = {"block_size": 30, "support_size": 80}


@pytest.fixture(scope="module")
def pairs(planted_graph) -> csr_array:
    return rows_with_side_information(planted_graph, artist_weight=4.0, album_weight=2.0)


def cosines(pairs: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX, and its cosines with -1 on the diagonal."""
    gram = (pairs.T @ pairs).toarray().astype(np.float64)
    root = np.sqrt(np.maximum(np.diag(gram), 1e-9))
    cosine = gram / np.outer(root, root)
    np.fill_diagonal(cosine, -1)
    return gram, cosine


@pytest.mark.parametrize(("size", "count"), [(7, 9), (200, 9), (200, 400)])
def test_in_a_small_collection_they_are_the_nearest_of_all(pairs, size, count):
    gram, cosine = cosines(pairs)
    seen = []
    for some in neighbourhoods(pairs, count, 1.0, block_size=size):
        seen += some.tracks.tolist()
        assert some.near.shape[1] == min(count, 159)
        for place, track in enumerate(some.tracks):
            near = some.near[place]
            assert track not in near
            least = np.sort(cosine[track])[-len(near)]
            assert cosine[track, near].min() >= least - 1e-6
            np.testing.assert_allclose(some.gram[place], gram[np.ix_(near, near)], rtol=1e-6)
            np.testing.assert_allclose(some.toward[place], gram[near, track], rtol=1e-6)
    assert seen == list(range(160))


def test_in_blocks_nearly_all_are_the_same(pairs):
    _, cosine = cosines(pairs)
    missed, seen = 0, []
    for some in neighbourhoods(pairs, 9, 30.0, **BLOCKS):
        seen += some.tracks.tolist()
        for track, near in zip(some.tracks, some.near, strict=True):
            least = np.sort(cosine[track])[-9]
            missed += int((cosine[track, near] < least - 1e-6).sum())
    assert sorted(seen) == list(range(160))
    assert missed < 0.1 * 160 * 9


def test_products_in_blocks_are_those_of_the_whole(pairs):
    gram, _ = cosines(pairs)
    for some in neighbourhoods(pairs, 9, 30.0, **BLOCKS):
        for place, track in enumerate(some.tracks):
            near = some.near[place]
            np.testing.assert_allclose(some.gram[place], gram[np.ix_(near, near)], rtol=1e-6)
            np.testing.assert_allclose(some.toward[place], gram[near, track], rtol=1e-6)


def test_threads_find_the_same_and_end_where_they_are_stopped(pairs):
    one = list(neighbourhoods(pairs, 9, 30.0, **BLOCKS))
    three = list(neighbourhoods(pairs, 9, 30.0, **BLOCKS, threads=3))
    assert len(one) == len(three) > 3
    for ours, theirs in zip(one, three, strict=True):
        np.testing.assert_array_equal(ours.tracks, theirs.tracks)
        np.testing.assert_array_equal(ours.near, theirs.near)
        np.testing.assert_array_equal(ours.gram, theirs.gram)
        np.testing.assert_array_equal(ours.toward, theirs.toward)
    before = threading.active_count()
    started = neighbourhoods(pairs, 9, 30.0, **BLOCKS, threads=3)
    next(started)
    started.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("number", [1, 12, 39])
def test_products_of_the_best_known_are_found_once_and_are_the_same(pairs, monkeypatch, number):
    expected = list(neighbourhoods(pairs, 9, 30.0, **BLOCKS))
    monkeypatch.setattr(module, "_BEST_KNOWN", number)
    asked = module._Products.of(pairs, pairs.T.tocsr(), number)
    best_known = np.flatnonzero(asked.place >= 0)
    counts = np.diff(pairs.T.tocsr().indptr)
    assert len(best_known) == number
    assert counts[best_known].min() >= np.sort(counts)[-number]
    found = list(neighbourhoods(pairs, 9, 30.0, **BLOCKS))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one.near, other.near)
        np.testing.assert_array_equal(one.gram, other.gram)
        np.testing.assert_array_equal(one.toward, other.toward)


def test_blocks_are_of_similar_tracks(pairs):
    """Four planted communities of 40 tracks: blocks of 40 are these."""
    for block in similar_blocks(pairs, 40):
        assert len(block) <= 40
        assert np.bincount(block // 40, minlength=4).max() >= 36


def test_chunks_of_co_occurrence_change_nothing(pairs, monkeypatch):
    whole = list(neighbourhoods(pairs, 9, 30.0, **BLOCKS))
    monkeypatch.setattr(module, "_CHUNK_ENTRIES", 500)
    for one, other in zip(whole, neighbourhoods(pairs, 9, 30.0, **BLOCKS), strict=True):
        np.testing.assert_array_equal(one.near, other.near)
        np.testing.assert_array_equal(one.gram, other.gram)


def test_memory_is_that_of_a_block(monkeypatch):
    """4,000 tracks are a matrix of 64 MB; here a support is 300 of them, and 200 are kept."""
    monkeypatch.setattr(module, "_BEST_KNOWN", 200)
    rng = np.random.default_rng(3)
    sparse = csr_array(
        random_array((2000, 4000), density=0.002, random_state=rng, dtype=np.float32)
    )
    tracemalloc.start()
    for _ in neighbourhoods(sparse, 20, 50.0, block_size=100, support_size=300):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6


def test_tracks_in_no_row_have_no_products(pairs):
    grown = csr_array((pairs.data, pairs.indices, pairs.indptr), shape=(pairs.shape[0], 170))
    seen = []
    for some in neighbourhoods(grown, 9, 30.0, **BLOCKS):
        seen += some.tracks.tolist()
        assert not some.toward[some.tracks >= 160].any()
        assert not some.toward[some.near >= 160].any()
        assert np.isfinite(some.gram).all()
    assert sorted(seen) == list(range(170))


def test_a_single_track_has_no_neighbours(pairs):
    assert not list(neighbourhoods(csr_array(pairs[:, :1]), 9, 30.0))
