"""Listening histories as playlists: sessions of listening, or what is played most.

A *listen* is one row of a table: a listener, a track and a time. A history has no playlists. Where
someone stopped for a while, a session ends, and a session is as good as a playlist; or else the
tracks that a listener played most are one list.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Int64Array
from segue.errors import InputError

# Above it a time is in milliseconds, microseconds, nanoseconds: seconds reach it in the year 5138.
_NO_SECONDS = 1e11


@dataclass(frozen=True)
class Listening:
    """How listens become playlists.

    Attributes
    ----------
    session_gap
        Minutes from one listen to the next with which a new session begins.
    min_length
        Sessions and lists of fewer different tracks are left out.
    top
        Make one list of a listener's most played tracks instead, this many at most, the most played
        first.
    """

    session_gap: float = 30.0
    min_length: int = 2
    top: int | None = None

    def __post_init__(self) -> None:
        """Raise InputError for what is out of range."""
        gap = self.session_gap
        if not isinstance(gap, Real) or not 0 < gap < float("inf"):
            raise InputError(f"session_gap is {gap!r}, expected minutes, more than none")
        for name, value in (("min_length", self.min_length), ("top", self.top)):
            whole = isinstance(value, Integral) and value >= 1
            if not whole and not (name == "top" and value is None):
                raise InputError(f"{name} is {value!r}, expected a whole number from 1")


def seconds(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times since 1970 in seconds; they may be in milli-, micro- or nanoseconds, too."""
    largest = float(np.abs(times).max(initial=0))
    scale = 1.0
    while largest / scale >= _NO_SECONDS and scale < 1e9:
        scale *= 1000
    return times / scale


def session_starts(
    listeners: NDArray[np.integer], times: NDArray[np.float64], listening: Listening
) -> BoolArray:
    """Which listens begin a session.

    Parameters
    ----------
    listeners : int [num_listens]
        Sorted.
    times : float64 [num_listens]
        In seconds, sorted for each listener.
    """
    starts = np.ones(len(times), dtype=bool)
    starts[1:] = (listeners[1:] != listeners[:-1]) | (
        times[1:] - times[:-1] > 60 * listening.session_gap
    )
    return starts


def most_played(
    listeners: NDArray[np.integer],
    tracks: NDArray[np.integer],
    plays: NDArray[np.float64] | None,
    top: int,
) -> Int64Array:
    """The rows that name each listener's most played tracks, the most played first.

    Parameters
    ----------
    listeners : int [num_rows]
        Sorted.
    tracks : int [num_rows]
    plays : float64 [num_rows]
        How often each row counts; by default once.
    top
        How many tracks of a listener, at most. Of equals, the one that comes first.
    """
    weights = np.ones(len(tracks)) if plays is None else plays
    key = listeners.astype(np.int64) * (int(tracks.max(initial=0)) + 1) + tracks
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    counts = np.bincount(group, weights=weights)
    order = np.lexsort((first, -counts, listeners[first]))
    chosen = first[order]
    whose = listeners[chosen]
    begins = np.flatnonzero(np.diff(whose, prepend=-1))
    rank = np.arange(len(chosen)) - np.repeat(begins, np.diff(begins, append=len(chosen)))
    best: Int64Array = chosen[rank < top]
    return best
