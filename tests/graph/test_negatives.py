"""Random negatives: never held, uniform over all else, blind to what is held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.graph.holding_out import split_graph
from segue.graph.negatives import RandomSampler
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe


@given(
    held=st.lists(st.sets(st.integers(0, 11)), min_size=1, max_size=6),
    rng_seed=st.integers(0, 2**32),
)
def test_a_negative_is_never_held(held: list[set[int]], rng_seed: int) -> None:
    negatives = RandomSampler(TrackLists.from_lists([list(tracks) for tracks in held]), 12)
    assert negatives.num_allowed.tolist() == [12 - len(tracks) for tracks in held]
    free = [row for row, tracks in enumerate(held) if len(tracks) < 12]
    rows = np.array(free * 5, dtype=np.int64)
    drawn, again = (negatives.draw(rows, np.random.default_rng(rng_seed)) for _ in range(2))
    np.testing.assert_array_equal(drawn, again)
    assert drawn.dtype == np.int32
    for row, track in zip(rows, drawn, strict=True):
        assert 0 <= track < 12
        assert track not in held[row]


def test_negatives_are_uniform_and_the_only_one_is_found() -> None:
    # List 0 may get 1, 4 and 5 of six tracks, list 1 only track 3.
    held = TrackLists.from_lists([[3, 0, 2], [5, 4, 0, 1, 2]])
    rows = np.repeat([0, 1], [30_000, 5])
    drawn = RandomSampler(held, 6).draw(rows, np.random.default_rng(0))
    counts = np.bincount(drawn[:30_000], minlength=6)
    # 10,000 expected of each; 300 are 3.7 standard deviations, and the draw is fixed.
    assert counts[[0, 2, 3]].tolist() == [0, 0, 0]
    assert np.abs(counts[[1, 4, 5]] - 10_000).max() < 300
    assert drawn[30_000:].tolist() == [3] * 5


def test_held_out_tracks_stay_possible(planted_graph: PlaylistGraph) -> None:
    """The sampler sees the training graph alone, so a held-out track is as likely as any other."""
    split = split_graph(planted_graph, SplitRecipe(test_share=0.5))
    train, targets = split.train.playlists.tracks, split.test.targets
    negatives = RandomSampler(train, 160)
    rows = np.repeat(np.arange(240), 400)
    drawn = negatives.draw(rows, np.random.default_rng(0))
    held_out = [np.isin(drawn[rows == row], targets[row]).mean() for row in range(240)]
    expected = targets.lengths / negatives.num_allowed
    assert np.mean(held_out) == pytest.approx(expected.mean(), rel=0.05)
    assert expected.mean() > 0.03


def test_a_list_that_holds_everything_is_refused() -> None:
    negatives = RandomSampler(TrackLists.from_lists([[0], [1, 0]]), 2)
    assert negatives.draw(np.array([0, 0]), np.random.default_rng(0)).tolist() == [1, 1]
    with pytest.raises(ValueError, match="list 1 holds every track"):
        negatives.draw(np.array([0, 1]), np.random.default_rng(0))
