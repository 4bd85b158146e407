"""Both stages as one: the score that is measured, shown and explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundle import Bundle, MeasuredVectors
from segue.data.playlists import BoolArray, Catalog, Float32Array, Int32Array, TrackLists
from segue.scoring.ann import AnnIndex
from segue.scoring.best import top_tracks
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.questions import Questions
from segue.scoring.second_stage import POOL_SIZE, SecondStage
from segue.scoring.term import ScoreParts
from segue.scoring.terms import first_stage_of
from segue.scoring.variety import held_back, same_artist


@dataclass(frozen=True, eq=False)
class TwoStages:
    """A first stage, and a second one that reorders the best tracks of the first.

    A track's score depends only on the query, the dial and the variety, not on filters or the
    length of a list: the second stage always sees the same pool, the first stage's best tracks with
    the dial at 0, and in this pool tracks by the list's own artists are held back. The dial and
    filters are applied afterwards. The second stage was trained on such pools, too.

    Attributes
    ----------
    first : FirstStage
    second : SecondStage or None
    questions : Questions
        How queries are made by what they ask, and how far tracks are held back for variety.
    artist : int32 [num_tracks] or None
        The main artist of each track, −1 where none is known; None: nothing is held back.
    """

    first: FirstStage
    second: SecondStage | None = None
    questions: Questions = Questions()  # noqa: RUF009 - frozen
    artist: Int32Array | None = None

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
        return cls(first, second, questions, catalog.main_artist)

    @property
    def pool_size(self) -> int:
        """How many of the best tracks of a list are reordered."""
        return POOL_SIZE if self.second is None else self.second.pool_size

    def scores(self, query: TrackLists | Query, variety: float = 0.0) -> Float32Array:
        """Scores of all tracks with the dial at 0: float32 [num_lists, num_tracks].

        Never by an index.
        """
        query = Query.of(query)
        scores = self.first.scores(query)
        taken = self._taken(query, variety)
        if self._reorders(query) or taken.any():
            pool, first = top_tracks(scores.copy(), query.tracks, self.pool_size)
            score = self._held_back(query, pool, self._reordered(query, pool, first), taken)
            row, place = np.nonzero(pool >= 0)
            scores[row, pool[row, place]] = score[row, place]
        return scores

    def best(
        self,
        query: Query,
        n: int,
        *,
        dial: float = 0.0,
        variety: float = 0.0,
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
        taken = self._taken(query, variety)
        if not (self._reorders(query) or taken.any()):
            return self.first.best(query, n, dial=dial, allowed=allowed)
        size = self.pool_size
        width = size
        # What an index finds depends on the number requested; the pool must not.
        if dial == 0 and self.first.index is None:
            num_forbidden = 0 if allowed is None else int((~allowed).sum())
            width = max(size, n + min(size, num_forbidden))
        found, score = self.first.best(query, width)
        pool = found[:, :size]
        of_pool = self._reordered(query, pool, score[:, :size])
        score[:, :size] = self._held_back(query, pool, of_pool, taken)
        if dial and self.first.popularity is not None:
            score[:, :size] += self.first.popularity.turned(pool, query, dial)
        left = found >= 0
        if allowed is not None:
            left &= allowed[found]
        score[~left] = -np.inf
        # Tracks from outside the pool, where the pool is not enough.
        everything = (found[:, -1] < 0) | (left.sum(axis=1) >= n)
        if dial or n > width or not everything.all():
            further, more = self.first.best(query, n + size, dial=dial, allowed=allowed)
            more[_same_row(further, pool, self.first.num_tracks)] = -np.inf
            found = np.concatenate([pool, further], axis=1)
            score = np.concatenate([score[:, :size], more], axis=1)
        found[score == -np.inf] = -1
        order = np.lexsort((found, -score), axis=1)[:, :n]
        return np.take_along_axis(found, order, axis=1), np.take_along_axis(score, order, axis=1)

    def parts(
        self, query: Query, tracks: Int32Array, dial: float = 0.0, variety: float = 0.0
    ) -> ScoreParts:
        """What the scores of some tracks are the sum of, for a single list.

        The last sources are ``("variety", -1)``, what is taken from each for variety, where
        anything can be, and where a second stage answers ``("list", -1)``, what it adds; both are 0
        for tracks outside its pool.
        """
        parts, taken = self.first.parts(query, tracks, dial), self._taken(query, variety)
        if query.empty[0] or not (self._reorders(query) or taken.any()):
            return parts
        pool, first = self.first.best(query, self.pool_size)
        second = self._reordered(query, pool, first)
        final = self._held_back(query, pool, second, taken)
        listed = pool[0] >= 0

        def of_tracks(score: Float32Array, before: Float32Array) -> NDArray[np.float64]:
            added = np.zeros(self.first.num_tracks)
            added[pool[0, listed]] = score[0, listed] - before[0, listed]
            return added[tracks]

        if taken.any():
            parts = parts.with_source(("variety", -1), of_tracks(final, second))
        if self._reorders(query):
            parts = parts.with_source(("list", -1), of_tracks(second, first))
        return parts

    def parts_of_scores(
        self,
        query: Query,
        tracks: Int32Array,
        score: Float32Array,
        dial: float = 0.0,
        variety: float = 0.0,
    ) -> ScoreParts:
        """`parts` without running the trees, given the scores (float32 [num_tracks_asked])."""
        parts, taken = self.first.parts(query, tracks, dial), self._taken(query, variety)
        if query.empty[0]:
            return parts
        if taken.any() and self.artist is not None:
            pool, first = self.first.best(query, self.pool_size)
            same = same_artist(query, tracks[None], self.artist)[0]
            same &= np.isin(tracks, pool[0])
            level = score.astype(np.float64)
            if dial and self.first.popularity is not None:
                level -= self.first.popularity.turned(tracks[None], query, dial)[0]
            # Of what lifted it, so much is left.
            lifted = (level - first[0, pool[0] >= 0].min(initial=np.inf)) / (1 - taken[0])
            parts = parts.with_source(("variety", -1), np.where(same, -taken[0] * lifted, 0.0))
        if not self._reorders(query):
            return parts
        added: NDArray[np.float64] = score - parts.parts.sum(axis=1)
        return parts.with_source(("list", -1), added)

    def _taken(self, query: Query, variety: float) -> Float32Array:
        """The share that is taken from tracks by each list's artists: float32 [num_lists]."""
        if self.artist is None:
            return np.zeros(len(query), dtype=np.float32)
        taken: Float32Array = np.float32(variety) * self.questions.variety.of(query)
        return taken

    def _reorders(self, query: Query) -> bool:
        """Whether the second stage answers any of the lists."""
        return self.second is not None and bool(self.second.answers(query).any())

    def _reordered(self, query: Query, pool: Int32Array, score: Float32Array) -> Float32Array:
        """The scores of some pools by both stages."""
        return score if self.second is None else self.second.reordered(query, pool, score)

    def _held_back(
        self, query: Query, pool: Int32Array, score: Float32Array, taken: Float32Array
    ) -> Float32Array:
        """The scores of some pools with what is taken from them."""
        if self.artist is None or not taken.any():
            return score
        return held_back(score, same_artist(query, pool, self.artist), taken)


def _same_row(tracks: Int32Array, others: Int32Array, num_tracks: int) -> BoolArray:
    """Which tracks of each row are in the same row of the others: bool, shaped like `tracks`."""
    row = np.arange(len(tracks), dtype=np.int64)[:, None] * (num_tracks + 1) + 1
    found: BoolArray = np.isin(row + tracks, row + others)
    return found
