"""`Baseline`: what every baseline has."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from segue.data.playlists import Float32Array, TrackLists
from segue.graph.playlist_graph import PlaylistGraph

# Of each option the values to choose from, the default first.
SearchSpace = dict[str, tuple[float, ...]]


class Baseline(Protocol):
    """Made from a training graph alone, scores by the tracks of a query alone.

    So it serves playlists that it never saw by the same path as those it did.
    """

    search_space: ClassVar[SearchSpace]

    def __init__(self, graph: PlaylistGraph, **options: Any) -> None: ...

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        ...
