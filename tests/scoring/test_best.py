"""The exact top of a row, against a naive sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.scoring import best as index
from segue.scoring.best import best_tracks, top_tracks


def naive(scores: list[float], excluded: list[int], n: int) -> list[tuple[int, float]]:
    """Sort all pairs (−score, index): ties go to the lower index by construction."""
    allowed = [t for t in range(len(scores)) if t not in excluded]
    ranked = sorted(allowed, key=lambda track: (-scores[track], track))
    listed = [(track, scores[track]) for track in ranked[:n]]
    return listed + [(-1, -np.inf)] * (n - len(listed))


@st.composite
def rows(draw):
    num_tracks = draw(st.integers(1, 12))
    # Few distinct values: ties everywhere, also across the cut.
    values = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5])
    row = st.lists(values, min_size=num_tracks, max_size=num_tracks)
    scores = draw(st.lists(row, min_size=1, max_size=4))
    tracks = st.lists(st.integers(0, num_tracks - 1), unique=True, max_size=num_tracks)
    excluded = [draw(tracks) for _ in scores]
    return scores, excluded, draw(st.integers(1, 15))


@given(rows())
def test_as_a_naive_sort_has_it(case):
    scores, excluded, n = case
    track_index, best = top_tracks(
        np.array(scores, dtype=np.float32), TrackLists.from_lists(excluded), n
    )
    assert track_index.dtype == np.int32
    assert best.dtype == np.float32
    assert track_index.shape == best.shape == (len(scores), n)
    for row, (values, known) in enumerate(zip(scores, excluded, strict=True)):
        found = list(zip(track_index[row].tolist(), best[row].tolist(), strict=True))
        assert found == naive(values, known, n)


def test_many_tracks_with_ties_at_the_cut():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 50, size=(3, 5000)).astype(np.float32)
    excluded = [rng.choice(5000, 400, replace=False).tolist() for _ in range(3)]
    track_index, _ = top_tracks(scores.copy(), TrackLists.from_lists(excluded), 300)
    for row in range(3):
        expected = naive(scores[row].tolist(), set(excluded[row]), 300)
        assert track_index[row].tolist() == [track for track, _ in expected]


@pytest.mark.parametrize("entries", [1, 700, 1000, 10**6])
def test_blocks_do_not_show(monkeypatch, entries):
    """Of 100 tracks: a block of one row, of 7 and a rest, of 10, and one block."""
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 30, size=(25, 100)).astype(np.float32)
    excluded = [rng.choice(100, 10 * (row % 11), replace=False).tolist() for row in range(25)]
    monkeypatch.setattr(index, "_BLOCK_ENTRIES", entries)
    track_index, best = top_tracks(scores.copy(), TrackLists.from_lists(excluded), 40)
    for row in range(25):
        found = list(zip(track_index[row].tolist(), best[row].tolist(), strict=True))
        assert found == naive(scores[row].tolist(), excluded[row], 40)


def test_no_rows():
    track_index, best = top_tracks(np.ones((0, 3), np.float32), TrackLists.from_lists([]), 2)
    assert track_index.shape == best.shape == (0, 2)


def test_all_equal_gives_the_first_tracks():
    track_index, _ = top_tracks(np.zeros((1, 9), np.float32), TrackLists.from_lists([[0, 2]]), 4)
    assert track_index.tolist() == [[1, 3, 4, 5]]


def test_everything_excluded_gives_padding_alone():
    track_index, best = top_tracks(
        np.ones((1, 3), np.float32), TrackLists.from_lists([[2, 0, 1]]), 2
    )
    assert track_index.tolist() == [[-1, -1]]
    assert np.isneginf(best).all()


@pytest.mark.parametrize("n", [0, -1])
def test_a_list_of_nothing_is_refused(n):
    with pytest.raises(ValueError, match="at least 1"):
        top_tracks(np.ones((1, 3), np.float32), TrackLists.from_lists([[]]), n)


def test_a_long_row_is_as_a_short_one():
    """Where the best of each stretch are looked at first: ties, and too few stretches, too."""
    rng = np.random.default_rng(4)
    for values in (rng.normal(size=100_000), rng.integers(0, 30, 100_000), np.zeros(100_000)):
        scores = values.astype(np.float32)
        for n in (1, 20, 500):
            track_index, best = top_tracks(scores[None].copy(), TrackLists.from_lists([[]]), n)
            expected = np.argsort(-scores, kind="stable")[:n]
            np.testing.assert_array_equal(track_index[0], expected)
            np.testing.assert_array_equal(best[0], scores[expected])


@given(
    rng_seed=st.integers(0, 999),
    num_queries=st.integers(0, 5),
    num_tracks=st.integers(0, 60),
    n=st.integers(1, 25),
    entries=st.sampled_from([1, 40, 100, 10**6]),
    share=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
)
def test_tiles_do_not_show(rng_seed, num_queries, num_tracks, n, entries, share):
    """`best_tracks` is `top_tracks` of all scores, whatever the size of a tile; ties everywhere."""
    rng = np.random.default_rng(rng_seed)
    every = rng.integers(-3, 4, size=(num_queries, num_tracks)).astype(np.float32)

    def add_scores(scores: np.ndarray, tracks) -> None:
        assert not scores.any()
        assert isinstance(tracks, slice) or (np.diff(tracks) > 0).all()
        scores += every[:, tracks]

    excluded = TrackLists.from_lists(
        [rng.permutation(num_tracks)[: rng.integers(0, num_tracks + 1)] for _ in every]
    )
    passes = rng.random(num_tracks) < share
    scores = np.where(passes, every, -np.inf)
    expected = (
        top_tracks(scores.astype(np.float32), excluded, n)
        if num_tracks
        else (np.full((num_queries, n), -1), np.full((num_queries, n), -np.inf))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_TILE_ENTRIES", entries)
        patch.setattr(index, "_GATHERED", max(entries // 3, 1))
        found = best_tracks(
            add_scores, num_tracks, excluded, n, allowed=passes if share < 1 else None
        )
    assert found[0].dtype == np.int32
    assert found[1].dtype == np.float32
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def test_vectors_are_gathered_only_where_few_tracks_are_allowed():
    """A track that is excluded must not cost a copy of all vectors."""
    asked = []

    def add_scores(scores: np.ndarray, tracks) -> None:
        asked.append(tracks)
        scores += np.arange(100, dtype=np.float32)[tracks]

    for lists, forbidden, gathered in (
        *((1, 1, False), (1, 75, False), (1, 80, True), (1, 99, True), (1, 100, True)),
        *((20, 1, False), (20, 35, False), (20, 40, True)),
    ):
        asked.clear()
        allowed = np.arange(100) >= forbidden
        excluded = TrackLists.from_lists([[99]] * lists)
        found, _ = best_tracks(add_scores, 100, excluded, 1, allowed=allowed)
        assert found.tolist() == [[98 if forbidden < 99 else -1]] * lists
        assert all(isinstance(tracks, slice) != gathered for tracks in asked)
        if gathered:
            assert sum(map(len, asked)) == 100 - forbidden
