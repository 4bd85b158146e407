"""Playlists of the same title, counted by hand."""

import numpy as np
import pytest

from segue.baselines.title_neighbours import TitleKNN
from segue.data.reading import read
from segue.graph.playlist_graph import PlaylistGraph


@pytest.fixture(scope="module")
def neighbours() -> TitleKNN:
    lists = {"Road Trip": "abc", "road trip!": "bc", "Playlist 7": "da", "sleep": "d"}
    found = read({title: list(tracks) for title, tracks in lists.items()})
    return TitleKNN(PlaylistGraph(found.playlists, found.catalog))


def test_the_same_title_is_the_same_words(neighbours):
    # Each track stands in two playlists.
    rest = np.full(4, 2 / 3)
    assert neighbours.scores(["ROAD   trip"])[0] == pytest.approx(rest + np.array([1, 2, 2, 0]))
    assert neighbours.scores(["Sleep…", "trip road"]) == pytest.approx(
        rest + np.array([[0, 0, 0, 1], [0, 0, 0, 0]])
    )


def test_without_a_known_title_popularity_answers(neighbours):
    assert neighbours.scores(["unheard of", None, "Playlist 7"]) == pytest.approx(
        np.full((3, 4), 2 / 3)
    )
