"""Variety: tracks by the artists of a short list are held back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.data.playlists import Float32Array, Int32Array, Int64Array
from segue.errors import InputError
from segue.scoring.query import Query
from segue.scoring.sparse import SparseScores
from segue.scoring.term import ScoreParts, Term, Tracks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Far above any score, far below what float32 cannot hold.
_MOST_HELD_BACK = 1e6


def check_variety(variety: float) -> None:
    """Raise InputError for a variety outside 0 … 1."""
    if not isinstance(variety, Real) or not 0 <= variety <= 1:
        raise InputError(
            f"variety is {variety!r}, expected from 0 (by the score alone) to 1 (as in playlists)"
        )


@dataclass(frozen=True)
class Variety:
    """By how much tracks are held back that are by an artist of the list's tracks.

    What fits a single song best are other songs by its artist; yet playlists hold few of them. So
    their scores are lowered by an amount that depends on how many tracks are given, chosen in
    training such that they are as rare in the lists as among the other tracks of real playlists.

    Attributes
    ----------
    num_given : tuple of int
        Numbers of tracks, ascending.
    held_back : tuple of float
        For each of them, what is taken from the score; between them it is interpolated over the
        logarithm. Empty: nothing is held back.
    """

    num_given: tuple[int, ...] = ()
    held_back: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        if len(self.num_given) != len(self.held_back):
            raise ValueError("variety needs as many amounts as numbers of tracks")
        if list(self.num_given) != sorted({max(1, number) for number in self.num_given}):
            raise ValueError(f"the numbers of tracks are {self.num_given}")
        if not all(0 <= amount <= _MOST_HELD_BACK for amount in self.held_back):
            raise ValueError(f"what is held back is {self.held_back}")

    def of(self, query: Query) -> Float32Array:
        """What is held back for each list: float32 [num_lists], 0 for one without tracks."""
        lengths = query.tracks.lengths
        if not self.num_given:
            return np.zeros(len(lengths), dtype=np.float32)
        found = np.interp(
            np.log(np.maximum(lengths, 1)), np.log(self.num_given), self.held_back
        ).astype(np.float32)
        found[lengths == 0] = 0
        return found

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Variety:
        """From plain values (ValueError, TypeError or KeyError if they are something else)."""
        numbers = tuple(int(number) for number in values["num_given"])
        return cls(numbers, tuple(float(amount) for amount in values["held_back"]))


@dataclass(frozen=True, eq=False)
class HeldBack(Term["SparseScores | None"]):
    """What variety takes from the scores of tracks by the artists of a list's tracks.

    By how much the query says. Artists that are named in the query are wanted, so they are not held
    back. A track with several artists counts for its main one.

    Attributes
    ----------
    artist : int32 [num_tracks]
        The main artist of each track, −1 where none is known.
    """

    artist: Int32Array

    @cached_property
    def _tracks_of(self) -> csr_array:
        """Which tracks each artist has: float32 [num_artists, num_tracks]."""
        from scipy.sparse import csr_array

        known = np.flatnonzero(self.artist >= 0)
        ones = np.ones(len(known), dtype=np.float32)
        shape = (int(self.artist.max(initial=-1)) + 1, len(self.artist))
        return csr_array((ones, (self.artist[known], known)), shape=shape)

    def prepare(self, query: Query, dial: float = 0.0) -> SparseScores | None:
        """What this term takes from all tracks; None if from none."""
        from scipy.sparse import csr_array

        held = query.held_back
        if held is None:
            return None
        row, by = query.tracks.list_index(), self.artist[query.tracks.track_index]
        chosen = (held[row] > 0) & (by >= 0)
        row, by = row[chosen], by[chosen]
        if query.artists is not None:
            size = np.int64(self._tracks_of.shape[0])
            named = query.artists.list_index() * size + query.artists.track_index
            wanted = np.isin(row * size + by, named)
            row, by = row[~wanted], by[~wanted]
        shape = (len(query), self._tracks_of.shape[0])
        lists = csr_array((np.ones(len(row), dtype=np.float32), (row, by)), shape=shape)
        taken = csr_array(lists @ self._tracks_of)
        taken.data = -np.repeat(held, np.diff(taken.indptr))
        return SparseScores(taken)

    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: SparseScores | None) -> None:
        """Add this term."""
        if prepared is not None:
            prepared.add_to(scores, tracks)

    def pairs(self, tracks: Int64Array, prepared: SparseScores | None) -> Float32Array:
        """This term for given tracks."""
        if prepared is None:
            return np.zeros(tracks.shape, dtype=np.float32)
        return prepared.pairs(tracks)

    def left_out(self, query: Query, dial: float = 0.0) -> Float32Array:
        """This term of each track for its list without it: nothing, as tracks that are there stay.

        ValueError if the query holds anything back.
        """
        if query.held_back is not None:
            raise ValueError("scores of tracks left out are of lists that hold nothing back")
        return np.zeros(query.tracks.num_pairs, dtype=np.float32)

    def parts(self, query: Query, tracks: Int32Array, dial: float = 0.0) -> ScoreParts:
        """One part; none if nothing is held back."""
        prepared = self.prepare(query)
        if prepared is None:
            return ScoreParts((), np.zeros((len(tracks), 0)))
        part = prepared.pairs(tracks[None].astype(np.int64))[0]
        return ScoreParts((("variety", -1),), part[:, None].astype(np.float64))
