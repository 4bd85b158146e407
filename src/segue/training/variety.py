"""By how much tracks by the artists of a short list are held back, from what playlists hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Int32Array, TrackLists
from segue.graph.playlist_graph import PlaylistGraph
from segue.metrics import artist_share
from segue.scoring.query import Query
from segue.scoring.two_stages import TwoStages
from segue.scoring.variety import Variety

# The numbers of tracks given, and the length of the lists whose artists are counted.
NUM_GIVEN, LIST_LENGTH = (1, 2, 3, 5, 10, 25), 10
# The most and the fewest playlists of each number, and the best tracks of each list looked at.
_MOST_PLAYLISTS, _FEWEST_PLAYLISTS, _WIDTH = 400, 50, 200
# Purpose of a generator: part of the seed.
_FOR_GIVEN = 7
_STEPS = 30  # halves an interval until nothing is left of it in float32


def fit_variety(train: PlaylistGraph, stages: TwoStages, rng_seed: int = 0) -> Variety:
    """What has to be held back so that lists have no more of their artists than playlists have.

    For each number of tracks given, some of the training playlists show that many at random. How
    many of their other tracks are by the same artists is what the first ten tracks of their lists
    are held to. Nothing is held back from lists that do not exceed it.

    Parameters
    ----------
    train
        The training graph.
    stages
        As trained on it.
    rng_seed
        Of the draws.

    Returns
    -------
    Variety
        Empty if too few playlists are long enough.
    """
    artist = train.catalog.main_artist
    lists = train.playlists.tracks
    numbers, amounts = [], []
    for number in NUM_GIVEN:
        rng = np.random.default_rng((rng_seed, _FOR_GIVEN, number))
        # What is left says something about what a playlist holds besides.
        rows = np.flatnonzero(lists.lengths >= 2 * number)
        rows = np.sort(rng.permutation(rows)[:_MOST_PLAYLISTS])
        if len(rows) < _FEWEST_PLAYLISTS:
            break
        chosen = lists.rows(rows)
        shown = chosen.shuffled_positions(rng) < number
        given, others = chosen.keep(shown), chosen.keep(~shown)
        real = artist_share(
            others.offsets, others.track_index, given.offsets, given.track_index, artist
        ).mean()
        track_index, score = stages.best(Query(given), _WIDTH, variety=0.0)
        same = _by_artists(track_index, given, artist)
        numbers.append(number)
        amounts.append(_least(same, score, float(real)))
    return Variety(tuple(numbers), tuple(amounts))


def _by_artists(track_index: Int32Array, given: TrackLists, artist: Int32Array) -> BoolArray:
    """Which tracks of each list are by an artist of those given: bool, as `track_index`."""
    width = np.int64(artist.max(initial=0)) + 1
    ours = given.list_index() * width + artist[given.track_index]
    row = np.arange(len(track_index), dtype=np.int64)[:, None]
    by = artist[track_index]
    same: BoolArray = (track_index >= 0) & (by >= 0) & np.isin(row * width + by, ours)
    return same


def _least(same: BoolArray, score: NDArray[np.float32], real: float) -> float:
    """The least that has to be taken from some scores so that their share at the top is `real`.

    `same` and `score` are [num_lists, width], the best first; padding has a score of −inf.
    """
    least, most = 0.0, float(np.ptp(score[np.isfinite(score)])) if same.any() else 0.0
    if _share(same, score, 0.0) <= real:
        return 0.0
    for _ in range(_STEPS):
        middle = (least + most) / 2
        least, most = (middle, most) if _share(same, score, middle) > real else (least, middle)
    return most


def _share(same: BoolArray, score: NDArray[np.float32], taken: float) -> float:
    order = np.argsort(-np.where(same, score - np.float32(taken), score), axis=1, kind="stable")
    top = order[:, :LIST_LENGTH]
    listed = np.isfinite(np.take_along_axis(score, top, axis=1))
    return float((np.take_along_axis(same, top, axis=1) & listed).sum() / max(1, listed.sum()))
