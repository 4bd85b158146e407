"""What a step hides of a playlist: some of its tracks, never all, drawn as documented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.graph.playlist_graph import PlaylistGraph
from segue.training.hiding import hide
from segue.training.objectives import CatalogueSoftmax

SHARE = CatalogueSoftmax.hidden_share


@given(
    lengths=st.lists(st.integers(2, 40), min_size=1, max_size=8),
    share=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)).map(sorted).map(tuple),
    few_share=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
def test_hide_parts_each_playlist(
    lengths: list[int], share: tuple[float, float], few_share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    tracks = TrackLists.from_lists(
        [[1, 0], *(rng.permutation(60)[:length].tolist() for length in lengths), [5]]
    )
    rows = np.arange(1, len(lengths) + 1)
    rng = np.random.default_rng(seed)
    hidden_pairs, visible, hidden = hide(tracks, rows, share, few_share, rng)

    assert len(visible) == len(hidden) == len(rows)
    assert (visible.lengths >= 1).all()
    assert (hidden.lengths >= 1).all()
    for place, row in enumerate(rows):
        parts = np.concatenate([visible[place], hidden[place]])
        assert sorted(parts) == sorted(tracks[row])
    # The positions are those of the hidden tracks, playlist by playlist.
    np.testing.assert_array_equal(tracks.track_index[hidden_pairs], hidden.track_index)
    np.testing.assert_array_equal(tracks.list_index()[hidden_pairs], rows[hidden.list_index()])
    if few_share == 0:
        # Whole tracks: half of one more or less than the share, from one to all but one.
        most = np.array(lengths) - 1
        lowest = np.clip(share[0] * np.array(lengths) - 0.5, 1, most)
        highest = np.clip(share[1] * np.array(lengths) + 0.5, 1, most)
        assert (hidden.lengths >= lowest - 1e-9).all()
        assert (hidden.lengths <= highest + 1e-9).all()


def test_hide_draws_few_visible_tracks_log_uniformly() -> None:
    length, count = 64, 4000
    tracks = TrackLists.from_lists([list(range(length))] * count)
    rng = np.random.default_rng(0)
    _, visible, _ = hide(tracks, np.arange(count), SHARE, 1.0, rng)
    # Each doubling holds a sixth: 1, 2–3, 4–7, 8–15, 16–31, 32–63.
    doublings = np.bincount(np.log2(visible.lengths).astype(int), minlength=6) / count
    np.testing.assert_allclose(doublings, 1 / 6, atol=0.03)


def test_hide_draws_shares_uniformly_and_tracks_evenly() -> None:
    tracks = TrackLists.from_lists([list(range(50))] * 4000)
    _, _, hidden = hide(tracks, np.arange(4000), (0.2, 0.6), 0.0, np.random.default_rng(0))
    counts = hidden.lengths
    assert (counts.min(), counts.max()) == (10, 30)
    assert counts.mean() == pytest.approx(20, abs=0.3)
    per_track = np.bincount(hidden.track_index, minlength=50) / 4000
    np.testing.assert_allclose(per_track, 0.4, atol=0.04)


def test_hide_is_seeded(planted_graph: PlaylistGraph) -> None:
    tracks, rows = planted_graph.playlists.tracks, np.arange(10, 30)
    first, again, other = (
        hide(tracks, rows, SHARE, 0.1, np.random.default_rng(seed))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
