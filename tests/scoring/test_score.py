"""A score is a sum of terms: cosine, popularity, wide part; and of its parts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from segue.data.playlists import TrackLists
from segue.data.relations import Relation
from segue.scoring.centroid import Centroid
from segue.scoring.factors import Factors
from segue.scoring.first_stage import FirstStage
from segue.scoring.popularity import FULL_DIAL, PRIOR_HALF_LIFE, Popularity
from segue.scoring.query import EITHER, FIT, NEXT, Query
from segue.scoring.wide import WidePart

NUM_TRACKS, DIM = 30, 8


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def scores_by(
    vectors: np.ndarray,
    weight: np.ndarray,
    popularity: np.ndarray | None = None,
    by: Relation | None = None,
    wide: WidePart | None = None,
) -> FirstStage:
    return FirstStage(
        Centroid(vectors, weight, popularity, by),
        None if popularity is None else Popularity(popularity),
        () if wide is None else (wide,),
    )


rng_of_all = np.random.default_rng(3)
WEIGHTS = rng_of_all.uniform(0.01, 5, size=NUM_TRACKS).astype(np.float32)
VECTORS = unit(rng_of_all.normal(size=(NUM_TRACKS, DIM)))


@pytest.fixture(scope="module")
def scorer() -> FirstStage:
    return scores_by(VECTORS, WEIGHTS)


def wide_part(rng: np.random.Generator) -> WidePart:
    """Of each track about five weights, some of them negative."""
    weights = rng.uniform(-0.2, 1, (NUM_TRACKS, NUM_TRACKS)).astype(np.float32)
    return WidePart.from_matrix(csr_array(weights * (rng.random(weights.shape) < 5 / NUM_TRACKS)))


def factors(rng: np.random.Generator) -> Factors:
    vectors = rng.normal(size=(NUM_TRACKS, DIM)) / NUM_TRACKS
    alpha, scale = (np.array([value], dtype=np.float32) for value in (30, 0.5))
    return Factors(vectors.astype(np.float32), alpha, scale)


def by_hand(scorer: FirstStage, tracks: list[int]) -> np.ndarray:
    """The formula of the class, one track at a time, in float64."""
    total = np.zeros(DIM)
    for track in tracks:
        total += float(WEIGHTS[track]) * VECTORS[track].astype(np.float64)
    return VECTORS.astype(np.float64) @ (total / np.linalg.norm(total))


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
    found = scorer.parts(TrackLists.from_lists([tracks]), asked)
    assert found.sources == tuple(("track", track) for track in tracks)
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
    lists = [rng.permutation(4)[: rng.integers(3)].tolist() for _ in range(NUM_TRACKS)]
    several = TrackLists.from_lists(lists)
    ends = "by", "track", "artist"
    by = Relation(*ends, several.offsets, several.track_index, num_targets=6)
    part = wide_part(rng) if wide else None
    full = scores_by(VECTORS, WEIGHTS, popularity, by, part)
    asked = Query(TrackLists.from_lists([tracks]), emphasis, TrackLists.from_lists([artists]))
    total = np.zeros(DIM)
    for track, factor in zip(tracks, emphasis, strict=True):
        total += factor * WEIGHTS[track] * VECTORS[track].astype(np.float64)
    for artist in artists:
        own = (popularity + 1)[:, None] * VECTORS.astype(np.float64)
        theirs = own[[artist in row for row in lists]].sum(axis=0)
        total += WEIGHTS.mean() * theirs / (np.linalg.norm(theirs) or 1)
    logs = np.log1p(popularity)
    logs = (logs - logs.mean()) / logs.std()
    length = len(tracks) + len(artists)
    if not length:
        logs, dial = popularity / popularity.sum() / FULL_DIAL, -1
    prior = 2 ** (-length / PRIOR_HALF_LIFE) if length else 0
    expected = VECTORS @ (total / (np.linalg.norm(total) or 1))
    expected += (prior - dial) * FULL_DIAL * logs
    if part is not None:
        weights = part.matrix.toarray().astype(np.float64)
        for track, factor in zip(tracks, emphasis, strict=True):
            expected += factor / emphasis.astype(np.float64).mean() * weights[track]
    np.testing.assert_allclose(full.scores(asked, dial)[0], expected, atol=2e-6)
    found = full.parts(asked, np.arange(NUM_TRACKS, dtype=np.int32), dial)
    np.testing.assert_allclose(found.parts.sum(axis=1), full.scores(asked, dial)[0], atol=1e-6)
    assert [kind for kind, _ in found.sources] == (
        ["track"] * len(tracks) + ["artist"] * len(artists) + ["popularity"] * (prior != dial)
    )


def test_emphasis_in_the_wide_part_is_over_its_mean(scorer):
    """So that it moves weight between the tracks of a list, and adds none."""
    wide = wide_part(np.random.default_rng(4))
    lists = TrackLists.from_lists([[3, 8, 1], [], [2, 5]])
    emphasis = np.array([1, 4, 1, 7, 7], dtype=np.float32)
    weights = wide.matrix.toarray()
    found = wide.prepare(Query(lists, emphasis)).by_list.toarray()
    np.testing.assert_allclose(found[0], [0.5, 2, 0.5] @ weights[[3, 8, 1]], atol=1e-6)
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_allclose(found[2], weights[[2, 5]].sum(axis=0), atol=1e-6)
    silent = Query(lists, np.zeros(5, dtype=np.float32))
    assert np.isfinite(replace(scorer, further=(wide,)).scores(silent)).all()


def test_some_rows_of_a_query_are_what_they_were(scorer):
    """Emphasis, artists and what is asked go with their lists."""
    query = Query(
        TrackLists.from_lists([[3, 8, 1], [], [2, 5]]),
        np.array([1, 4, 1, 2, 7], dtype=np.float32),
        TrackLists.from_lists([[], [0], [1]]),
        np.array([NEXT, FIT, EITHER], dtype=np.int8),
    )
    some = query.rows(slice(1, 3))
    assert [some.tracks[row].tolist() for row in range(2)] == [[], [2, 5]]
    np.testing.assert_allclose(some.relative_emphasis, [2 / 4.5, 7 / 4.5])
    assert [some.artists[row].tolist() for row in range(2)] == [[0], [1]]
    assert [some.asked(row) for row in range(2)] == [FIT, EITHER]
    assert Query(query.tracks).asked(0) == FIT, "where nobody says, the order does not count"
    with pytest.raises(ValueError, match="one value per list"):
        replace(query, asks=np.array([NEXT], dtype=np.int8))


def test_a_wide_part_of_no_weights_changes_no_bit(scorer):
    query = TrackLists.from_lists([[3, 8], [], [1]])
    empty = WidePart.from_matrix(csr_array((NUM_TRACKS, NUM_TRACKS), dtype=np.float32))
    found = replace(scorer, further=(empty,)).scores(query)
    np.testing.assert_array_equal(found, scorer.scores(query))


def test_without_popularity_there_is_no_prior(scorer):
    query = TrackLists.from_lists([[3, 8], [1]])
    cosines = scorer.centroid.prepare(Query(query)) @ VECTORS.T
    np.testing.assert_array_equal(scorer.scores(query, 0.0), cosines)
    assert len(scorer.parts(query.rows([0]), np.arange(3, dtype=np.int32)).sources) == 2


def test_the_prior_fades_as_a_list_grows(scorer):
    """And artists count as tracks do; it goes on where the dial turns to the mainstream."""
    known = Popularity(np.arange(NUM_TRACKS))
    lists = TrackLists.from_lists([[], [3], [3, 8, 1, 2, 5, 6, 7], list(range(28))])
    np.testing.assert_allclose(
        known.prepare(Query(lists)).dial, [0, -(2 ** (-1 / 3.5)), -0.25, -(2.0**-8)]
    )
    turned = known.prepare(Query(lists), 0.5).dial
    np.testing.assert_allclose(turned[1:], known.prepare(Query(lists)).dial[1:] + 0.5)
    assert turned[0] == 0, "the most popular tracks, whatever the dial"
    with_artists = Query(lists, artists=TrackLists.from_lists([[0, 1, 2, 3], [0], [], []]))
    np.testing.assert_allclose(
        known.prepare(with_artists).dial,
        [-(2 ** (-4 / 3.5)), -(2 ** (-2 / 3.5)), -0.25, -(2.0**-8)],
    )


def test_equal_popularity_leaves_the_dial_without_effect(scorer):
    alike = replace(scorer, popularity=Popularity(np.full(NUM_TRACKS, 7)))
    query = TrackLists.from_lists([[3, 8]])
    np.testing.assert_array_equal(alike.scores(query, 1.0), scorer.scores(query))


TERMS = {
    "centroid": lambda rng: Centroid(
        unit(rng.normal(size=(NUM_TRACKS, DIM))), rng.random(NUM_TRACKS, np.float32)
    ),
    "popularity": lambda rng: Popularity(rng.integers(0, 50, NUM_TRACKS)),
    "wide": wide_part,
    "factors": factors,
}


@pytest.mark.parametrize("name", TERMS)
@given(
    lists=st.lists(st.lists(st.integers(0, NUM_TRACKS - 1), max_size=6, unique=True), max_size=4),
    dial=st.sampled_from([-1.0, 0.0, 0.4]),
    rng_seed=st.integers(0, 99),
)
def test_a_term_says_the_same_of_slices_of_some_tracks_and_of_pairs(name, lists, dial, rng_seed):
    rng = np.random.default_rng(rng_seed)
    term, query = TERMS[name](rng), Query(TrackLists.from_lists(lists))
    prepared = term.prepare(query, dial)

    def of(tracks, number: int) -> np.ndarray:
        scores = np.full((len(lists), number), 2, dtype=np.float32)
        term.add_to(scores, tracks, prepared)
        return scores - 2

    every = of(slice(0, NUM_TRACKS), NUM_TRACKS)
    assert np.abs(every).max(initial=0) > 0 or not any(lists) or dial
    np.testing.assert_allclose(of(slice(7, 20), 13), every[:, 7:20], atol=1e-6)
    some = np.sort(rng.permutation(NUM_TRACKS)[:11])
    np.testing.assert_allclose(of(some, 11), every[:, some], atol=1e-6)
    pairs = rng.integers(0, NUM_TRACKS, (len(lists), 5))
    expected = np.take_along_axis(every, pairs, axis=1)
    np.testing.assert_allclose(term.pairs(pairs, prepared), expected, atol=1e-6)
    for row in range(len(lists)):
        parts = term.parts(query.rows(slice(row, row + 1)), some.astype(np.int32), dial)
        assert parts.parts.shape == (11, len(parts.sources))
        np.testing.assert_allclose(parts.parts.sum(axis=1), every[row, some], atol=1e-6)


def test_what_a_query_lacks_is_refused(scorer):
    lists = TrackLists.from_lists([[1, 2]])
    with pytest.raises(ValueError, match="one number per track"):
        Query(lists, np.ones(3, dtype=np.float32))
    with pytest.raises(ValueError, match="differ in the number of lists"):
        Query(lists, artists=TrackLists.from_lists([[0], [1]]))
    with pytest.raises(ValueError, match="needs the popularity and artists"):
        scorer.scores(Query(lists, artists=TrackLists.from_lists([[0]])))
    with pytest.raises(ValueError, match="needs the popularity"):
        scorer.scores(lists, 0.5)
    with pytest.raises(ValueError, match="of one list, not of 2"):
        scorer.parts(TrackLists.from_lists([[1], [2]]), np.zeros(1, dtype=np.int32))


def test_a_contribution_is_that_of_its_own_track(scorer):
    """Columns in the order of the query, rows in the order of what was asked."""
    query, asked = np.array([4, 9, 2], dtype=np.int32), np.array([7, 1], dtype=np.int32)
    parts = scorer.parts(TrackLists.from_lists([query.tolist()]), asked).parts
    total = np.sum([WEIGHTS[t] * VECTORS[t] for t in query], axis=0)
    for column, track in enumerate(query):
        part = WEIGHTS[track] * VECTORS[asked] @ VECTORS[track]
        np.testing.assert_allclose(parts[:, column], part / np.linalg.norm(total), atol=1e-6)


def test_one_seed_scores_by_cosine_whatever_its_weight(scorer):
    scores = scorer.scores(TrackLists.from_lists([[5]]))[0]
    np.testing.assert_allclose(scores, VECTORS @ VECTORS[5], atol=1e-6)
    assert scores.argmax() == 5
    assert scores[5] == pytest.approx(1, abs=1e-6)


def test_a_heavier_track_pulls_the_centroid_to_itself(scorer):
    weight = WEIGHTS.copy()
    weight[[0, 1]] = 1
    even = scores_by(VECTORS, weight)
    heavy = scores_by(VECTORS, weight * np.where(np.arange(NUM_TRACKS) == 0, 9, 1))
    query = TrackLists.from_lists([[0, 1]])
    assert heavy.scores(query)[0, 0] > even.scores(query)[0, 0]
    assert heavy.scores(query)[0, 1] < even.scores(query)[0, 1]


def test_an_empty_query_scores_nothing(scorer):
    scores = scorer.scores(TrackLists.from_lists([[], [3], []]))
    np.testing.assert_array_equal(scores[[0, 2]], 0)
    np.testing.assert_allclose(scores[1], by_hand(scorer, [3]), atol=1e-5)
    asked = np.arange(4, dtype=np.int32)
    assert scorer.parts(TrackLists.from_lists([[]]), asked).parts.shape == (4, 0)


def test_an_empty_list_is_scored_by_the_share_of_all_pairs(scorer):
    popularity = np.arange(NUM_TRACKS)
    known = replace(scorer, popularity=Popularity(popularity))
    empty, asked = TrackLists.from_lists([[]]), np.array([4, 9], dtype=np.int32)
    for dial in (-1.0, 0.0, 0.7):
        found = known.scores(empty, dial)[0]
        np.testing.assert_allclose(found, popularity / popularity.sum(), atol=1e-7)
        parts = known.parts(empty, asked, dial)
        assert parts.sources == (("popularity", -1),)
        np.testing.assert_allclose(parts.parts[:, 0], found[asked])


def test_no_queries_give_no_rows(scorer):
    assert scorer.scores(TrackLists.from_lists([])).shape == (0, NUM_TRACKS)


def test_weights_of_nothing_and_opposed_tracks_give_no_nan(scorer):
    silent = scores_by(VECTORS, np.zeros(NUM_TRACKS, dtype=np.float32))
    np.testing.assert_array_equal(silent.scores(TrackLists.from_lists([[1, 2]])), 0)
    opposed = scores_by(
        np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32), np.ones(3, dtype=np.float32)
    )
    np.testing.assert_array_equal(opposed.scores(TrackLists.from_lists([[0, 1]])), 0)
    both, asked = TrackLists.from_lists([[0, 1]]), np.array([0], dtype=np.int32)
    assert np.isfinite(opposed.parts(both, asked).parts).all()


def test_a_fresh_array_each_time(scorer):
    """Callers overwrite what they are given."""
    query = TrackLists.from_lists([[1], []])
    first = scorer.scores(query)
    expected = first.copy()
    first[:] = -np.inf
    np.testing.assert_array_equal(scorer.scores(query), expected)
