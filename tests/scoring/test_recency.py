"""The emphasis on the end of an ordered playlist."""

import numpy as np

from segue.data.playlists import TrackLists
from segue.scoring.recency import Recency


def test_by_hand():
    lists = TrackLists.from_lists([[4, 5, 6], [], [7, 8], [9]])
    emphasis = Recency(strength=2.0, half_life=1.0).emphasis(
        lists, np.array([True, True, False, True])
    )
    assert emphasis.dtype == np.float32
    np.testing.assert_allclose(emphasis, [1.5, 2, 3, 1, 1, 3])


def test_nothing_ordered_has_no_emphasis():
    lists = TrackLists.from_lists([[4, 5], [6]])
    assert Recency().emphasis(lists, np.zeros(2, dtype=bool)) is None
    assert Recency(strength=0.0).emphasis(lists, np.ones(2, dtype=bool)) is None
