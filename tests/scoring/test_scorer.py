"""A score is a cosine with a centroid, a wide part and the dial; its parts sum to it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from segue.data.playlists import TrackLists
from segue.scoring.scorer import FULL_DIAL, PRIOR_HALF_LIFE, CentroidScorer, Query
from segue.scoring.wide import WidePart

NUM_TRACKS, DIM = 30, 8


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def scorer() -> CentroidScorer:
    rng = np.random.default_rng(3)
    weight = rng.uniform(0.01, 5, size=NUM_TRACKS).astype(np.float32)
    return CentroidScorer(unit(rng.normal(size=(NUM_TRACKS, DIM))), weight)


def wide_part(rng: np.random.Generator) -> WidePart:
    """Of each track about five weights, some of them negative."""
    weights = rng.uniform(-0.2, 1, (NUM_TRACKS, NUM_TRACKS)).astype(np.float32)
    return WidePart.from_matrix(csr_array(weights * (rng.random(weights.shape) < 5 / NUM_TRACKS)))


def by_hand(scorer: CentroidScorer, tracks: list[int]) -> np.ndarray:
    """The formula of the class, one track at a time, in float64."""
    total = np.zeros(DIM)
    for track in tracks:
        total += float(scorer.query_weight[track]) * scorer.track_vectors[track].astype(np.float64)
    return scorer.track_vectors.astype(np.float64) @ (total / np.linalg.norm(total))


queries = st.lists(st.integers(0, NUM_TRACKS - 1), min_size=1, max_size=12, unique=True)


@given(tracks=queries)
def test_scores_are_the_formula(scorer, tracks):
    scores = scorer.scores(TrackLists.from_lists([tracks]))
    assert scores.dtype == np.float32
    assert scores.shape == (1, NUM_TRACKS)
    np.testing.assert_allclose(scores[0], by_hand(scorer, tracks), atol=1e-5)
    assert np.abs(scores).max() <= 1 + 1e-6


@given(tracks=queries, rng_seed=st.integers(0, 99))
def test_the_order_of_a_playlist_does_not_matter(scorer, tracks, rng_seed):
    shuffled = np.random.default_rng(rng_seed).permutation(tracks).tolist()
    scores = scorer.scores(TrackLists.from_lists([tracks, shuffled]))
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


@given(tracks=queries)
def test_contributions_sum_to_the_scores(scorer, tracks):
    asked = np.arange(NUM_TRACKS, dtype=np.int32)
    found = scorer.contributions(TrackLists.from_lists([tracks]), asked)
    assert found.terms == tuple(("track", track) for track in tracks)
    assert found.parts.shape == (NUM_TRACKS, len(tracks))
    scores = scorer.scores(TrackLists.from_lists([tracks]))[0]
    np.testing.assert_allclose(found.parts.sum(axis=1), scores, atol=1e-6)


@given(
    tracks=st.lists(st.integers(0, NUM_TRACKS - 1), max_size=8, unique=True),
    artists=st.lists(st.integers(0, 3), max_size=3, unique=True),
    dial=st.sampled_from([-1.0, -0.3, 0.0, 0.5, 1.0]),
    wide=st.booleans(),
    rng_seed=st.integers(0, 99),
)
def test_every_term_counts(scorer, tracks, artists, dial, wide, rng_seed):
    """Tracks with emphasis, artists, a wide part and the dial, against the formula written out."""
    rng = np.random.default_rng(rng_seed)
    emphasis = rng.uniform(0.5, 3, len(tracks)).astype(np.float32)
    popularity = rng.integers(0, 500, NUM_TRACKS)
    track_artist = rng.integers(-1, 4, NUM_TRACKS).astype(np.int32)
    part = wide_part(rng) if wide else None
    full = CentroidScorer(scorer.track_vectors, scorer.query_weight, popularity, track_artist, part)
    asked = Query(TrackLists.from_lists([tracks]), emphasis, TrackLists.from_lists([artists]))
    total = np.zeros(DIM)
    for track, factor in zip(tracks, emphasis, strict=True):
        total += factor * full.query_weight[track] * full.track_vectors[track].astype(np.float64)
    for artist in artists:
        own = (popularity + 1)[:, None] * full.track_vectors.astype(np.float64)
        by = own[track_artist == artist].sum(axis=0)
        total += full.query_weight.mean() * by / (np.linalg.norm(by) or 1)
    fame = np.log1p(popularity)
    fame = (fame - fame.mean()) / fame.std()
    length = len(tracks) + len(artists)
    prior = 2 ** (-length / PRIOR_HALF_LIFE) if length else 0
    expected = full.track_vectors @ (total / (np.linalg.norm(total) or 1))
    expected += (prior - dial) * FULL_DIAL * fame
    if part is not None:
        weights = part.matrix.toarray().astype(np.float64)
        for track, factor in zip(tracks, emphasis, strict=True):
            expected += factor / emphasis.astype(np.float64).mean() * weights[track]
    np.testing.assert_allclose(full.scores(asked, dial)[0], expected, atol=2e-6)
    found = full.contributions(asked, np.arange(NUM_TRACKS, dtype=np.int32), dial)
    np.testing.assert_allclose(found.parts.sum(axis=1), full.scores(asked, dial)[0], atol=1e-6)
    assert [kind for kind, _ in found.terms] == (
        ["track"] * len(tracks) + ["artist"] * len(artists) + ["popularity"] * (prior != dial)
    )


def test_emphasis_in_the_wide_part_is_over_its_mean(scorer):
    """So that it moves weight between the tracks of a list, and adds none."""
    wide = wide_part(np.random.default_rng(4))
    lists = TrackLists.from_lists([[3, 8, 1], [], [2, 5]])
    emphasis = np.array([1, 4, 1, 7, 7], dtype=np.float32)
    weights = wide.matrix.toarray()
    found = replace(scorer, wide=wide).wide_scores(Query(lists, emphasis)).toarray()
    np.testing.assert_allclose(found[0], [0.5, 2, 0.5] @ weights[[3, 8, 1]], atol=1e-6)
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_allclose(found[2], weights[[2, 5]].sum(axis=0), atol=1e-6)
    silent = Query(lists, np.zeros(5, dtype=np.float32))
    assert np.isfinite(replace(scorer, wide=wide).scores(silent)).all()


def test_some_rows_of_a_query_are_what_they_were(scorer):
    """Emphasis, artists and what is known of the order go with their lists."""
    query = Query(
        TrackLists.from_lists([[3, 8, 1], [], [2, 5]]),
        np.array([1, 4, 1, 2, 7], dtype=np.float32),
        TrackLists.from_lists([[], [0], [1]]),
        np.array([True, False, True]),
    )
    some = query.rows(slice(1, 3))
    assert [some.tracks[row].tolist() for row in range(2)] == [[], [2, 5]]
    np.testing.assert_allclose(some.share, [2 / 4.5, 7 / 4.5])
    assert [some.artists[row].tolist() for row in range(2)] == [[0], [1]]
    assert [some.ordered(row) for row in range(2)] == [False, True]
    assert not Query(query.tracks).ordered(0), "what nobody says is not known"
    with pytest.raises(ValueError, match="one value a list"):
        replace(query, order_known=np.array([True]))


def test_a_wide_part_of_no_weights_changes_no_bit(scorer):
    query = TrackLists.from_lists([[3, 8], [], [1]])
    empty = WidePart.from_matrix(csr_array((NUM_TRACKS, NUM_TRACKS), dtype=np.float32))
    found = replace(scorer, wide=empty).scores(query)
    np.testing.assert_array_equal(found, scorer.scores(query))
    assert scorer.wide_scores(query) is None


def test_without_popularity_there_is_no_prior(scorer):
    query = TrackLists.from_lists([[3, 8], [1]])
    cosines = scorer.query_vectors(query) @ scorer.track_vectors.T
    np.testing.assert_array_equal(scorer.scores(query, 0.0), cosines)
    assert len(scorer.contributions(query.rows([0]), np.arange(3, dtype=np.int32)).terms) == 2


def test_the_prior_fades_as_a_list_grows(scorer):
    """And artists count as tracks do; it goes on where the dial turns to the mainstream."""
    known = replace(scorer, popularity=np.arange(NUM_TRACKS))
    lists = TrackLists.from_lists([[], [3], [3, 8, 1, 2, 5, 6, 7], list(range(28))])
    np.testing.assert_allclose(known.dials(lists), [0, -(2 ** (-1 / 3.5)), -0.25, -(2.0**-8)])
    np.testing.assert_allclose(known.dials(lists, 0.5), known.dials(lists) + 0.5)
    with_artists = Query(lists, artists=TrackLists.from_lists([[0, 1, 2, 3], [0], [], []]))
    np.testing.assert_allclose(
        known.dials(with_artists), [-(2 ** (-4 / 3.5)), -(2 ** (-2 / 3.5)), -0.25, -(2.0**-8)]
    )
    np.testing.assert_array_equal(scorer.dials(lists, 0.5), [0.5] * 4)


def test_equal_popularity_leaves_the_dial_without_effect(scorer):
    alike = replace(scorer, popularity=np.full(NUM_TRACKS, 7))
    query = TrackLists.from_lists([[3, 8]])
    np.testing.assert_array_equal(alike.scores(query, 1.0), scorer.scores(query))


def test_what_a_query_lacks_is_refused(scorer):
    lists = TrackLists.from_lists([[1, 2]])
    with pytest.raises(ValueError, match="one number a track"):
        Query(lists, np.ones(3, dtype=np.float32))
    with pytest.raises(ValueError, match="differ in the number of lists"):
        Query(lists, artists=TrackLists.from_lists([[0], [1]]))
    with pytest.raises(ValueError, match="needs the popularity and artists"):
        scorer.scores(Query(lists, artists=TrackLists.from_lists([[0]])))
    with pytest.raises(ValueError, match="needs the popularity"):
        scorer.scores(lists, 0.5)
    with pytest.raises(ValueError, match="of one list, not of 2"):
        scorer.contributions(TrackLists.from_lists([[1], [2]]), np.zeros(1, dtype=np.int32))


def test_a_contribution_is_that_of_its_own_track(scorer):
    """Columns in the order of the query, rows in the order of what was asked."""
    query, asked = np.array([4, 9, 2], dtype=np.int32), np.array([7, 1], dtype=np.int32)
    parts = scorer.contributions(TrackLists.from_lists([query.tolist()]), asked).parts
    total = np.sum([scorer.query_weight[t] * scorer.track_vectors[t] for t in query], axis=0)
    for column, track in enumerate(query):
        part = (
            scorer.query_weight[track] * scorer.track_vectors[asked] @ scorer.track_vectors[track]
        )
        np.testing.assert_allclose(parts[:, column], part / np.linalg.norm(total), atol=1e-6)


def test_one_seed_scores_by_cosine_whatever_its_weight(scorer):
    scores = scorer.scores(TrackLists.from_lists([[5]]))[0]
    np.testing.assert_allclose(scores, scorer.track_vectors @ scorer.track_vectors[5], atol=1e-6)
    assert scores.argmax() == 5
    assert scores[5] == pytest.approx(1, abs=1e-6)


def test_a_heavier_track_pulls_the_centroid_to_itself(scorer):
    weight = scorer.query_weight.copy()
    weight[[0, 1]] = 1
    even = CentroidScorer(scorer.track_vectors, weight)
    heavy = CentroidScorer(
        scorer.track_vectors, weight * np.where(np.arange(NUM_TRACKS) == 0, 9, 1)
    )
    query = TrackLists.from_lists([[0, 1]])
    assert heavy.scores(query)[0, 0] > even.scores(query)[0, 0]
    assert heavy.scores(query)[0, 1] < even.scores(query)[0, 1]


def test_an_empty_query_scores_nothing(scorer):
    scores = scorer.scores(TrackLists.from_lists([[], [3], []]))
    np.testing.assert_array_equal(scores[[0, 2]], 0)
    np.testing.assert_allclose(scores[1], by_hand(scorer, [3]), atol=1e-5)
    asked = np.arange(4, dtype=np.int32)
    assert scorer.contributions(TrackLists.from_lists([[]]), asked).parts.shape == (4, 0)


def test_no_queries_give_no_rows(scorer):
    assert scorer.scores(TrackLists.from_lists([])).shape == (0, NUM_TRACKS)


def test_weights_of_nothing_and_opposed_tracks_give_no_nan(scorer):
    silent = CentroidScorer(scorer.track_vectors, np.zeros(NUM_TRACKS, dtype=np.float32))
    np.testing.assert_array_equal(silent.scores(TrackLists.from_lists([[1, 2]])), 0)
    opposed = CentroidScorer(
        np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32), np.ones(3, dtype=np.float32)
    )
    np.testing.assert_array_equal(opposed.scores(TrackLists.from_lists([[0, 1]])), 0)
    both, asked = TrackLists.from_lists([[0, 1]]), np.array([0], dtype=np.int32)
    assert np.isfinite(opposed.contributions(both, asked).parts).all()


def test_a_fresh_array_each_time(scorer):
    """Callers overwrite what they are given."""
    query = TrackLists.from_lists([[1], []])
    first = scorer.scores(query)
    expected = first.copy()
    first[:] = -np.inf
    np.testing.assert_array_equal(scorer.scores(query), expected)
