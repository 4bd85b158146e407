"""Playlists of the same title: what a title says without any model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from segue.baselines.cooccurrence import pair_matrix
from segue.data.playlists import Float32Array
from segue.data.title_words import title_words
from segue.graph.playlist_graph import PlaylistGraph


class TitleKNN:
    """The tracks of all training playlists with the same title.

        score(j) = Σ_{u of the same title} x_uj + c_j / (1 + max c)

    with x_uj 1 where playlist u holds track j, and c_j the playlists that hold it: popularity
    orders what is as frequent under the title, and answers titles that are not known. Titles are
    the same if their words are, in the same order (see `segue.data.title_words.title_words`).

    It is asked by titles alone, so it is not among `segue.baselines.BASELINES`, which are asked by
    tracks.

    Parameters
    ----------
    graph
        The training graph.
    """

    def __init__(self, graph: PlaylistGraph) -> None:
        titles = [_normalised(title) for title in graph.playlists.titles.to_pylist()]
        self._row_of = {title: row for row, title in enumerate(dict.fromkeys(filter(None, titles)))}
        titled = np.flatnonzero([title is not None for title in titles])
        row = [self._row_of[titles[playlist]] for playlist in titled]  # type: ignore[index]
        ones = np.ones(len(titled), dtype=np.float32)
        shape = (len(self._row_of), len(titles))
        playlists = pair_matrix(graph.playlists.tracks, graph.catalog.num_tracks)
        self._counts = csr_array((ones, (row, titled)), shape=shape) @ playlists
        popularity = graph.popularity.astype(np.float32)
        self._rest = popularity / (1 + popularity.max(initial=0))

    def scores(self, titles: Sequence[str | None]) -> Float32Array:
        """Scores of all tracks: float32 [num_titles, num_tracks]."""
        scores: Float32Array = np.tile(self._rest, (len(titles), 1))
        for place, title in enumerate(titles):
            row = self._row_of.get(_normalised(title) or "")
            if row is not None:
                scores[place] += self._counts[[row]].toarray()[0]
        return scores


def _normalised(title: str | None) -> str | None:
    """The words of a title as one string, None if there are none."""
    return " ".join(title_words(title)) or None
