"""Leave one out: the score of a track for its list without it, against asking for that list."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import random_array

from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.scoring.centroid import Words, unit_rows
from segue.scoring.factors import Factors
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.terms import first_stage_of
from segue.scoring.wide import WidePart


@pytest.fixture(scope="module")
def first_stage(planted_bundle) -> FirstStage:
    """With factors and a wide part, weights of tracks to themselves included."""
    rng = np.random.default_rng(3)
    num_tracks = planted_bundle.catalog.num_tracks
    weights = random_array((num_tracks, num_tracks), density=0.2, random_state=rng).tocsr()
    weights.setdiag(rng.random(num_tracks))
    wide = WidePart.from_matrix(weights.tocsr())
    vectors = unit_rows(rng.normal(size=(num_tracks, 6)).astype(np.float32)) / 3
    alpha, scale = (np.array([value], dtype=np.float32) for value in (50, 0.4))
    terms = {"wide": wide.arrays(), "factors": Factors(vectors, alpha, scale).arrays()}
    bundle: Bundle = replace(planted_bundle, terms=terms)
    return first_stage_of(bundle, bundle.catalog)


@pytest.mark.parametrize("artists", [None, TrackLists.from_lists([[2], [], [4, 1]])])
def test_it_is_the_score_of_the_list_without_the_track(first_stage, artists):
    lists = [[3, 50, 7, 120], [9], [159, 0, 80, 81, 82, 83]]
    query = Query(TrackLists.from_lists(lists), artists=artists)
    found = first_stage.left_out(query)
    expected = []
    for row, tracks in enumerate(lists):
        for track in tracks:
            others = TrackLists.from_lists([[t for t in tracks if t != track]])
            by = None if artists is None else artists.rows(slice(row, row + 1))
            expected.append(first_stage.scores(Query(others, artists=by))[0, track])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32


def test_titles_stay(first_stage):
    """They count otherwise beside fewer tracks, and alone as one."""
    rng = np.random.default_rng(7)
    dim = first_stage.centroid.track_vectors.shape[1]
    vectors = unit_rows(rng.normal(size=(4, dim)).astype(np.float32))
    weight = np.array([0.5, 1, 2, 0.3], dtype=np.float32)
    words = Words(vectors, weight, np.array([False, False, True, True]), 0.7)
    titled = replace(first_stage, centroid=replace(first_stage.centroid, words=words))
    lists, titles = [[3, 50, 7, 120], [9], [5, 6]], [[0, 2, 3], [1], []]
    found = titled.left_out(
        Query(TrackLists.from_lists(lists), words=TrackLists.from_lists(titles))
    )
    expected = []
    for tracks, title in zip(lists, titles, strict=True):
        for track in tracks:
            others = TrackLists.from_lists([[t for t in tracks if t != track]])
            asked = Query(others, words=TrackLists.from_lists([title]))
            expected.append(titled.scores(asked)[0, track])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    asked = Query(TrackLists.from_lists([[3, 50], []]), words=TrackLists.from_lists([[0], [1]]))
    assert asked.lengths.tolist() == [2, 1]
    assert not asked.empty.any()


def test_a_titled_list_is_the_same_alone_and_among_others(first_stage):
    """To the bit: the second stage was trained on many lists at a time."""
    rng = np.random.default_rng(8)
    centroid, number = first_stage.centroid, 60
    vectors = unit_rows(rng.normal(size=(30, centroid.track_vectors.shape[1])).astype(np.float32))
    words = Words(vectors, rng.random(30, dtype=np.float32), np.zeros(30, dtype=bool), 0.7)
    titled = replace(centroid, words=words)
    drawn = [rng.choice(30, rng.integers(1, 8), replace=False).tolist() for _ in range(number)]
    query = Query(
        TrackLists.from_lists([[row, row + 1] for row in range(number)]),
        words=TrackLists.from_lists(drawn),
    )
    together = titled.prepare(query)
    for row in range(number):
        (alone,) = titled.prepare(query.rows(slice(row, row + 1)))
        np.testing.assert_array_equal(together[row], alone)


def test_emphasis_is_refused(first_stage):
    tracks = TrackLists.from_lists([[1, 2]])
    with pytest.raises(ValueError, match="without emphasis"):
        first_stage.left_out(Query(tracks, np.array([1, 2], dtype=np.float32)))


def test_scores_of_some_tracks_are_those_of_all(first_stage):
    query = TrackLists.from_lists([[3, 50, 7], []])
    some = np.array([0, 3, 88, 159])
    np.testing.assert_allclose(
        first_stage.scores(query, 0.5, some), first_stage.scores(query, 0.5)[:, some], atol=1e-6
    )
