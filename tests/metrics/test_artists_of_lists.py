"""Whose tracks lists hold: by hand, against loops, and of lists without any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.metrics import artist_diversity, artist_share, listed

NUM_TRACKS = 8
ARTIST = np.array([0, 0, 0, 1, 1, 2, -1, -1])

lists = st.lists(
    st.lists(st.integers(0, NUM_TRACKS - 1), max_size=NUM_TRACKS, unique=True), min_size=1
)


def csr(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, rows)])
    return offsets, np.array([track for row in rows for track in row], dtype=np.int64)


@given(lists, st.randoms(use_true_random=False))
def test_as_loops_count(rows: list[list[int]], random) -> None:
    queries = [random.sample(range(NUM_TRACKS), random.randrange(4)) for _ in rows]
    shares = artist_share(*csr(rows), *csr(queries), ARTIST)
    diversities = artist_diversity(*csr(rows), ARTIST)
    for place, (row, query) in enumerate(zip(rows, queries, strict=True)):
        ours = {ARTIST[track] for track in query} - {-1}
        expected = sum(ARTIST[track] in ours for track in row) / len(row) if row else np.nan
        np.testing.assert_equal(shares[place], expected)
        different = [
            ARTIST[one] < 0 or ARTIST[one] != ARTIST[other]
            for at, one in enumerate(row)
            for other in row[:at]
        ]
        expected = sum(different) / len(different) if different else np.nan
        np.testing.assert_equal(diversities[place], expected)


def test_the_first_of_a_list_and_short_ones() -> None:
    offsets, tracks = listed(np.array([[3, 1, 2], [0, -1, -1]]), NUM_TRACKS, 2)
    assert (offsets.tolist(), tracks.tolist()) == ([0, 2, 3], [3, 1, 0])


def test_wrong_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="track_index"):
        artist_diversity(np.array([0, 1]), np.array([NUM_TRACKS]), ARTIST)
    with pytest.raises(ValueError, match="offsets"):
        artist_share(np.array([0, 2]), np.array([1]), np.array([0, 0]), np.array([1]), ARTIST)
    with pytest.raises(ValueError, match="fewer than k"):
        listed(np.array([[3, 1]]), NUM_TRACKS, 5)
