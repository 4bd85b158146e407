"""Variety: tracks by the artists of a short list are held back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from segue.data.playlists import BoolArray, Float32Array, Int32Array
from segue.errors import InputError
from segue.scoring.query import Query

# Less than all, so that their order among themselves stays.
_MOST = 0.99


def check_variety(variety: float) -> None:
    """Raise InputError for a variety outside 0 … 1."""
    if not isinstance(variety, Real) or not 0 <= variety <= 1:
        raise InputError(
            f"variety is {variety!r}, expected from 0 (by the score alone) to 1 (as in playlists)"
        )


@dataclass(frozen=True)
class Variety:
    """How far tracks are held back that are by an artist of the list's tracks.

    What fits a single song best are other songs by its artist; yet playlists hold few of them. So
    of what lifts such a track above the last one of a list's pool a share is taken, which depends
    on how many tracks are given and is chosen in training such that these tracks are as rare in the
    lists as among the other tracks of real playlists.

    Attributes
    ----------
    num_given : tuple of int
        Numbers of tracks, ascending.
    taken : tuple of float
        For each of them the share, from 0 to .99; between them it is interpolated over the
        logarithm. Empty: nothing is held back.
    """

    num_given: tuple[int, ...] = ()
    taken: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        if len(self.num_given) != len(self.taken):
            raise ValueError("variety needs as many shares as numbers of tracks")
        if list(self.num_given) != sorted({max(1, number) for number in self.num_given}):
            raise ValueError(f"the numbers of tracks are {self.num_given}")
        if not all(0 <= share <= _MOST for share in self.taken):
            raise ValueError(f"what is held back is {self.taken}")

    def of(self, query: Query) -> Float32Array:
        """The share for each list: float32 [num_lists], 0 for one without tracks."""
        lengths = query.tracks.lengths
        if not self.num_given:
            return np.zeros(len(lengths), dtype=np.float32)
        found = np.interp(np.log(np.maximum(lengths, 1)), np.log(self.num_given), self.taken)
        return np.where(lengths > 0, found, 0).astype(np.float32)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Variety:
        """From plain values (ValueError, TypeError or KeyError if they are something else)."""
        numbers = tuple(int(number) for number in values["num_given"])
        return cls(numbers, tuple(float(share) for share in values["taken"]))


def same_artist(query: Query, tracks: Int32Array, artist: Int32Array) -> BoolArray:
    """Which tracks are by an artist of their list's tracks: bool, shaped like `tracks`.

    Artists named in the query are wanted, so theirs are not among them.

    Parameters
    ----------
    query
    tracks : int32 [num_lists, width]
        Padded with −1.
    artist : int32 [num_tracks]
        The main artist of each track, −1 where none is known.
    """
    width = np.int64(artist.max(initial=0)) + 1
    by = artist[query.tracks.track_index]
    ours = (query.tracks.list_index() * width + by)[by >= 0]
    if query.artists is not None:
        named = query.artists.list_index() * width + query.artists.track_index
        ours = np.setdiff1d(ours, named)
    row = np.arange(len(tracks), dtype=np.int64)[:, None]
    theirs = artist[tracks]
    same: BoolArray = (tracks >= 0) & (theirs >= 0) & np.isin(row * width + theirs, ours)
    return same


def held_back(score: Float32Array, same: BoolArray, taken: Float32Array) -> Float32Array:
    """The scores of some pools, with a share taken from tracks by the lists' own artists.

        score − taken · (score − least score of the pool)

    So none of them falls behind a track outside the pool, and among themselves they keep their
    order.

    Parameters
    ----------
    score : float32 [num_lists, width]
        Of the best tracks of each list, padded with −inf.
    same : bool [num_lists, width]
        Which are by an artist of the list, see `same_artist`.
    taken : float32 [num_lists]
    """
    least = np.where(np.isfinite(score), score, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    lifted: Float32Array = np.where(same, score - least, np.float32(0))
    return score - taken[:, None] * lifted
