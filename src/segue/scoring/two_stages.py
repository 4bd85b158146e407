"""Both stages as one: the score that is measured, shown and explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundle import Bundle, MeasuredVectors
from segue.data.playlists import BoolArray, Catalog, Float32Array, Int32Array, TrackLists
from segue.scoring.ann import AnnIndex
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.questions import Questions
from segue.scoring.second_stage import SecondStage
from segue.scoring.term import ScoreParts
from segue.scoring.terms import first_stage_of
from segue.scoring.variety import HeldBack


@dataclass(frozen=True, eq=False)
class TwoStages:
    """A first stage, and a second one that reorders the best tracks of the first.

    A track's score depends only on the query, the dial and the variety, not on filters or the
    length of a list: the second stage always sees the same pool, the first stage's best tracks with
    dial and variety at 0, and these and filters are applied afterwards. It was trained on such
    pools, too.

    Attributes
    ----------
    first : FirstStage
    second : SecondStage or None
    questions : Questions
        How queries are made by what they ask.
    """

    first: FirstStage
    second: SecondStage | None = None
    questions: Questions = Questions()  # noqa: RUF009 - frozen

    @classmethod
    def of(
        cls,
        vectors: Bundle | MeasuredVectors,
        catalog: Catalog,
        second_stage: Mapping[str, NDArray[Any]] | None,
        questions: Questions = Questions(),  # noqa: B008 - frozen
        index: AnnIndex | None = None,
    ) -> TwoStages:
        """From a bundle's arrays, those of a second stage, and how questions are answered.

        Raises
        ------
        ArtefactError
            As for `SecondStage` and `segue.scoring.terms.load_terms`.
        """
        first = first_stage_of(vectors, catalog, index)
        second = None
        if second_stage is not None:
            second = SecondStage(
                second_stage, first, catalog, vectors.popularity, questions=questions
            )
        return cls(first, second, questions)

    def scores(self, query: TrackLists | Query, variety: float = 1.0) -> Float32Array:
        """Scores of all tracks with the dial at 0: float32 [num_lists, num_tracks]."""
        plain = Query.of(query)
        varied = self._varied(plain, variety)
        scores = self.first.scores(varied)
        if self.second is not None:
            pool, _, score = self._pool(plain, self.second)
            score += self._held_back(varied, pool)
            row, place = np.nonzero(pool >= 0)
            scores[row, pool[row, place]] = score[row, place]
        return scores

    def best(
        self,
        query: Query,
        n: int,
        *,
        dial: float = 0.0,
        variety: float = 1.0,
        allowed: BoolArray | None = None,
    ) -> tuple[Int32Array, Float32Array]:
        """The `n` best tracks for each list that are not in it.

        Parameters
        ----------
        query, n, dial
        variety
            From 0, by the score alone, to 1: tracks by the artists of the list's tracks are held
            back as far as `questions` says.
        allowed : bool [num_tracks], optional
            The tracks that may be in any list; by default all.

        Returns
        -------
        track_index : int32 [num_lists, n]
        score : float32 [num_lists, n]
            Padded with −1 and −inf where no other track is allowed.
        """
        varied = self._varied(query, variety)
        if self.second is None:
            return self.first.best(varied, n, dial=dial, allowed=allowed)
        size = self.second.pool_size
        width = size
        # What an index finds depends on the number requested; the pool must not.
        if dial == 0 and self.first.index is None:
            num_forbidden = 0 if allowed is None else int((~allowed).sum())
            num_held = 0 if varied.held_back is None else n // 2
            width = max(size, n + min(size, num_forbidden) + num_held)
        found, score = self.first.best(query, width)
        pool = found[:, :size]
        score[:, :size] = self.second.reordered(query, pool, score[:, :size])
        if dial and self.first.popularity is not None:
            score[:, :size] += self.first.popularity.turned(pool, query, dial)
        taken = self._held_back(varied, found)
        score += taken
        left = found >= 0
        if allowed is not None:
            left &= allowed[found]
        score[~left] = -np.inf
        # Tracks from outside the pool, where the pool is not enough. None of them comes before one
        # that is not held back.
        enough = (left & (taken == 0)).sum(axis=1) >= n
        everything = (found[:, -1] < 0) | enough
        if dial or n > width or not everything.all():
            further, more = self.first.best(varied, n + size, dial=dial, allowed=allowed)
            more[_same_row(further, pool, self.first.num_tracks)] = -np.inf
            found = np.concatenate([pool, further], axis=1)
            score = np.concatenate([score[:, :size], more], axis=1)
        found[score == -np.inf] = -1
        order = np.lexsort((found, -score), axis=1)[:, :n]
        return np.take_along_axis(found, order, axis=1), np.take_along_axis(score, order, axis=1)

    def parts(
        self, query: Query, tracks: Int32Array, dial: float = 0.0, variety: float = 1.0
    ) -> ScoreParts:
        """What the scores of some tracks are the sum of, for a single list.

        With a second stage the last source is ``("list", -1)``: what it adds to each, which is 0
        for tracks outside its pool.
        """
        parts = self.first.parts(self._varied(query, variety), tracks, dial)
        if self.second is None or query.empty[0]:
            return parts
        pool, first, second = self._pool(query, self.second)
        added = np.zeros(self.first.num_tracks)
        looked_at = pool[0] >= 0
        added[pool[0, looked_at]] = second[0, looked_at] - first[0, looked_at]
        return parts.with_source(("list", -1), added[tracks])

    def parts_of_scores(
        self,
        query: Query,
        tracks: Int32Array,
        score: Float32Array,
        dial: float = 0.0,
        variety: float = 1.0,
    ) -> ScoreParts:
        """`parts` without running the trees, given the scores (float32 [num_tracks_asked])."""
        parts = self.first.parts(self._varied(query, variety), tracks, dial)
        if self.second is None or query.empty[0]:
            return parts
        added: NDArray[np.float64] = score - parts.parts.sum(axis=1)
        return parts.with_source(("list", -1), added)

    def _varied(self, query: Query, variety: float) -> Query:
        """The query with what variety holds back."""
        held = np.float32(variety) * self.questions.variety.of(query)
        return replace(query, held_back=held) if held.any() else query

    def _held_back(self, varied: Query, tracks: Int32Array) -> Float32Array:
        """What is taken from the scores of given tracks of each list: float32, at most 0."""
        term = self.first.term(HeldBack)
        if term is None or varied.held_back is None:
            return np.zeros(tracks.shape, dtype=np.float32)
        return term.pairs(tracks.astype(np.int64), term.prepare(varied))

    def _pool(
        self, query: Query, second: SecondStage
    ) -> tuple[Int32Array, Float32Array, Float32Array]:
        """The second stage's pool, with scores by the first stage and by both."""
        pool, first = self.first.best(query, second.pool_size)
        return pool, first, second.reordered(query, pool, first)


def _same_row(tracks: Int32Array, others: Int32Array, num_tracks: int) -> BoolArray:
    """Which tracks of each row are in the same row of the others: bool, shaped like `tracks`."""
    row = np.arange(len(tracks), dtype=np.int64)[:, None] * (num_tracks + 1) + 1
    found: BoolArray = np.isin(row + tracks, row + others)
    return found
