"""Songs that do not fit the rest of their playlist."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int64Array, TrackLists
from segue.scoring.first_stage import FirstStage

# How much doubt there is about a song: the logistic function of these weights times its score when
# it is left out, the median of those scores in its playlist, its log-popularity, and one. Fitted to
# validation playlists with songs of another one planted among them, one in eleven
# (`benchmarks/sort_and_tidy.py`).
WEIGHTS = np.array([-9.0, 4.3, 0.5, -1.9])
# Songs with more doubt are proposed to go: about 1 of 100 that were not planted.
THRESHOLD = 0.43
# Of a shorter playlist nobody can tell.
LEAST_SONGS = 5


def doubts(first: FirstStage, tracks: Int64Array) -> tuple[Float32Array, NDArray[np.float64]]:
    """How well each song goes with the others of its playlist, and how doubtful it is.

    Parameters
    ----------
    first
    tracks : int64 [num_tracks]
        The songs of a playlist, each once.

    Returns
    -------
    score : float32 [num_tracks]
        What the others of the playlist give it, see `FirstStage.left_out`.
    doubt : float64 [num_tracks]
        From 0 to 1; 0 for all in a playlist of less than five songs.
    """
    score = first.left_out(TrackLists.from_lists([tracks.tolist()]))
    if len(tracks) < LEAST_SONGS:
        return score, np.zeros(len(tracks))
    return score, 1 / (1 + np.exp(-features(first, tracks, score) @ WEIGHTS))


def features(first: FirstStage, tracks: Int64Array, score: Float32Array) -> NDArray[np.float64]:
    """What the doubt depends on: float64 [num_tracks, 4]."""
    found = np.ones((len(tracks), len(WEIGHTS)))
    found[:, 0], found[:, 1], found[:, 2] = score, np.median(score), 0
    if first.popularity is not None:
        # Well-known songs go a little with everything.
        found[:, 2] = first.popularity.log_popularity[tracks]
    return found
