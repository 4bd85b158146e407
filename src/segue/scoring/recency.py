"""The order of a playlist: its last tracks say more about what comes next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.data.playlists import BoolArray, Float32Array, TrackLists
from segue.scoring.query import Query


@dataclass(frozen=True)
class Recency:
    """How much more the end of an ordered playlist counts.

        e = 1 + strength · 2^(−p / half_life)

    for a track followed by `p` others. The defaults were chosen on the validation part of
    playlists whose last tracks were held out (`benchmarks/order.py`).

    Attributes
    ----------
    strength
        At least 0; 0 means no emphasis.
    half_life
        In tracks, above 0.
    """

    strength: float = 8.0
    half_life: float = 1.0

    def emphasis(self, tracks: TrackLists, order_known: BoolArray) -> Float32Array | None:
        """e of each pair, 1 in a list whose order is not known: float32 [num_pairs].

        Parameters
        ----------
        tracks
        order_known : bool [num_lists]

        Returns
        -------
        float32 [num_pairs] or None
            None if no list has a known order.
        """
        if self.strength == 0 or not order_known.any():
            return None
        emphasis = 1 + self.strength * np.exp2(-tracks.following() / self.half_life)
        emphasis[~np.repeat(order_known, tracks.lengths)] = 1
        return emphasis.astype(np.float32)


def query_of(
    tracks: TrackLists,
    order_known: BoolArray,
    recency: Recency | None,
    words: TrackLists | None = None,
) -> Query:
    """Queries from lists: in those whose order is known, the last tracks count more.

    Parameters
    ----------
    tracks
    order_known : bool [num_lists]
    recency
        None: no track counts more than another.
    words
        Those of each list's title; None: no titles.
    """
    emphasis = None if recency is None else recency.emphasis(tracks, order_known)
    return Query(tracks, emphasis, order_known=order_known, words=words)
