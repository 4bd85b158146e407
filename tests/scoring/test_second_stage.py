"""A second stage reorders the best tracks of the first, and touches nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.errors import ArtefactError
from segue.recommend.filters import Filters
from segue.recommend.ranking import Ranker
from segue.recommend.recommender import Recommender
from segue.scoring.features import FEATURES, FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import FIT, NEXT, Query
from segue.scoring.second_stage import SecondStage
from segue.scoring.terms import first_stage_of
from segue.scoring.trees import Trees
from segue.scoring.two_stages import TwoStages
from segue.scoring.wide import WidePart

NUM_TRACKS, POOL = 160, 25
DIALS = [-1.0, -0.3, 0.0, 0.5, 1.0]
NO_FILTERS = Filters()
# By position: emphasis and a known order, neither, nothing at all, one track, an artist alone.
LISTS = [[3, 50, 7, 120], [9, 8, 30], [], [77], []]
NO_TRACKS, BY_ARTIST = 2, 4


@pytest.fixture(scope="module")
def bundle(planted_bundle, second_stage_arrays) -> Bundle:
    rng = np.random.default_rng(5)
    weights = rng.uniform(0, 0.3, (NUM_TRACKS, NUM_TRACKS)).astype(np.float32)
    weights *= rng.random(weights.shape) < 0.1
    wide = WidePart.from_matrix(csr_array(weights))
    return replace(planted_bundle, terms={"wide": wide.arrays()}, second_stage=second_stage_arrays)


@pytest.fixture(scope="module")
def scorer(bundle) -> FirstStage:
    return first_stage_of(bundle, bundle.catalog)


@pytest.fixture(scope="module")
def stage(bundle, scorer) -> SecondStage:
    return SecondStage(bundle.second_stage, scorer, bundle.catalog, bundle.popularity, POOL)


@pytest.fixture(scope="module")
def ranker(bundle, scorer, stage) -> Ranker:
    return Ranker(TwoStages(scorer, stage), bundle.catalog)


@pytest.fixture(scope="module")
def first(bundle, scorer) -> Ranker:
    return Ranker(TwoStages(scorer), bundle.catalog)


@pytest.fixture
def few(bundle) -> Recommender:
    """Of which the second stage looks at few tracks, so that others stay where they are."""
    recommender = Recommender(bundle)
    recommender.stages.second.pool_size = POOL
    return recommender


@pytest.fixture
def asked() -> Query:
    tracks = TrackLists.from_lists(LISTS)
    emphasis = np.ones(tracks.num_pairs, dtype=np.float32)
    emphasis[:4] = [1, 1, 2, 5]
    artists = TrackLists.from_lists([[], [], [], [], [6]])
    return Query(tracks, emphasis, artists, np.array([NEXT, FIT, NEXT, FIT, FIT], dtype=np.int8))


def ranked(ranker: Ranker, query: Query, n: int, dial: float = 0.0, **options):
    options = {"diversity": 0.0, "filters": NO_FILTERS, "allowed": None} | options
    return ranker.rank(query, n, dial=dial, **options)


def final_scores(
    scorer: FirstStage, bundle: Bundle, query: Query, candidates: np.ndarray
) -> np.ndarray:
    """At dial 0, of all tracks for one list: those of the pool in the order of the trees' odds.

    Filters do not change what is in the pool: −inf is what is not among the candidates.
    """
    score = scorer.scores(query)[0]
    allowed = np.setdiff1d(np.arange(NUM_TRACKS), query.tracks.track_index)
    pool = allowed[np.lexsort((allowed, -score[allowed]))][:POOL].astype(np.int32)
    maker = FeatureMaker(scorer, bundle.catalog, bundle.popularity)
    (features,) = maker.features(query, [pool])
    odds = Trees(**bundle.second_stage).predict(features)
    final = np.full(NUM_TRACKS, -np.inf)
    final[allowed] = score[allowed]
    final[pool[np.argsort(-odds, kind="stable")]] = score[pool]
    final[np.setdiff1d(np.arange(NUM_TRACKS), candidates)] = -np.inf
    return final


@pytest.mark.parametrize("dial", DIALS)
@pytest.mark.parametrize("every", [1, 2, 7], ids=["all", "half", "few"])
def test_a_list_at_every_dial_is_that_of_final_scores(bundle, scorer, ranker, asked, dial, every):
    """What the dial adds comes on top of the score that a track has at 0, in the pool or not."""
    candidates = np.arange(0, NUM_TRACKS, every, dtype=np.int32)
    passed = np.isin(np.arange(NUM_TRACKS), candidates) if every > 1 else None
    offset = dial * scorer.popularity.full_turn
    for n in (1, POOL - 1, POOL, POOL + 9, NUM_TRACKS):
        found, score = ranked(ranker, asked, n, dial, allowed=passed)
        for row in (0, 1, 3):
            one = asked.rows(slice(row, row + 1))
            final = final_scores(scorer, bundle, one, candidates) + offset
            order = np.argsort(-final, kind="stable")[:n]
            order = order[np.isfinite(final[order])]
            assert found[row, : len(order)].tolist() == order.tolist(), (row, n)
            np.testing.assert_allclose(score[row, : len(order)], final[order], atol=1e-5)
            assert (found[row, len(order) :] == -1).all()
            assert np.isneginf(score[row, len(order) :]).all()


@pytest.mark.parametrize("dial", DIALS)
def test_lists_without_tracks_are_as_without_it(ranker, first, asked, dial):
    for n in (3, 60, NUM_TRACKS):
        found, score = ranked(ranker, asked, n, dial)
        plain, expected = ranked(first, asked, n, dial)
        for row in (NO_TRACKS, BY_ARTIST):
            np.testing.assert_array_equal(found[row], plain[row])
            np.testing.assert_allclose(score[row], expected[row], atol=1e-6)
        assert not np.array_equal(found[0], plain[0])


def test_the_pool_keeps_its_scores_and_the_others_their_places(ranker, first, asked):
    found, score = ranked(ranker, asked, NUM_TRACKS)
    plain, expected = ranked(first, asked, NUM_TRACKS)
    np.testing.assert_allclose(score, expected, atol=1e-6)
    for row in (0, 1, 3):
        assert set(found[row, :POOL].tolist()) == set(plain[row, :POOL].tolist())
        assert found[row, :POOL].tolist() != plain[row, :POOL].tolist()
        np.testing.assert_array_equal(found[row, POOL:], plain[row, POOL:])


def test_scores_follow_the_odds(stage, scorer, asked):
    """A short row keeps to itself; padding and rows without tracks stay."""
    pool = np.array([[4, 90, 33, 12], [61, 2, -1, -1], [5, 6, 7, 8], [-1] * 4, [9, 10, 11, 12]])
    score = np.array([[4, 3, 2, 1], [2, 1, -np.inf, -np.inf], *[[4, 3, 2, 1]] * 3])
    reordered = stage.reordered(asked, pool.astype(np.int32), score.astype(np.float32))
    np.testing.assert_array_equal(np.sort(reordered), np.sort(score))
    np.testing.assert_array_equal(reordered[[2, 3, 4]], score[[2, 3, 4]])
    np.testing.assert_array_equal(reordered[1, 2:], score[1, 2:])
    # One by one it is the same: a service asks so.
    for row in range(len(pool)):
        one = slice(row, row + 1)
        alone = stage.reordered(asked.rows(one), pool[one].astype(np.int32),
                             score[one].astype(np.float32))  # fmt: skip
        np.testing.assert_array_equal(alone, reordered[one])


@pytest.mark.parametrize("dial", [0.0, 0.7])
def test_filters_look_at_the_list_as_it_is_ordered(bundle, scorer, ranker, asked, dial):
    """At most two an artist: taken greedily from the final order."""
    filters = Filters(max_per_artist=2)
    found, _ = ranked(ranker, asked, 20, dial, filters=filters)
    for row in (0, 1, 3):
        final = final_scores(scorer, bundle, asked.rows(slice(row, row + 1)), np.arange(NUM_TRACKS))
        final = final + dial * scorer.popularity.full_turn
        expected, count = [], dict.fromkeys(range(len(bundle.catalog.artists)), 0)
        for track in np.argsort(-final, kind="stable").tolist():
            artist = int(bundle.catalog.main_artist[track])
            if np.isfinite(final[track]) and count[artist] < 2:
                count[artist] += 1
                expected.append(track)
        assert found[row].tolist() == expected[:20]


def test_diversity_chooses_from_the_list_as_it_is_ordered(ranker, first, asked):
    found, _ = ranked(ranker, asked, 12, diversity=0.4)
    for row in (0, 1, 3):
        assert len(set(found[row].tolist())) == 12
        assert set(found[row].tolist()).isdisjoint(LISTS[row])
        assert found[row, 0] == ranked(ranker, asked, 1)[0][row, 0], "nothing is before the first"
    assert not np.array_equal(found, ranked(first, asked, 12, diversity=0.4)[0])


# --- reasons ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dial", [0.0, 0.6])
def test_reasons_and_the_list_as_a_whole_sum_to_the_score(few, dial):
    found = few.complete("3", 60, dial=dial, question="next")
    added_to = 0
    for track in found.tracks:
        assert {reason.kind for reason in track.because} <= {"track", "popularity"}
        parts = sum(reason.part for reason in track.because) + track.rest
        assert parts == pytest.approx(track.score, abs=1e-6)
        why = few.why(track.track_id, "3", dial=dial, question="next")
        assert sum(term.part for term in why.terms) == pytest.approx(why.score, abs=1e-9)
        assert why.score == pytest.approx(track.score, abs=1e-6)
        (whole,) = (term for term in why.terms if term.kind == "list")
        assert (whole.id, whole.name) == ("", "the list as a whole")
        added_to += whole.part != 0
    assert 1 < added_to <= POOL


def test_what_the_list_adds_is_the_difference_to_the_first_stage(few, bundle):
    plain = Recommender(replace(bundle, second_stage=None))
    for track in few.complete("3", 40, question="next").tracks:
        with_it = few.why(track.track_id, "3", question="next")
        without = plain.why(track.track_id, "3", question="next")
        (whole,) = (term for term in with_it.terms if term.kind == "list")
        assert whole.part == pytest.approx(with_it.score - without.score, abs=1e-6)
        terms = {term.id: term.part for term in with_it.terms if term.kind != "list"}
        assert terms == {term.id: term.part for term in without.terms}


def test_a_list_for_either_is_as_without_it(few, bundle):
    plain = Recommender(replace(bundle, second_stage=None))
    for dial in (0.0, 0.6):
        options = {"question": "either", "dial": dial}
        found = few.complete("3", 60, **options)
        assert found == plain.complete("3", 60, **options)
        assert found != few.complete("3", 60, question="next", dial=dial)
        for track in found.tracks[:3]:
            assert few.why(track.track_id, "3", **options) == plain.why(
                track.track_id, "3", **options
            )


@pytest.mark.filterwarnings("error")
def test_where_all_tracks_are_looked_at(bundle):
    """The pool is larger than the catalogue."""
    recommender = Recommender(bundle)
    for track in recommender.complete("3", NUM_TRACKS, dial=0.5).tracks:
        why = recommender.why(track.track_id, "3", dial=0.5)
        assert why.score == pytest.approx(track.score, abs=1e-6)
    everything = bundle.catalog.track_ids.to_pylist()
    (whole,) = (t for t in recommender.why("Track 9", tracks=everything).terms if t.kind == "list")
    assert whole.part == 0
    assert recommender.complete(tracks=everything).tracks == ()


def test_an_empty_list_and_what_is_asked_with_say_nothing_of_it(few, bundle):
    plain = Recommender(replace(bundle, second_stage=None))
    for dial in (0.0, 0.5):
        assert few.complete(tracks=[], n=9, dial=dial) == plain.complete(tracks=[], n=9, dial=dial)
    asked_with = few.why("Track 9", tracks=["Track 9", "Track 4"])
    assert [term.part for term in asked_with.terms if term.kind == "list"] == [0]


# --- what can be loaded -------------------------------------------------------------------------


def test_it_can_be_left_out(bundle):
    without = Recommender(bundle, second_stage=False)
    plain = Recommender(replace(bundle, second_stage=None))
    assert without.complete("3", 20) == plain.complete("3", 20)
    assert without.why("Track 9", "3") == plain.why("Track 9", "3")


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": None},
        {"one": np.zeros(1)},
        {"left": np.zeros(3, dtype=np.int32)},
        {"leaf_value": np.full(240, np.nan)},
    ],
)
def test_a_model_that_cannot_be_read_is_refused(bundle, change):
    arrays = {n: a for n, a in (bundle.second_stage | change).items() if a is not None}
    with pytest.raises(ArtefactError, match="the second stage cannot be read"):
        Recommender(replace(bundle, second_stage=arrays))


def test_a_model_of_other_features_is_refused(bundle):
    other = bundle.second_stage | {"num_features": np.array([len(FEATURES) + 1])}
    with pytest.raises(ArtefactError, match=r"has \d+ features, expected \d+: it was made by"):
        Recommender(replace(bundle, second_stage=other))
