"""The popularity term of the score: the prior and the dial."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from segue.data.playlists import BoolArray, Float32Array, Int32Array, Int64Array
from segue.scoring.query import Query
from segue.scoring.term import ScoreParts, Term, Tracks

# What one standard deviation of log-popularity costs, as a cosine, with the dial at 1.
FULL_DIAL = 0.1
# The less a list says, the more likely popular tracks are: for a list of this many tracks the dial
# is moved half a turn towards the mainstream, for twice as many a quarter, and so on.
PRIOR_HALF_LIFE = 3.5


class PopularityWeights(NamedTuple):
    """The weight of popularity for some lists.

    `dial` (float32 [num_lists]) is the effective setting for each, from −2 to 1: dial − p, and 0
    for lists that are `empty` (bool [num_lists]).
    """

    dial: Float32Array
    empty: BoolArray


@dataclass(frozen=True, eq=False)
class Popularity(Term[PopularityWeights]):
    """A prior that fades as a list grows, and the dial.

        (p − dial) · FULL_DIAL · f_u,   p = 2^(−n / PRIOR_HALF_LIFE)

    for n tracks and artists in the list, with f the log-popularity of a track, standardised over
    the catalogue (`benchmarks/prior.py`). For an empty list the score is the track's share of all
    pairs, whatever the dial, which gives the most popular tracks.

    Attributes
    ----------
    popularity : int64 [num_tracks]
        Number of playlists of each track.
    """

    popularity: Int64Array

    @cached_property
    def log_popularity(self) -> Float32Array:
        """f: log(1 + popularity), with mean 0 and standard deviation 1 (all 0 if all are equal)."""
        logs = np.log1p(self.popularity.astype(np.float64))
        logs -= logs.mean()
        logs /= logs.std() or 1.0
        return logs.astype(np.float32)

    @cached_property
    def full_turn(self) -> Float32Array:
        """What turning the dial from 0 to 1 adds to the score of each track: float32."""
        return np.float32(-FULL_DIAL) * self.log_popularity

    @cached_property
    def _share(self) -> Float32Array:
        share: Float32Array = self.popularity / max(1, self.popularity.sum())
        return share.astype(np.float32)

    def prepare(self, query: Query, dial: float = 0.0) -> PopularityWeights:
        """The effective dial setting of each list, including the prior."""
        lengths, empty = query.lengths, query.empty
        dials = np.where(empty, 0, dial - np.exp2(-lengths / PRIOR_HALF_LIFE))
        return PopularityWeights(dials.astype(np.float32), empty)

    def turned(self, tracks: Int32Array, query: Query, dial: float) -> Float32Array:
        """What turning the dial adds for given tracks of each list: float32, shaped like `tracks`.

        `tracks` is int32 [num_lists, width].
        """
        turned: Float32Array = np.float32(dial) * self.full_turn[tracks]
        turned[query.empty] = 0
        return turned

    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: PopularityWeights) -> None:
        """Add this term."""
        if prepared.dial.any():
            scores += prepared.dial[:, None] * self.full_turn[tracks]
        if prepared.empty.any():
            scores[prepared.empty] += self._share[tracks]

    def pairs(self, tracks: Int64Array, prepared: PopularityWeights) -> Float32Array:
        """This term for given tracks."""
        scores: Float32Array = prepared.dial[:, None] * self.full_turn[tracks]
        scores[prepared.empty] = self._share[tracks[prepared.empty]]
        return scores

    def left_out(self, query: Query, dial: float = 0.0) -> Float32Array:
        """This term of each track for its list without it."""
        row, track = query.tracks.list_index(), query.tracks.track_index
        left = query.lengths_without(1)[row]
        dials = (dial - np.exp2(-left / PRIOR_HALF_LIFE)).astype(np.float32)
        return np.where(left > 0, dials * self.full_turn[track], self._share[track])

    def parts(self, query: Query, tracks: Int32Array, dial: float = 0.0) -> ScoreParts:
        """One part, that of popularity; none if its weight is 0."""
        weights = self.prepare(query, dial)
        if not weights.dial.any() and not weights.empty.any():
            return ScoreParts((), np.zeros((len(tracks), 0)))
        part = self.pairs(tracks[None].astype(np.int64), weights)[0]
        return ScoreParts((("popularity", -1),), part[:, None].astype(np.float64))
