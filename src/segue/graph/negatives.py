"""Tracks that a playlist does not hold, drawn at random."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from segue.data.playlists import Float32Array, Int32Array, Int64Array, TrackLists


class Sample(NamedTuple):
    """Negatives, and the weight of each in a sum over all allowed tracks.

    Attributes
    ----------
    track : int32 [num, size]
    weight : float32 [num, size]
        1/(size · q) for a negative that is drawn with probability q: the expected weighted sum of
        any function over a row is the function's sum over the allowed tracks.
    """

    track: Int32Array
    weight: Float32Array


class RandomSampler:
    """Draws tracks uniformly from those that a list does not hold.

    A number r below the count of allowed tracks is drawn and mapped to the r-th allowed track.
    Nothing is rejected, so a playlist that holds nearly everything costs no more than any other.
    Only tracks are ever drawn, never an artist, album or word.

    Parameters
    ----------
    held : TrackLists
        Tracks that a negative must not be. In training these are exactly the pairs of the training
        graph: held-out tracks are unknown here and may be drawn.
    num_tracks
        Size of the catalogue.
    """

    def __init__(self, held: TrackLists, num_tracks: int) -> None:
        self.held, self.num_tracks = held, num_tracks
        self._starts = held.offsets
        keys = np.sort(held.list_index() * num_tracks + held.track_index)
        # The j-th held track e (from 0) has e − j allowed ones below it. The r-th allowed track is
        # above exactly those for which this is at most r. Both numbers are below num_tracks, so one
        # search over the keys, with lists num_tracks apart, handles all at once.
        self._allowed_below = keys - held.positions()
        self.num_allowed: Int64Array = num_tracks - held.lengths

    def draw(self, rows: Int64Array, rng: np.random.Generator) -> Int32Array:
        """One negative for each of some rows, which may repeat.

        Parameters
        ----------
        rows : int64 [num]
            Lists of `held`.
        rng
            The only source of randomness; equal states give equal tracks.

        Returns
        -------
        int32 [num]

        Raises
        ------
        ValueError
            If a list holds every track.
        """
        return self.draw_sets(rows, 1, rng)[:, 0]

    def draw_sets(self, rows: Int64Array, size: int, rng: np.random.Generator) -> Int32Array:
        """Some negatives for each of some rows, with repeats, ascending: int32 [num, size].

        As `draw`, but the order within a row means nothing.
        """
        num_allowed = self.num_allowed[rows]
        if (num_allowed == 0).any():
            full = rows[np.argmin(num_allowed)]
            raise ValueError(f"list {full} holds every track: no track is left as a negative")
        chosen = rng.integers(num_allowed[:, None], size=(len(rows), size), dtype=np.int64)
        chosen.sort(axis=1)  # then neighbours in the search below are neighbours in memory
        keys = rows[:, None] * self.num_tracks + chosen
        passed = np.searchsorted(self._allowed_below, keys.ravel(), side="right")
        drawn: Int32Array = (
            chosen + passed.reshape(chosen.shape) - self._starts[rows, None]
        ).astype(np.int32)
        return drawn

    def sample(
        self, rows: Int64Array, size: int, scored: object, rng: np.random.Generator
    ) -> Sample:
        """Negatives with q = 1/A, for A allowed tracks; `scored` is ignored."""
        return Sample(self.draw_sets(rows, size, rng), self.even_weight(rows, size))

    def even_weight(self, rows: Int64Array, size: int) -> Float32Array:
        """The weights of uniform draws: float32 [num, size]."""
        weight = (self.num_allowed[rows] / size).astype(np.float32)
        return np.repeat(weight[:, None], size, axis=1)
