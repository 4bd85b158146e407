"""Tracks by the artists of a list's tracks are held back: exactly these, by exactly as much."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.errors import ArtefactError, InputError
from segue.recommend.filters import Filters
from segue.recommend.ranking import Ranker
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query
from segue.scoring.questions import Questions
from segue.scoring.two_stages import TwoStages
from segue.scoring.variety import Variety
from segue.scoring.wide import WidePart

NUM_TRACKS, POOL = 160, 25
VARIETY = Variety((1, 4), (0.5, 0.1))
# Of one, two and four tracks, and none; the last names an artist, of a track in the list.
LISTS = [[3], [9, 8], [3, 50, 7, 120], [], [9]]
NAMED = [[], [], [], [2], [4]]
TAKEN = [0.5, 0.3, 0.1, 0, 0.5]


@pytest.fixture(scope="module")
def bundle(planted_bundle, second_stage_arrays) -> Bundle:
    rng = np.random.default_rng(5)
    weights = rng.uniform(0, 0.3, (NUM_TRACKS, NUM_TRACKS)).astype(np.float32)
    weights *= rng.random(weights.shape) < 0.1
    return replace(
        planted_bundle,
        terms={"wide": WidePart.from_matrix(csr_array(weights)).arrays()},
        second_stage=second_stage_arrays,
        questions=Questions(variety=VARIETY).to_json(),
    )


@pytest.fixture(params=[False, True], ids=["first stage", "both stages"])
def stages(bundle, request) -> TwoStages:
    trees = bundle.second_stage if request.param else None
    made = TwoStages.of(bundle, bundle.catalog, trees, Questions.from_json(bundle.questions))
    if made.second is not None:
        made.second.pool_size = POOL
    return made


@pytest.fixture
def query() -> Query:
    return Query(TrackLists.from_lists(LISTS), artists=TrackLists.from_lists(NAMED))


@pytest.fixture
def theirs(bundle) -> np.ndarray:
    """Which tracks are by the artists of each list: bool [num_lists, num_tracks]."""
    artist = bundle.catalog.main_artist
    return np.array(
        [
            [artist[track] in set(artist[tracks]) - set(named) for track in range(NUM_TRACKS)]
            for tracks, named in zip(LISTS, NAMED, strict=True)
        ]
    )


def varied(stages, query, theirs, variety: float) -> np.ndarray:
    """Scores of all tracks: of what lifts theirs above the last of the pool, a share is taken."""
    scores = stages.scores(query, 0.0)
    for row, tracks in enumerate(LISTS):
        left = np.setdiff1d(np.arange(NUM_TRACKS), tracks)
        least = np.sort(scores[row, left])[-stages.pool_size :][0]
        lifted = np.maximum(scores[row] - least, 0) * theirs[row]
        lifted[tracks] = 0
        scores[row] -= variety * TAKEN[row] * lifted
    return scores


def test_shares_between_the_numbers_are_interpolated():
    lists = TrackLists.from_lists([[], [0], [0, 1], [0, 1, 2, 3], list(range(9))])
    found = VARIETY.of(Query(lists))
    np.testing.assert_allclose(found, [0, 0.5, 0.3, 0.1, 0.1], atol=1e-6)
    assert not Variety().of(Query(lists)).any()


@pytest.mark.parametrize("variety", [0.0, 0.4, 1.0])
def test_a_share_of_what_lifts_them_is_taken(stages, query, theirs, variety):
    expected = varied(stages, query, theirs, variety)
    np.testing.assert_allclose(stages.scores(query, variety), expected, atol=1e-6)


@pytest.mark.parametrize("dial", [0.0, 0.7])
@pytest.mark.parametrize("every", [1, 3], ids=["all", "a third"])
@pytest.mark.parametrize("n", [1, POOL - 1, POOL + 9, NUM_TRACKS])
def test_a_list_is_the_order_of_these_scores(stages, query, n, every, dial):
    candidates = np.arange(0, NUM_TRACKS, every)
    allowed = np.isin(np.arange(NUM_TRACKS), candidates) if every > 1 else None
    found, score = stages.best(query, n, dial=dial, variety=0.8, allowed=allowed)
    turned = dial * stages.first.popularity.full_turn
    for row, of_all in enumerate(stages.scores(query, 0.8)):
        of_all = of_all + (0 if query.empty[row] else turned)
        left = np.setdiff1d(candidates, LISTS[row])
        expected = left[np.lexsort((left, -of_all[left]))][:n]
        assert found[row, : len(expected)].tolist() == expected.tolist()
        np.testing.assert_allclose(score[row, : len(expected)], of_all[expected], atol=1e-5)
        assert (found[row, len(expected) :] == -1).all()


@pytest.mark.parametrize("dial", [0.0, -0.6])
def test_its_part_is_what_it_takes(stages, query, theirs, dial):
    tracks = np.arange(NUM_TRACKS, dtype=np.int32)
    plain, expected = stages.scores(query, 0.0), varied(stages, query, theirs, 1.0)
    for row, scores in enumerate(expected):
        one = query.rows(slice(row, row + 1))
        parts = stages.parts(one, tracks, dial, 1.0)
        scores = scores + dial * stages.first.popularity.full_turn * (not query.empty[row])
        np.testing.assert_allclose(parts.parts.sum(axis=1), scores, atol=1e-5)
        part = np.zeros(NUM_TRACKS)
        if ("variety", -1) in parts.sources:
            part = parts.parts[:, parts.sources.index(("variety", -1))]
        np.testing.assert_allclose(part, expected[row] - plain[row], atol=1e-6)
        given = stages.parts_of_scores(one, tracks, scores.astype(np.float32), dial, 1.0)
        assert given.sources == parts.sources
        np.testing.assert_allclose(given.parts, parts.parts, atol=1e-5)


@pytest.fixture(scope="module")
def recommender(bundle) -> Recommender:
    return Recommender(bundle)


def test_a_list_says_what_was_held_back(recommender):
    asked, by = "Track 3", "Artist 3"
    free = recommender.vibe([asked], NUM_TRACKS, variety=0.0)
    found = recommender.vibe([asked], NUM_TRACKS)
    ours = [sum(t.artist_name == by for t in each.tracks[:10]) for each in (free, found)]
    assert ours[0] > ours[1]
    print([(t.artist_name, t.because, t.rest) for t in found.tracks if t.artist_name == by][:2])
    assert any(reason.kind == "variety" for t in found.tracks for reason in t.because)
    for track in found.tracks:
        assert sum(reason.part for reason in track.because) + track.rest == pytest.approx(
            track.score, abs=1e-5
        )
        why = recommender.why(track.track_id, tracks=[asked])
        assert why.score == pytest.approx(track.score, abs=1e-5)
        held = any(term.kind == "variety" and term.part < 0 for term in why.terms)
        assert held == (track.artist_name == by)


def test_a_filter_for_the_artist_is_not_left_empty(recommender):
    found = recommender.vibe(["Track 3"], 5, filters=Filters(only_artists=["Artist 3"]))
    assert [track.artist_name for track in found.tracks] == ["Artist 3"] * 5
    scores = [track.score for track in found.tracks]
    assert scores == sorted(scores, reverse=True)


def test_batches_are_as_lists(recommender):
    asked = [["Track 3"], ["Track 9", "Track 8"]]
    lists = TrackLists.from_lists([[3], [9, 8]])
    for variety in (0.0, 1.0):
        track_index, score = recommender.rank(lists, 8, variety=variety)
        for row, tracks in enumerate(asked):
            found = recommender.vibe(tracks, 8, variety=variety).tracks
            ids = [f"segue:track:{track}" for track in track_index[row]]
            assert [track.track_id for track in found] == ids
            np.testing.assert_allclose([track.score for track in found], score[row], atol=1e-5)


@pytest.mark.parametrize("variety", [-0.1, 1.1, "much", float("nan")])
def test_a_variety_outside_its_range_is_refused(recommender, variety):
    with pytest.raises(InputError, match=r"variety is .*, expected from 0"):
        recommender.vibe(["Track 3"], variety=variety)
    with pytest.raises(InputError, match=r"variety is .*, expected from 0"):
        recommender.why("Track 4", tracks=["Track 3"], variety=variety)


def test_it_is_stored(bundle):
    assert Questions.from_json(bundle.questions).variety == VARIETY
    assert Questions.from_json({}).variety == Variety()


@pytest.mark.parametrize(
    "stored",
    [
        {"num_given": [1]},
        {"num_given": [1, 2], "taken": [0.1]},
        {"num_given": [2, 1], "taken": [0.1, 0.1]},
        {"num_given": [0], "taken": [0.1]},
        {"num_given": [1], "taken": [-0.1]},
        {"num_given": [1], "taken": [float("nan")]},
        {"num_given": [1], "taken": [1.0]},
        {"num_given": [1], "taken": ["much"]},
        [0.5],
    ],
)
def test_what_cannot_be_read_is_refused(stored):
    with pytest.raises(ArtefactError, match="how the bundle answers its questions"):
        Questions.from_json({"variety": stored})


def test_ranking_with_limits_looks_at_varied_scores(stages, bundle, query):
    ranker = Ranker(stages, bundle.catalog)
    found, _ = ranker.rank(query, 10, filters=Filters(max_per_artist=2))
    for row, of_all in enumerate(stages.scores(query)):
        expected, count = [], dict.fromkeys(range(len(bundle.catalog.artists)), 0)
        for track in np.argsort(-of_all, kind="stable").tolist():
            artist = int(bundle.catalog.main_artist[track])
            if track not in LISTS[row] and count[artist] < 2:
                count[artist] += 1
                expected.append(track)
        assert found[row].tolist() == expected[:10]
