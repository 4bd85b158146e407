"""`MessageGraph`: its values worked by hand, and what hiding does to them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models.encoder import MessageGraph
from segue.models.sparse import SparseMatrix


@pytest.fixture
def three_playlists(small_graph: PlaylistGraph) -> PlaylistGraph:
    """Playlists of 2, 1 and 3 tracks and an empty one; tracks 3 and 4 are in none.

    Degrees of tracks 0 to 5: 3, 1, 1, 0, 0, 1. Artists have 2, 3 and 1 tracks; albums 2, 2 and 1.
    """
    return small_graph.with_tracks(TrackLists.from_lists([[1, 0], [0], [5, 0, 2], []]))


def dense(matrix: SparseMatrix) -> np.ndarray:
    return (matrix @ torch.eye(matrix.shape[1])).numpy()


def test_contains_is_normalised_by_both_degrees(three_playlists: PlaylistGraph) -> None:
    graph = MessageGraph.from_graph(three_playlists)
    assert graph.num_nodes == {"playlist": 4, "track": 6, "artist": 3, "album": 3}
    expected = np.zeros((4, 6))
    expected[0, [1, 0]] = 1 / np.sqrt([2 * 1, 2 * 3])
    expected[1, 0] = 1 / np.sqrt(1 * 3)
    expected[2, [5, 0, 2]] = 1 / np.sqrt([3 * 1, 3 * 3, 3 * 1])
    np.testing.assert_allclose(dense(graph.contains), expected, rtol=1e-6)
    np.testing.assert_allclose(
        graph.contains.transposed_matmul(torch.eye(4)).numpy(), expected.T, rtol=1e-6
    )
    assert graph.contains.value.dtype == torch.float32
    assert graph.contains.column.tolist() == [1, 0, 0, 5, 0, 2], "in the order of the pairs"


def test_track_degree_is_at_least_one(three_playlists: PlaylistGraph) -> None:
    degree = MessageGraph.from_graph(three_playlists).popularity
    assert degree.dtype == torch.float32
    assert degree.tolist() == [3, 1, 1, 1, 1, 1]


def test_degree_counts_all_relations_of_the_graph(three_playlists: PlaylistGraph) -> None:
    def degrees(*relations: str) -> dict[str, list[float]]:
        graph = MessageGraph.from_graph(three_playlists, relations).hide(torch.tensor([1]))
        return {kind: counts.tolist() for kind, counts in graph.degree.items()}

    assert degrees() == {"playlist": [2, 1, 3, 0], "track": [3, 1, 1, 0, 0, 1]}
    assert degrees("artist", "album") == {
        "playlist": [2, 1, 3, 0],
        "track": [5, 3, 3, 2, 2, 2],  # track 5 is on no album
        "artist": [2, 3, 1],
        "album": [2, 2, 1],
    }
    assert three_playlists.popularity.tolist() == [3, 1, 1, 0, 0, 1]


def test_structural_relations_are_normalised(three_playlists: PlaylistGraph) -> None:
    graph = MessageGraph.from_graph(three_playlists, ("artist", "album"))
    artist = np.zeros((6, 3))
    artist[[0, 1], 0], artist[[2, 3, 4], 1], artist[5, 2] = 1 / np.sqrt(2), 1 / np.sqrt(3), 1
    np.testing.assert_allclose(dense(graph.structural["artist"]), artist, rtol=1e-6)
    album = np.zeros((6, 3))  # track 5 is on no album
    album[[0, 1], 0], album[[2, 3], 1], album[4, 2] = 1 / np.sqrt(2), 1 / np.sqrt(2), 1
    np.testing.assert_allclose(dense(graph.structural["album"]), album, rtol=1e-6)


def test_a_relation_may_start_at_playlists(
    three_playlists: PlaylistGraph, with_words: Callable[..., PlaylistGraph]
) -> None:
    by = [[0], [0, 2], [1], [1], [1], [2]]
    tied = with_words(three_playlists, [[1], [], [0, 1], [1]], by)
    graph = MessageGraph.from_graph(tied, ("artist", "word"))
    assert graph.source == {"artist": "track", "word": "playlist"}
    word = np.zeros((4, 2))
    word[[0, 3], 1], word[2, 0], word[2, 1] = 1 / np.sqrt(3), 1 / np.sqrt(2), 1 / np.sqrt(6)
    np.testing.assert_allclose(dense(graph.structural["word"]), word, rtol=1e-6)
    assert graph.structural["artist"].shape == (6, 3)
    assert dense(graph.structural["artist"])[1, [0, 2]] == pytest.approx([1 / 2, 1 / 2])
    assert {kind: d.tolist() for kind, d in graph.degree.items()} == {
        "playlist": [3, 1, 5, 1],
        "track": [4, 3, 2, 1, 1, 2],
        "artist": [2, 3, 2],
        "word": [1, 3],
    }
    assert graph.length.tolist() == [2, 1, 3, 1]
    assert set(graph.starting_at("track")) == {"artist"}
    assert set(graph.starting_at("playlist")) == {"word"}


def test_only_the_relations_that_are_named(three_playlists: PlaylistGraph) -> None:
    assert set(MessageGraph.from_graph(three_playlists, ()).structural) == set()
    assert set(MessageGraph.from_graph(three_playlists, ("album",)).structural) == {"album"}


@pytest.mark.parametrize("relation", ["genre", "contains", "track"])
def test_an_unknown_relation_is_refused(small_graph: PlaylistGraph, relation: str) -> None:
    with pytest.raises(InputError, match=f"'{relation}'.*artist, album"):
        MessageGraph.from_graph(small_graph, ("artist", relation))


def test_hiding_changes_values_only(three_playlists: PlaylistGraph) -> None:
    graph = MessageGraph.from_graph(three_playlists)
    before = dense(graph.contains)
    hidden = graph.hide(torch.tensor([1, 3]))  # track 0 of playlist 0, track 5 of playlist 2
    expected = before.copy()
    expected[0, 0] = expected[2, 5] = 0
    np.testing.assert_array_equal(dense(hidden.contains), expected)
    np.testing.assert_array_equal(
        hidden.contains.transposed_matmul(torch.eye(4)).numpy(), expected.T
    )
    assert hidden.contains.column is graph.contains.column
    assert hidden.popularity is graph.popularity
    assert hidden.structural is graph.structural
    np.testing.assert_array_equal(dense(graph.contains), before)


def test_positions_to_hide_are_those_of_the_pairs(planted_graph: PlaylistGraph) -> None:
    graph = MessageGraph.from_graph(planted_graph, ())
    tracks = planted_graph.playlists.tracks
    pairs = np.array([0, 17, tracks.num_pairs - 1])
    hidden = graph.hide(torch.from_numpy(pairs)).contains
    gone = np.argwhere((dense(hidden) == 0) & (dense(graph.contains) != 0)).tolist()
    expected = np.stack([tracks.list_index()[pairs], tracks.track_index[pairs]], axis=1)
    assert gone == sorted(expected.tolist())


def test_a_graph_without_any_pair(small_graph: PlaylistGraph) -> None:
    empty = small_graph.with_tracks(TrackLists.from_lists([[], [], [], []]))
    graph = MessageGraph.from_graph(empty)
    assert not dense(graph.contains).any()
    assert graph.popularity.tolist() == [1] * 6
    assert torch.isfinite(graph.structural["artist"].value).all()


def test_messages_of_some_playlists_are_those_of_all_on_average(
    planted_graph: PlaylistGraph, with_words: Callable[..., PlaylistGraph]
) -> None:
    """Of tracks from tracks, of words from tracks, and of tracks from words: two edges each."""
    graph = with_words(planted_graph, [[playlist % 4] for playlist in range(240)])
    whole = MessageGraph.from_graph(graph, ("artist", "word"))
    rng = np.random.default_rng(0)
    track, word = (torch.from_numpy(rng.standard_normal((n, 3))).float() for n in (160, 4))

    def two_edges(messages: MessageGraph) -> torch.Tensor:
        playlist = messages.contains @ track
        titled = messages.structural["word"]
        parts = (
            messages.contains.transposed_matmul(playlist),
            titled.transposed_matmul(playlist),
            messages.contains.transposed_matmul(titled @ word),
        )
        return torch.cat(parts)

    total, number = torch.zeros(()), 300
    for _ in range(number):
        heard = torch.from_numpy(rng.random(240) < 0.4)
        some = whole.of_playlists(heard, 0.4)
        assert some.num_nodes == {**whole.num_nodes, "playlist": heard.sum()}
        assert len(some.contains @ track) == heard.sum()
        torch.testing.assert_close(some.length, whole.length[heard])
        torch.testing.assert_close(some.degree["playlist"], whole.degree["playlist"][heard])
        assert some.structural["artist"] is whole.structural["artist"]
        assert some.popularity is whole.popularity
        total = total + two_edges(some) / number
    expected = two_edges(whole)
    assert (total - expected).abs().mean() < 0.1 * expected.abs().mean()
    every = whole.of_playlists(torch.ones(240, dtype=torch.bool), 1.0)
    torch.testing.assert_close(two_edges(every), expected)


def test_what_is_hidden_stays_so_among_some_playlists(three_playlists: PlaylistGraph) -> None:
    graph = MessageGraph.from_graph(three_playlists).hide(torch.tensor([0]))
    some = graph.of_playlists(torch.tensor([True, False, True, True]), 0.5)
    expected = dense(graph.contains)[[0, 2, 3]] * 2**0.5
    np.testing.assert_allclose(dense(some.contains), expected, rtol=1e-6)
    heard = some.contains.transposed_matmul(torch.eye(3)).numpy()
    np.testing.assert_allclose(heard, expected.T, rtol=1e-6)


@pytest.mark.parametrize("keep_nodes", [False, True])
def test_edges_can_be_hidden_once_some_playlists_are_left(
    planted_graph: PlaylistGraph, keep_nodes: bool
) -> None:
    whole = MessageGraph.from_graph(planted_graph)
    rng = np.random.default_rng(3)
    heard = torch.from_numpy(rng.random(240) < 0.4)
    num_pairs = len(whole.contains.column)
    hidden = torch.from_numpy(np.sort(rng.choice(num_pairs, num_pairs // 3, replace=False)))
    found = whole.of_playlists(heard, 0.4, keep_nodes=keep_nodes, hidden=hidden).contains
    expected = whole.hide(hidden).of_playlists(heard, 0.4, keep_nodes=keep_nodes).contains
    assert (found.value == 0).any()
    for name, tensor in vars(expected).items():
        if name != "shape":
            assert torch.equal(getattr(found, name), tensor), name
    assert found.shape == expected.shape


def test_playlists_that_are_not_heard_stay_where_they_have_vectors_of_their_own(
    planted_graph: PlaylistGraph, with_words: Callable[..., PlaylistGraph]
) -> None:
    graph = with_words(planted_graph, [[playlist % 4] for playlist in range(240)])
    whole = MessageGraph.from_graph(graph, ("artist", "word"))
    rng = np.random.default_rng(0)
    heard = torch.from_numpy(rng.random(240) < 0.4)
    fewer = whole.of_playlists(heard, 0.4)
    kept = whole.of_playlists(heard, 0.4, keep_nodes=True)
    assert kept.num_nodes == whole.num_nodes
    assert kept.length is whole.length
    track, word = (torch.from_numpy(rng.standard_normal((n, 3))).float() for n in (160, 4))
    for some, edges, vectors in (
        (fewer.contains, kept.contains, track),
        (fewer.structural["word"], kept.structural["word"], word),
    ):
        received = edges @ vectors
        assert not received[~heard].any()
        assert torch.equal(received[heard], some @ vectors)
        assert torch.equal(
            edges.transposed_matmul(received), some.transposed_matmul(some @ vectors)
        )
