"""Factors: each list answered by least squares, against the same solved one list at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.scoring import factors
from segue.scoring.factors import Factors, least_squares
from segue.scoring.query import Query

NUM_TRACKS, DIM, ALPHA = 30, 6, 40.0


def some_factors(rng: np.random.Generator, num_tracks: int = NUM_TRACKS, dim: int = DIM):
    """Turned as training leaves them: with the damping their squares are the identity."""
    vectors = rng.normal(size=(num_tracks, dim))
    root = np.linalg.cholesky(vectors.T @ vectors + 0.5 * np.eye(dim))
    return np.linalg.solve(root, vectors.T).T.astype(np.float32)


def term(rng: np.random.Generator, num_tracks: int = NUM_TRACKS) -> Factors:
    alpha, scale = (np.array([value], dtype=np.float32) for value in (ALPHA, 0.3))
    return Factors(some_factors(rng, num_tracks), alpha, scale)


def plain(vectors: np.ndarray, tracks: list[int], weight: list[float]) -> np.ndarray:
    """The minimum of Σ_u (q · f_u)² + λ-part, with the list's tracks weighted and to be 1."""
    vectors = vectors.astype(np.float64)
    system, right = np.eye(vectors.shape[1]), np.zeros(vectors.shape[1])
    for track, e in zip(tracks, weight, strict=True):
        system += (ALPHA - 1) * e * np.outer(vectors[track], vectors[track])
        right += ALPHA * e * vectors[track]
    return np.linalg.solve(system, right)


lists_of_tracks = st.lists(
    st.lists(st.integers(0, NUM_TRACKS - 1), max_size=2 * DIM, unique=True), max_size=9
)


@settings(max_examples=60)
@given(lists=lists_of_tracks, weighted=st.booleans(), block=st.sampled_from([1, 60, 1 << 22]),
       rng_seed=st.integers(0, 99))  # fmt: skip
def test_lists_of_all_lengths_are_solved(lists, weighted, block, rng_seed):
    """Shorter than a vector and longer, in blocks of one and of all."""
    rng = np.random.default_rng(rng_seed)
    vectors, tracks = some_factors(rng), TrackLists.from_lists(lists)
    weight = rng.uniform(0, 3, tracks.num_pairs).astype(np.float32) if weighted else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factors, "_BLOCK_NUMBERS", block)
        found = least_squares(vectors, tracks, ALPHA, weight)
    assert found.shape == (len(lists), DIM)
    for row, of_list in enumerate(lists):
        pairs = slice(tracks.offsets[row], tracks.offsets[row + 1])
        each = np.ones(len(of_list)) if weight is None else weight[pairs]
        np.testing.assert_allclose(
            found[row], plain(vectors, of_list, each.tolist()), atol=2e-5, rtol=1e-4
        )


def test_tracks_that_are_alike_count_together_less():
    """Ten tracks of one kind beside one of another do not drown it, as they do in a sum."""
    vectors = np.repeat(np.eye(2, dtype=np.float32), 11, axis=0) * np.float32(0.3)
    answer = least_squares(vectors, TrackLists.from_lists([[*range(10), 11]]), ALPHA)[0]
    assert 1 < answer[0] / answer[1] < 2


def test_emphasis_is_relative():
    query = TrackLists.from_lists([[1, 2, 3]])
    some, twice = (
        Query(query, np.array([1, 1, 4], dtype=np.float32) * factor) for factor in (1, 2)
    )
    found = term(np.random.default_rng(0))
    np.testing.assert_allclose(found.prepare(some), found.prepare(twice), rtol=1e-5)
    assert np.abs(found.prepare(some) - found.prepare(Query(query))).max() > 1e-3


def test_the_tracks_that_are_given_are_predicted():
    """The more they count, the nearer to 1."""
    vectors = some_factors(np.random.default_rng(3), 200)
    lists = TrackLists.from_lists([[4, 9]])
    near, nearer = (
        vectors[[4, 9]] @ least_squares(vectors, lists, alpha)[0] for alpha in (40, 4000)
    )
    assert (np.abs(nearer - 1) < np.abs(near - 1)).all()
    np.testing.assert_allclose(nearer, 1, atol=0.05)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"factors": np.zeros((3, 2))}, "table of float32"),
        ({"factors": np.zeros(6, np.float32)}, "table of float32"),
        ({"factors": np.zeros((3, 0), np.float32)}, "from 1 to 4096 numbers"),
        ({"factors": np.full((3, 2), np.nan, np.float32)}, "longer than 1"),
        ({"factors": np.full((3, 2), 1e30, np.float32)}, "longer than 1"),
        ({"alpha": np.array([0.5], np.float32)}, "alpha of the factors"),
        ({"alpha": np.array([np.nan], np.float32)}, "alpha of the factors"),
        ({"alpha": np.array([40.0])}, "alpha of the factors"),
        ({"scale": np.array([np.inf], np.float32)}, "scale of the factors"),
        ({"scale": np.array([1, 2], np.float32)}, "scale of the factors"),
    ],
)
def test_what_is_no_such_term_is_refused(change, says):
    arrays = term(np.random.default_rng(1), 3).arrays()
    assert Factors.from_arrays(arrays).num_nodes == {"track": 3}
    with pytest.raises(ValueError, match=says), np.errstate(over="ignore"):
        Factors.from_arrays(arrays | change)


def test_further_tracks_are_predicted_for_nobody():
    found = term(np.random.default_rng(2)).with_tracks(NUM_TRACKS + 2)
    prepared = found.prepare(Query(TrackLists.from_lists([[0, 5], [NUM_TRACKS + 1]])))
    scores = np.zeros((2, NUM_TRACKS + 2), dtype=np.float32)
    found.add_to(scores, slice(0, NUM_TRACKS + 2), prepared)
    assert np.abs(scores[0, :NUM_TRACKS]).min() > 0
    np.testing.assert_array_equal(scores[0, NUM_TRACKS:], 0)
    np.testing.assert_array_equal(scores[1], 0)
