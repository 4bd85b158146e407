"""The emphasis on the end of an ordered playlist."""

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.scoring.recency import Recency


def test_by_hand():
    lists = TrackLists.from_lists([[4, 5, 6], [], [9]])
    emphasis = Recency(strength=2.0, half_life=1.0).emphasis(lists)
    assert emphasis.dtype == np.float32
    np.testing.assert_allclose(emphasis, [1.5, 2, 3, 3])
    np.testing.assert_array_equal(Recency(0.0, 1.0).emphasis(lists), 1)


@pytest.mark.parametrize("values", [(-1.0, 1.0), (np.inf, 1.0), (1.0, 0.0), (np.nan, 1.0)])
def test_out_of_range(values):
    with pytest.raises(ValueError, match="out of range"):
        Recency(*values)
