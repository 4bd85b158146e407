"""Small graphs from lists."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.graph.playlist_graph import PlaylistGraph


@pytest.fixture(scope="session")
def graph_of() -> Callable[..., PlaylistGraph]:
    """Makes a graph of 40 tracks by three artists from lists of tracks."""

    def make(
        lists: list[list[int]], order_known: list[bool] | None = None, num_tracks: int = 40
    ) -> PlaylistGraph:
        def ids(count: int) -> pa.Array:
            return pa.array([str(i) for i in range(count)], pa.string())

        no_albums = np.full(num_tracks, -1, dtype=np.int32)
        artist = np.arange(num_tracks, dtype=np.int32) % 3
        catalog = Catalog.of_columns(
            *(ids(num_tracks), ids(num_tracks), ids(3), ids(3), ids(0), ids(0)), artist, no_albums
        )
        known = np.array(order_known or [False] * len(lists), dtype=bool)
        tracks = TrackLists.from_lists(lists)
        return PlaylistGraph(Playlists(ids(len(lists)), ids(len(lists)), known, tracks), catalog)

    return make
