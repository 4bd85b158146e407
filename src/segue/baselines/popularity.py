"""The same list for everyone: the most popular tracks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from segue.baselines.baseline import SearchSpace
from segue.data.playlists import Float32Array, TrackLists
from segue.graph.playlist_graph import PlaylistGraph


class Popularity:
    """A track's score is the number of training playlists that hold it."""

    search_space: ClassVar[SearchSpace] = {}

    def __init__(self, graph: PlaylistGraph) -> None:
        self.popularity = graph.popularity.astype(np.float32)

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        return np.tile(self.popularity, (len(query), 1))
