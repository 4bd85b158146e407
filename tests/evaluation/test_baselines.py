"""The baselines against their formulas, written out plainly."""

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.evaluation import baselines
from segue.evaluation.baselines import ItemKNN, Popularity
from segue.graph.playlist_graph import PlaylistGraph


def plain_similarity(graph: PlaylistGraph, num_neighbours: int, shrinkage: float) -> np.ndarray:
    """s(i, j), pair by pair from the sets of playlists, cut to each row's strongest."""
    num_tracks = graph.catalog.num_tracks
    holds: list[set[int]] = [set() for _ in range(num_tracks)]
    for row in range(len(graph.playlists)):
        for track in graph.playlists.tracks[row]:
            holds[track].add(row)
    similarity = np.zeros((num_tracks, num_tracks))
    for i in range(num_tracks):
        for j in range(num_tracks):
            together = len(holds[i] & holds[j])
            if i != j and together:
                root = np.sqrt(len(holds[i]) * len(holds[j]))
                similarity[i, j] = together / (root + shrinkage)
        strongest = sorted(range(num_tracks), key=lambda j: (-similarity[i, j], j))
        similarity[i, strongest[num_neighbours:]] = 0
    return similarity


def test_popularity_counts_training_playlists(small_graph):
    scores = Popularity(small_graph).scores(TrackLists.from_lists([[0], [], [4, 5]]))
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [[3, 1, 2, 2, 1, 1]] * 3)
    scores[0] = -1
    assert Popularity(small_graph).scores(TrackLists.from_lists([[0]]))[0, 0] == 3


def test_one_pair_by_hand(small_graph):
    """Tracks 0 and 3 share two playlists of three and two: 2 / (√6 + 10)."""
    scores = ItemKNN(small_graph, shrinkage=10).scores(TrackLists.from_lists([[0]]))
    assert scores[0, 3] == pytest.approx(2 / (np.sqrt(6) + 10))
    assert scores[0, 0] == 0, "a track is not its own neighbour"


@pytest.mark.parametrize("num_neighbours", [1, 3, 20, 400])
@pytest.mark.parametrize("shrinkage", [0.0, 10.0])
def test_item_knn_is_its_formula(make_planted_graph, num_neighbours, shrinkage):
    graph = make_planted_graph(
        np.random.default_rng(2), communities=2, tracks_each=15, num_playlists=40, lengths=(2, 6)
    )
    knn = ItemKNN(graph, num_neighbours=num_neighbours, shrinkage=shrinkage)
    expected = plain_similarity(graph, num_neighbours, shrinkage)
    np.testing.assert_allclose(knn.similarity.toarray(), expected, rtol=1e-6)
    assert np.diff(knn.similarity.indptr).max() <= num_neighbours

    lists = [[3], [], [0, 29, 7, 11]]
    scores = knn.scores(TrackLists.from_lists(lists))
    assert scores.dtype == np.float32
    by_hand = [expected[tracks].sum(axis=0) for tracks in lists]
    np.testing.assert_allclose(scores, by_hand, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("entries", [50, 333, 5000])
def test_blocks_do_not_show(planted_graph, monkeypatch, entries):
    """Blocks end anywhere, also where one track alone is more than a block."""
    whole = ItemKNN(planted_graph, num_neighbours=12)
    monkeypatch.setattr(baselines, "_BLOCK_ENTRIES", entries)
    in_blocks = ItemKNN(planted_graph, num_neighbours=12)
    assert in_blocks.similarity.shape == whole.similarity.shape
    np.testing.assert_array_equal(in_blocks.similarity.toarray(), whole.similarity.toarray())


def test_a_track_without_pairs_is_nobodys_neighbour(small_graph):
    without_4 = small_graph.with_tracks(TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [], [3]]))
    knn = ItemKNN(without_4)
    assert knn.similarity.shape == (6, 6)
    scores = knn.scores(TrackLists.from_lists([[4], [0, 1, 2, 3, 5]]))
    assert not scores[0].any()
    assert scores[1, 4] == 0
    assert np.isfinite(scores).all()


def test_it_is_far_above_popularity_on_planted_communities(planted_graph):
    """Its best tracks for one track lie in the track's own community."""
    scores = ItemKNN(planted_graph).scores(TrackLists.from_lists([[5], [45], [85], [125]]))
    top = np.argsort(-scores, axis=1)[:, :10]
    own = top // 40 == np.arange(4)[:, None]
    assert own.mean() > 0.8
