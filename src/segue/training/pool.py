"""A pool of tracks that all playlists of a step are compared with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int64Array


class Pool(NamedTuple):
    """Different tracks, and how many of the catalogue each stands for.

    Attributes
    ----------
    track : int64 [size]
        Ascending.
    weight : float32 [size]
        1/π for a track that is drawn with probability π, so that the expected weighted sum of any
        function over the pool is its sum over the catalogue.
    """

    track: Int64Array
    weight: Float32Array


class PoolSampler:
    """Draws pools in which each track is with a probability of its own.

    The probability π of a track is min(1, c · popularity^power), with c such that they sum up to
    the size. Drawn is in one go, every track whose part of the running sum of π holds a number of
    an even grid that starts at random (W. G. Madow: "On the Theory of Systematic Sampling, II",
    Annals of Mathematical Statistics 20, 1949). So pools have a fixed size and no track twice.

    Parameters
    ----------
    popularity : int64 [num_tracks]
        Number of training playlists of each track; tracks without any count as having one.
    size
        Of a pool; of a smaller catalogue all tracks are in it.
    power
        0 gives all tracks the same chance.
    """

    def __init__(self, popularity: Int64Array, size: int, power: float) -> None:
        worth = np.maximum(popularity, 1).astype(np.float64) ** power
        chance = _chances(worth, min(size, len(worth)))
        self._certain = np.flatnonzero(chance == 1)
        self._others = np.flatnonzero(chance < 1)
        self._sums = np.cumsum(chance[self._others])
        self._weight = (1 / chance).astype(np.float32)

    def draw(self, rng: np.random.Generator) -> Pool:
        """One pool; equal states of `rng` give equal ones."""
        track = self._certain
        if len(self._others):
            # Sums are not exactly whole: the grid ends at the last of them.
            number = round(self._sums[-1])
            grid = (rng.random() + np.arange(number)) * (self._sums[-1] / number)
            drawn = np.unique(np.searchsorted(self._sums, grid, side="right"))
            track = np.sort(np.concatenate([track, self._others[drawn]]))
        return Pool(track, self._weight[track])


def _chances(worth: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """min(1, c · worth), with the c for which they sum up to `size`."""
    if size == len(worth):
        return np.ones(len(worth))
    largest = np.sort(worth)[::-1]
    # The sum of a track's worth and of all that are worth less.
    rest = np.cumsum(largest[::-1])[::-1]
    # The first track whose chance stays below 1, with those before it certain.
    certain = int(np.argmax((size - np.arange(len(worth))) * largest < rest))
    chance: NDArray[np.float64] = np.minimum(1, (size - certain) / rest[certain] * worth)
    return chance
