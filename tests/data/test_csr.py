"""Arrays in CSR form that are too large to be sorted at once."""

import numpy as np
import pytest

from segue.data.csr import offsets_of, parts_of, row_index, stand_in
from segue.data.playlists import TrackLists


@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        ([2, 1, 3, 0, 0, 5, 1], [(0, 2), (2, 3), (3, 6), (6, 7)]),
        ([7, 7], [(0, 1), (1, 2)]),
        ([0, 0, 0], [(0, 3)]),
        ([], []),
    ],
)
def test_parts_have_about_so_many_entries(lengths, parts):
    found = list(parts_of(offsets_of(np.array(lengths, dtype=np.int64)), 3))
    assert [(rows.start, rows.stop) for rows in found] == parts


@pytest.fixture(scope="module")
def long_lists() -> TrackLists:
    """200,000 pairs: several parts, one list larger than a part."""
    rng = np.random.default_rng(4)
    lists = [rng.permutation(1000)[: rng.integers(2, 200)].tolist() for _ in range(1300)]
    lists.insert(700, rng.permutation(80_000).tolist())
    return TrackLists.from_lists(lists)


def test_a_repeat_in_any_part_is_found(long_lists):
    assert len(list(parts_of(long_lists.offsets))) == 3
    for at in (3, 700, 1299):
        first, last = long_lists.offsets[at], long_lists.offsets[at + 1]
        repeated = long_lists.track_index.copy()
        repeated[last - 1] = repeated[first]
        with pytest.raises(ValueError, match="appears twice"):
            TrackLists(long_lists.offsets, repeated)


def test_shuffles_do_not_depend_on_parts(long_lists):
    """As one sort of all pairs gives them: a split is known by its fingerprint."""
    drawn = np.random.default_rng(5).random(long_lists.num_pairs)
    order = np.lexsort((drawn, row_index(long_lists.offsets)))
    expected = np.empty(len(order), dtype=np.int64)
    expected[order] = long_lists.positions()
    found = long_lists.shuffled_positions(np.random.default_rng(5))
    np.testing.assert_array_equal(found, expected)


def test_which_values_occur():
    ordered = np.array([1, 4, 9])
    assert stand_in(ordered, np.array([9, 0, 4, 10, 1])).tolist() == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert stand_in(np.array([], dtype=np.int64), np.array([1, 2])).tolist() == [False, False]
