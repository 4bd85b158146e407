"""The odds of words: a matrix that checks itself, summed over the words of a title."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.data.playlists import TrackLists
from segue.scoring.query import Query
from segue.scoring.word_odds import WordOdds

DENSE = np.array([[0, 1, 0, 0, 0.5], [2, 0, 0, 0, 0], [0, 0, 0, 0, 0]], dtype=np.float32)
SCALE, GROWTH = 0.5, -0.5
WORDS = TrackLists.from_lists([[0, 1], [], [1], [2]])
TRACKS = TrackLists.from_lists([[], [3], [0, 4, 1], [2]])
ARTISTS = TrackLists.from_lists([[], [0], [1], []])
# Of each list, by hand: s · (1 + n)^c times the sum of the rows of its words.
EXPECTED = np.array([0.5, 0, 0.5 * 5**-0.5, 0])[:, None] * [
    DENSE[0] + DENSE[1], DENSE[2], DENSE[1], DENSE[2],
]  # fmt: skip


@pytest.fixture
def odds() -> WordOdds:
    return WordOdds.from_matrix(csr_array(DENSE), SCALE, GROWTH)


@pytest.fixture
def query() -> Query:
    return Query(TRACKS, words=WORDS, artists=ARTISTS)


def test_they_are_summed_over_the_words_and_fade_beside_songs(odds, query):
    prepared = odds.prepare(query)
    scores = np.ones((4, 5), dtype=np.float32)
    odds.add_to(scores, slice(0, 5), prepared)
    np.testing.assert_allclose(scores, 1 + EXPECTED, atol=1e-6)
    some = np.zeros((4, 2), dtype=np.float32)
    odds.add_to(some, np.array([0, 4]), prepared)
    np.testing.assert_allclose(some, EXPECTED[:, [0, 4]], atol=1e-6)
    asked = np.array([[4, 0], [0, 1], [0, 2], [1, 1]])
    found = odds.pairs(asked, prepared)
    np.testing.assert_allclose(found, np.take_along_axis(EXPECTED, asked, axis=1), atol=1e-6)
    assert [tracks.tolist() for tracks in odds.strongest(1, prepared)] == [[0], [], [0], []]


def test_their_parts_are_those_of_the_words(odds, query):
    one = query.rows(slice(0, 1))
    parts = odds.parts(one, np.array([4, 0, 2], dtype=np.int32))
    assert parts.sources == (("word", 0), ("word", 1))
    np.testing.assert_allclose(parts.parts, [[0.25, 0], [0, 1], [0, 0]], atol=1e-6)


def test_a_track_left_out_leaves_one_song_fewer(odds, query):
    found = odds.left_out(query)
    # Of the third list, of three songs and an artist, word 1 knows track 0.
    np.testing.assert_allclose(found, [0, 2 * 0.5 * 4**-0.5, 0, 0, 0], atol=1e-6)


def test_without_a_title_they_add_nothing(odds):
    for query in (Query(TRACKS), Query(TRACKS, words=TrackLists.from_lists([[]] * 4))):
        prepared = odds.prepare(query)
        scores = np.zeros((4, 5), dtype=np.float32)
        odds.add_to(scores, slice(0, 5), prepared)
        assert not scores.any()
        assert not odds.pairs(np.zeros((4, 1), dtype=np.int64), prepared).any()
        assert not odds.left_out(query).any()
        assert odds.strongest(3, prepared) is None
        one = query.rows(slice(0, 1))
        assert odds.parts(one, np.array([1], dtype=np.int32)).sources == ()


def test_another_scale_and_further_tracks(odds, query):
    doubled = odds.scaled(1.0, GROWTH).prepare(query).by_list.toarray()
    np.testing.assert_allclose(doubled, 2 * EXPECTED, atol=1e-6)
    more = odds.with_tracks(7).prepare(query).by_list.toarray()
    np.testing.assert_allclose(more, np.pad(EXPECTED, ((0, 0), (0, 2))), atol=1e-6)
    again = WordOdds.from_arrays(odds.arrays())
    np.testing.assert_array_equal(again.matrix.toarray(), DENSE)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"odds": np.array([1, np.nan, 2], np.float32)}, "one finite weight"),
        ({"odds": np.array([1, 2], np.float32)}, "one finite weight"),
        ({"track_index": np.array([1, 5, 0], np.int32)}, "tracks that do not exist"),
        ({"track_index": np.array([4, 1, 0], np.int32)}, "must ascend"),
        ({"offsets": np.array([0, 2, 1, 3], np.int64)}, "must ascend from 0"),
        ({"size": np.array([1], np.int64)}, "tracks that do not exist"),
        ({"size": np.array([5.0])}, "size of the odds of words must be one whole number"),
        ({"scale": np.array([np.inf], np.float32)}, "scale of the odds of words must be one"),
        ({"scale": np.array([-1], np.float32)}, "from 0 to 100"),
        ({"growth": np.array([3], np.float32)}, "growth .* from -2 to 2"),
        ({"growth": np.array([np.nan], np.float32)}, "growth .* from -2 to 2"),
        ({"growth": np.array([1, 1], np.float32)}, "growth .* must be one number"),
    ],
)
def test_arrays_that_are_no_odds_are_refused(odds, changed, says):
    with pytest.raises(ValueError, match=says):
        replace(odds, **changed)
