"""Negatives: tracks that a playlist does not hold."""

from __future__ import annotations

import numpy as np

from segue.data.playlists import Int32Array, Int64Array, TrackLists


class RandomNegatives:
    """Draws tracks uniformly from those that a list does not hold.

    A number r below the count of allowed tracks is drawn and turned into the r-th allowed track.
    Nothing is rejected, so a playlist that holds nearly everything costs no more than any other.
    Only tracks are ever drawn, never an artist, album or word.

    Parameters
    ----------
    held : TrackLists
        What a negative must not be. In training these are the pairs of the training graph and
        nothing else: held-out tracks are unknown here and stay possible.
    num_tracks
        Size of the catalogue.
    """

    def __init__(self, held: TrackLists, num_tracks: int) -> None:
        self.num_tracks = num_tracks
        self._starts = held.offsets
        keys = np.sort(held.list_index() * num_tracks + held.track_index)
        # The j-th held track e (from 0) has e − j allowed ones below it. The r-th allowed track
        # lies above exactly those for which this is at most r. Both numbers are below num_tracks,
        # so one search over the keys, in which lists are num_tracks apart, serves all at once.
        position = np.arange(held.num_pairs) - np.repeat(held.offsets[:-1], held.lengths)
        self._allowed_below = keys - position
        self.num_allowed: Int64Array = num_tracks - held.lengths

    def draw(self, rows: Int64Array, rng: np.random.Generator) -> Int32Array:
        """One negative for each of some rows; a row may stand in it often.

        Parameters
        ----------
        rows : int64 [num_drawn]
            Lists of `held`.
        rng
            The only source of randomness; equal states give equal tracks.

        Returns
        -------
        int32 [num_drawn]

        Raises
        ------
        ValueError
            If a list holds every track.
        """
        num_allowed = self.num_allowed[rows]
        if (num_allowed == 0).any():
            full = rows[np.argmin(num_allowed)]
            raise ValueError(f"list {full} holds every track: none is left for a negative")
        chosen = rng.integers(num_allowed, dtype=np.int64)
        passed = np.searchsorted(self._allowed_below, rows * self.num_tracks + chosen, side="right")
        return (chosen + passed - self._starts[rows]).astype(np.int32)
