"""`Baseline`: the interface of every baseline."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from segue.data.playlists import Float32Array, TrackLists
from segue.graph.playlist_graph import PlaylistGraph

# The values of each option to choose from, the default first.
SearchSpace = dict[str, tuple[float, ...]]


class Baseline(Protocol):
    """Made from a training graph only, and scores only by the tracks of a query.

    So it treats playlists that it never saw exactly like those in training.
    """

    search_space: ClassVar[SearchSpace]

    def __init__(self, graph: PlaylistGraph, **options: Any) -> None: ...

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        ...
