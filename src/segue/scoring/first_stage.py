"""The first stage: a score that is a sum of terms, and the best tracks by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from segue.data.playlists import BoolArray, Float32Array, Int32Array, Int64Array, TrackLists
from segue.scoring.ann import AnnIndex
from segue.scoring.best import best_tracks
from segue.scoring.centroid import Centroid
from segue.scoring.popularity import Popularity
from segue.scoring.query import Query
from segue.scoring.term import ScoreParts, Term, Tracks

T = TypeVar("T")

# Lists processed at a time; fewer with an index, as its results are copied for each.
_BATCH_LISTS, _INDEX_LISTS = 1024, 64
# An index has its stated recall for lists of this length; searches for longer ones are widened.
_INDEX_LENGTH = 100


@dataclass(frozen=True, eq=False)
class FirstStage:
    """Scores tracks for lists by a sum of terms, and finds the best.

        score(u) = Σ_terms term(u)

    Attributes
    ----------
    centroid : Centroid
    popularity : Popularity or None
        Without it there is no prior, and the dial must be at 0.
    further : tuple of Term
        Any other terms.
    index : AnnIndex or None
        Preselects the tracks to score; None: all are scored.
    """

    centroid: Centroid
    popularity: Popularity | None = None
    further: tuple[Term[Any], ...] = ()
    index: AnnIndex | None = None

    @property
    def terms(self) -> tuple[Term[Any], ...]:
        """All terms of the score."""
        popularity = () if self.popularity is None else (self.popularity,)
        return (self.centroid, *popularity, *self.further)

    @property
    def num_tracks(self) -> int:
        """Number of tracks."""
        return len(self.centroid.track_vectors)

    def term(self, kind: type[T]) -> T | None:
        """The term of a class; None if there is none."""
        return next((term for term in self.terms if isinstance(term, kind)), None)

    def scores(
        self, query: TrackLists | Query, dial: float = 0.0, tracks: Int64Array | None = None
    ) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks], a fresh array.

        `dial` is from −1, mainstream, to 1, deep cuts; `tracks` (int64, ascending) asks for the
        scores of these alone.
        """
        asked = self._asked(Query.of(query), dial)
        rows = slice(0, self.num_tracks) if tracks is None else tracks
        width = self.num_tracks if tracks is None else len(tracks)
        scores = np.zeros((len(query), width), dtype=np.float32)
        _add_all(asked, scores, rows)
        return scores

    def scores_of(self, query: Query, tracks: Int32Array) -> Float32Array:
        """Scores of some tracks (int32 [num_tracks_asked]) for a single list: float32."""
        scores = np.zeros(len(tracks), dtype=np.float32)
        for term, prepared in self._asked(query, 0.0):
            scores += term.pairs(tracks[None].astype(np.int64), prepared)[0]
        return scores

    def left_out(self, query: TrackLists | Query) -> Float32Array:
        """Leave one out: the score of each track of each list for its list without it.

        It is the score that the list would give the track if it did not hold it, so it says how
        well the track goes with the others.

        Parameters
        ----------
        query
            Without emphasis (ValueError).

        Returns
        -------
        float32 [num_pairs]
            A pair after another, as in the lists.
        """
        query = Query.of(query)
        if query.emphasis is not None:
            raise ValueError("scores of tracks left out are of lists without emphasis")
        scores = np.zeros(query.tracks.num_pairs, dtype=np.float32)
        for term in self.terms:
            scores += term.left_out(query, 0.0)
        return scores

    def best(
        self,
        query: Query,
        n: int,
        *,
        dial: float = 0.0,
        excluded: TrackLists | None = None,
        allowed: BoolArray | None = None,
    ) -> tuple[Int32Array, Float32Array]:
        """The `n` best tracks of each list, as from `best_tracks`.

        Parameters
        ----------
        query, n, dial
        excluded : TrackLists, optional
            For each list, the tracks that must not be in it; by default those of the query.
        allowed : bool [num_tracks], optional
            The tracks that may be in any list; by default all.
        """
        excluded = query.tracks if excluded is None else excluded
        size = _BATCH_LISTS if self.index is None else _INDEX_LISTS
        if len(query) <= size:
            return self._best(query, n, dial, excluded, allowed)
        track_index = np.empty((len(query), n), dtype=np.int32)
        score = np.empty((len(query), n), dtype=np.float32)
        for start in range(0, len(query), size):
            rows = slice(start, min(start + size, len(query)))
            track_index[rows], score[rows] = self._best(
                query.rows(rows), n, dial, excluded.rows(rows), allowed
            )
        return track_index, score

    def parts(self, query: TrackLists | Query, tracks: Int32Array, dial: float = 0.0) -> ScoreParts:
        """The parts that the scores of some tracks are the sum of, for a single list.

        Parameters
        ----------
        query
            A single list.
        tracks : int32 [num_tracks_asked]
        dial
            From −1 to 1.
        """
        query = Query.of(query)
        if len(query) != 1:
            raise ValueError(f"parts are of one list, not of {len(query)}")
        self._check(dial)
        return ScoreParts.sum_of([term.parts(query, tracks, dial) for term in self.terms])

    def _check(self, dial: float) -> None:
        if dial and self.popularity is None:
            raise ValueError("a dial that is not at 0 needs the popularity of the tracks")

    def _asked(self, query: Query, dial: float) -> list[tuple[Term[Any], Any]]:
        self._check(dial)
        return [(term, term.prepare(query, dial)) for term in self.terms]

    def _best(
        self,
        query: Query,
        n: int,
        dial: float,
        excluded: TrackLists,
        allowed: BoolArray | None,
    ) -> tuple[Int32Array, Float32Array]:
        asked = self._asked(query, dial)
        near = None
        if self.index is not None:
            near = self._near(self.index, asked, query, n, excluded, allowed)
        if near is None:
            return best_tracks(
                partial(_add_all, asked), self.num_tracks, excluded, n, allowed=allowed
            )
        track_index, score = near
        # Lists that the index left short are completed by scoring all tracks.
        short = np.flatnonzero(track_index[:, -1] < 0)
        if len(short):
            asked = self._asked(query.rows(short), dial)
            track_index[short], score[short] = best_tracks(
                partial(_add_all, asked),
                self.num_tracks,
                excluded.rows(short),
                n,
                allowed=allowed,
            )
        return track_index, score

    def _near(
        self,
        index: AnnIndex,
        asked: list[tuple[Term[Any], Any]],
        query: Query,
        n: int,
        excluded: TrackLists,
        allowed: BoolArray | None,
    ) -> tuple[Int32Array, Float32Array] | None:
        """The best of what the index and the terms themselves find, scored exactly.

        Lists may be left short, and empty ones are. The more tracks are wanted or excluded, the
        wider the search; None if that would be as much work as scoring all.
        """
        num_tracks = self.num_tracks
        share = 1.0 if allowed is None else max(int(allowed.sum()), 1) / num_tracks
        wanted = int((n + excluded.lengths.max(initial=0)) / share)
        widen = max(1, round(wanted / _INDEX_LENGTH))
        vectors = asked[0][1]
        dials = np.zeros(len(query), dtype=np.float32)
        if self.popularity is not None:
            dials = asked[1][1].dial
        if wanted > num_tracks // 8 or widen * index.probes(dials) > index.num_cells // 4:
            return None
        found = index.search(vectors, dials, wanted, widen=widen)
        found[query.empty] = -1
        for term, prepared in asked:
            lifted = term.strongest(wanted, prepared)
            if lifted is not None:
                found = _united(found, lifted)
        score = np.zeros(found.shape, dtype=np.float32)
        for term, prepared in asked:
            score += term.pairs(found, prepared)
        row = np.repeat(np.arange(len(found)), found.shape[1]).reshape(found.shape)
        held = excluded.list_index() * num_tracks + excluded.track_index
        out = (found < 0) | np.isin(row * num_tracks + found, held)
        if allowed is not None:
            out |= ~allowed[found]
        score[out] = -np.inf
        order = np.lexsort((found, -score), axis=1)[:, :n]
        track_index = np.take_along_axis(found, order, axis=1).astype(np.int32)
        score = np.take_along_axis(score, order, axis=1)
        track_index[score == -np.inf] = -1
        return track_index, score


def _add_all(asked: list[tuple[Term[Any], Any]], scores: Float32Array, tracks: Tracks) -> None:
    for term, prepared in asked:
        term.add_to(scores, tracks, prepared)


def _united(found: Int64Array, further: list[Int64Array]) -> Int64Array:
    """The union of both for each list: int64 [num_lists, width], padded with −1."""
    both = [np.union1d(row[row >= 0], more) for row, more in zip(found, further, strict=True)]
    # No narrower than before: a list is as long as was asked for, however little is found.
    width = max(found.shape[1], *map(len, both))
    united = np.full((len(both), width), -1, dtype=np.int64)
    for row, tracks in zip(united, both, strict=True):
        row[: len(tracks)] = tracks
    return united
