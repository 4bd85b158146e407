"""The wide part of a score: a matrix that checks itself, summed over the tracks of a query."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from segue.data.playlists import TrackLists
from segue.scoring.query import Query
from segue.scoring.wide import WidePart

NUM_TRACKS = 5
DENSE = np.array(
    [
        [0, 1, 0, 0, 0.5],
        [2, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0.25, 0, -1, 0, 0],
        [0, 0, 0, 3, 0],
    ],
    dtype=np.float32,
)


@pytest.fixture
def wide() -> WidePart:
    return WidePart.from_matrix(csr_array(DENSE))


def test_from_a_matrix_and_back(wide):
    assert [array.dtype for array in wide.arrays().values()] == [np.int64, np.int32, np.float32]
    np.testing.assert_array_equal(wide.matrix.toarray(), DENSE)
    assert wide.num_tracks == NUM_TRACKS
    # A matrix whose rows are in disorder.
    row = csr_array(
        (np.array([1, 2], dtype=np.float32), np.array([3, 1]), np.array([0, 2, 2, 2, 2]))
    )
    shuffled = WidePart.from_matrix(csr_array((row.data, row.indices, row.indptr), shape=(4, 4)))
    assert shuffled.track_index.tolist() == [1, 3]
    assert shuffled.weight.tolist() == [2, 1]


@given(
    lists=st.lists(
        st.lists(st.integers(0, NUM_TRACKS - 1), unique=True, max_size=NUM_TRACKS), max_size=4
    ),
    rng_seed=st.integers(0, 9),
)
def test_scores_are_sums_of_rows(lists, rng_seed):
    wide = WidePart.from_matrix(csr_array(DENSE))
    tracks = TrackLists.from_lists(lists)
    emphasis = np.random.default_rng(rng_seed).uniform(0.1, 3, tracks.num_pairs).astype(np.float32)
    expected = np.zeros((2, len(lists), NUM_TRACKS))
    for pair, (row, track) in enumerate(zip(tracks.list_index(), tracks.track_index, strict=True)):
        mean = emphasis[slice(*tracks.offsets[row : row + 2])].astype(np.float64).mean()
        expected[0, row] += DENSE[track]
        expected[1, row] += emphasis[pair] / mean * DENSE[track]
    for query, by_hand in zip((Query(tracks), Query(tracks, emphasis)), expected, strict=True):
        found = wide.prepare(query).by_list
        assert found.shape == (len(lists), NUM_TRACKS)
        np.testing.assert_allclose(found.toarray(), by_hand, atol=1e-5)


def test_further_tracks_have_no_weights(wide):
    more = wide.with_tracks(8)
    assert more.num_tracks == 8
    np.testing.assert_array_equal(more.matrix.toarray()[:5, :5], DENSE)
    assert more.matrix.nnz == wide.matrix.nnz
    same = wide.with_tracks(NUM_TRACKS).arrays()
    for name, array in wide.arrays().items():
        np.testing.assert_array_equal(same[name], array)


BAD = {
    "a weight too few": ({"weight": lambda a: a[1:]}, "one finite weight"),
    "nan": ({"weight": lambda a: a * np.float32(np.nan)}, "one finite weight"),
    "infinite": ({"weight": lambda a: a + np.float32(np.inf)}, "one finite weight"),
    "no offsets": ({"offsets": lambda a: a[:0]}, "must ascend from 0"),
    "not from 0": ({"offsets": lambda a: a + 1}, "must ascend from 0"),
    "falling": ({"offsets": lambda a: a[[0, 2, 1, 3, 4, 5]]}, "must ascend from 0"),
    "short of the end": ({"offsets": lambda a: a[:-1]}, "must end at the number"),
    "below the tracks": ({"track_index": lambda a: a - 1}, "tracks that do not exist"),
    "beyond the tracks": ({"track_index": lambda a: a + 2}, "tracks that do not exist"),
    "twice in a row": ({"track_index": lambda a: a * 0}, "must ascend"),
    "in disorder": ({"track_index": lambda a: a[[1, 0, *range(2, len(a))]]}, "must ascend"),
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_that_are_no_such_matrix_are_refused(wide, case):
    change, says = BAD[case]
    changed = {name: change.get(name, lambda a: a)(a) for name, a in wide.arrays().items()}
    with pytest.raises(ValueError, match=says):
        WidePart(**changed)
