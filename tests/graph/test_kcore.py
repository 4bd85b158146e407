"""The k-core against peeling off one node at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.graph.kcore import k_core

NUM_TRACKS = 8
some_lists = st.lists(
    st.lists(st.integers(0, NUM_TRACKS - 1), unique=True, max_size=NUM_TRACKS), max_size=9
)


def peel(lists: list[list[int]], num_tracks: int, k: int) -> tuple[list[bool], list[bool]]:
    """Which playlists and tracks are left when thin ones go one by one."""
    left = {("playlist", p): {("track", t) for t in ts} for p, ts in enumerate(lists)}
    for t in range(num_tracks):
        left["track", t] = {("playlist", p) for p, ts in enumerate(lists) if t in ts}
    while thin := next((node for node, near in left.items() if len(near) < k), None):
        for near in left.pop(thin):
            left[near].discard(thin)
    return (
        [("playlist", p) in left for p in range(len(lists))],
        [("track", t) in left for t in range(num_tracks)],
    )


@given(some_lists, st.integers(0, 5))
def test_as_naive_peeling(lists, k):
    core = k_core(TrackLists.from_lists(lists), NUM_TRACKS, k)
    assert (core.playlists.tolist(), core.tracks.tolist()) == peel(lists, NUM_TRACKS, k)
    assert core.playlists.dtype == core.tracks.dtype == bool


@given(some_lists, st.integers(1, 5))
def test_idempotent(lists, k):
    core = k_core(TrackLists.from_lists(lists), NUM_TRACKS, k)
    rest = [[t for t in ts if core.tracks[t]] for p, ts in enumerate(lists) if core.playlists[p]]
    again = k_core(TrackLists.from_lists(rest), NUM_TRACKS, k)
    assert again.playlists.all()
    assert again.tracks.tolist() == core.tracks.tolist()


def test_k_of_zero_and_one():
    tracks = TrackLists.from_lists([[0, 2], [], [2]])
    everything = k_core(tracks, 4, 0)
    assert everything.playlists.tolist() == [True] * 3
    assert everything.tracks.tolist() == [True] * 4
    connected = k_core(tracks, 4, 1)
    assert connected.playlists.tolist() == [True, False, True]
    assert connected.tracks.tolist() == [True, False, True, False]


def test_a_chain_falls_as_a_whole():
    """Each removal makes the next one: as many rounds as there are links."""
    tracks = TrackLists.from_lists([[0]] + [[i, i + 1] for i in range(20)])
    core = k_core(tracks, 21, 2)
    assert not core.playlists.any()
    assert not core.tracks.any()


class TestOfAGraph:
    @pytest.mark.parametrize(
        ("k", "num_playlists", "num_tracks"),
        [(2, 240, 160), (9, 220, 160), (11, 172, 152), (12, 0, 0)],
    )
    def test_as_peeling_and_in_ids(self, planted_graph, k, num_playlists, num_tracks):
        lists = [ts.tolist() for ts in planted_graph.playlists.tracks]
        keep_playlist, keep_track = peel(lists, planted_graph.catalog.num_tracks, k)
        core = planted_graph.k_core(k)
        playlist_ids, ids = core.playlists.ids.to_pylist(), core.catalog.track_ids.to_pylist()
        assert (len(playlist_ids), len(ids)) == (num_playlists, num_tracks)
        assert playlist_ids == [str(p) for p, kept in enumerate(keep_playlist) if kept]
        assert ids == [f"segue:track:{t}" for t, kept in enumerate(keep_track) if kept]
        for playlist_id, tracks in zip(playlist_ids, core.playlists.tracks, strict=True):
            expected = [f"segue:track:{t}" for t in lists[int(playlist_id)] if keep_track[t]]
            assert [ids[t] for t in tracks] == expected, "the order within a playlist stays"
        assert (core.playlists.tracks.lengths >= k).all()
        assert (core.popularity >= k).all()

    def test_what_belongs_to_a_playlist_goes_with_it(self, small_graph):
        core = small_graph.k_core(1)
        assert core.playlists.ids.to_pylist() == ["10", "11", "13"]
        assert core.playlists.titles.to_pylist() == ["road trip", None, ""]
        assert core.playlists.order_known.tolist() == [True, False, True]
        assert core.options == small_graph.options
        assert small_graph.k_core(0).fingerprint == small_graph.fingerprint

    def test_an_artist_stays_while_a_track_of_theirs_stays(self, small_graph):
        # Tracks a and d in playlists 11 and 13 are joined by c in 10 and 11; b, e and f go, and
        # with f the artist z; of x one track is left, of album r none.
        core = small_graph.k_core(2)
        assert core.playlists.ids.to_pylist() == ["10", "11", "13"]
        assert core.catalog.track_ids.to_pylist() == [f"segue:track:{t}" for t in "acd"]
        assert core.catalog.artists.ids.to_pylist() == ["segue:artist:x", "segue:artist:y"]
        assert core.catalog.albums.ids.to_pylist() == ["segue:album:p", "segue:album:q"]
        assert core.catalog.main_artist.tolist() == [0, 1, 1]
        assert [ts.tolist() for ts in core.playlists.tracks] == [[1, 0], [0, 1, 2], [2, 0]]

    def test_idempotent(self, planted_graph):
        core = planted_graph.k_core(11)
        assert 0 < len(core.playlists) < len(planted_graph.playlists)
        assert core.k_core(11).fingerprint == core.fingerprint

    def test_nothing_may_be_left(self, small_graph):
        core = small_graph.k_core(100)
        assert set(core.num_nodes.values()) == {0}
        assert set(core.num_edges.values()) == {0}
        assert np.array_equal(core.playlists.tracks.offsets, [0])
