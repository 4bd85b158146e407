"""The best tracks for queries, with all options of a list: the path that all verbs take."""

from __future__ import annotations

from numbers import Integral
from typing import TypedDict

import numpy as np

from segue.data.playlists import BoolArray, Catalog, Float32Array, Int32Array
from segue.errors import InputError
from segue.recommend.filters import Filters
from segue.scoring.query import Query
from segue.scoring.rerank import check_dial, check_diversity
from segue.scoring.two_stages import TwoStages
from segue.scoring.variety import check_variety

# Lists processed at a time.
_BATCH_LISTS = 1024
# Where tracks depend on each other, a list is chosen from this many for each that is wanted,
_POOL = 10
# and from at least this many.
_LEAST_POOL = 100
# If only equal songs are left out, this many more are ranked than are wanted.
_SPARE = 10


def check_length(n: int) -> None:
    """Raise InputError for a list length that is not a whole number, or below 1."""
    check_number(n, "the length of a list")


def check_number(number: int, what: str) -> None:
    """Raise InputError for what is not a whole number, or below 1."""
    if not isinstance(number, Integral):
        raise InputError(f"{what} must be a whole number, not {number!r}")
    if number < 1:
        raise InputError(f"{what} must be at least 1, not {number}")


NO_FILTERS = Filters()


class ListOptions(TypedDict, total=False):
    """The keyword options of every list, for callers that pass them on."""

    dial: float
    diversity: float
    variety: float
    filters: Filters


class Ranker:
    """Ranks the tracks of a catalogue for queries.

    Parameters
    ----------
    stages
    catalog
    """

    def __init__(self, stages: TwoStages, catalog: Catalog) -> None:
        self.stages, self.catalog = stages, catalog

    def rank(
        self,
        query: Query,
        n: int,
        *,
        dial: float = 0.0,
        diversity: float = 0.0,
        variety: float = 0.0,
        filters: Filters = NO_FILTERS,
        allowed: BoolArray | None = None,
        distinct: bool = False,
    ) -> tuple[Int32Array, Float32Array]:
        """The best tracks for each list, excluding its own.

        Parameters
        ----------
        query, n, dial, diversity, variety
        filters
            Filters that depend on the rest of a list.
        allowed : bool [num_tracks] or None
            The tracks that pass on their own; None: all.
        distinct
            Leave out songs of the list, or higher in it, under another id.

        Returns
        -------
        track_index : int32 [num_lists, n]
            Padded with −1 where no other track may be recommended.
        score : float32 [num_lists, n]
            Padded with −inf.
        """
        check_length(n)
        check_dial(dial)
        check_diversity(diversity)
        check_variety(variety)
        track_index = np.empty((len(query), n), dtype=np.int32)
        score = np.empty((len(query), n), dtype=np.float32)
        for start in range(0, len(query), _BATCH_LISTS):
            rows = slice(start, min(start + _BATCH_LISTS, len(query)))
            part = query if len(query) <= _BATCH_LISTS else query.rows(rows)
            if diversity == 0 and not filters.looks_at_the_list and not distinct:
                track_index[rows], score[rows] = self.stages.best(
                    part, n, dial=dial, variety=variety, allowed=allowed
                )
            else:
                for row in range(len(part)):
                    one = part if len(part) == 1 else part.rows(slice(row, row + 1))
                    track_index[start + row], score[start + row] = self._chosen(
                        one, n, dial, diversity, variety, filters, allowed, distinct
                    )
        return track_index, score

    def _chosen(
        self,
        query: Query,
        n: int,
        dial: float,
        diversity: float,
        variety: float,
        filters: Filters,
        allowed: BoolArray | None,
        distinct: bool,
    ) -> tuple[Int32Array, Float32Array]:
        """A list whose tracks depend on each other: chosen from a growing pool."""
        most = self.catalog.num_tracks if allowed is None else int(allowed.sum())
        width = min(max(_POOL * n, _LEAST_POOL), most)
        if diversity == 0 and not filters.looks_at_the_list:
            # Few songs have a second id.
            width = min(n + _SPARE + n // 4, most)
        while True:
            best = self.stages.best(
                query, max(width, 1), dial=dial, variety=variety, allowed=allowed
            )
            ranked, score = (found[0] for found in best)
            ranked, score = ranked[ranked >= 0], score[ranked >= 0]
            places = filters.chosen(
                self.catalog,
                ranked,
                score,
                n,
                query=query.tracks.track_index,
                track_vectors=self.stages.first.centroid.track_vectors,
                diversity=diversity,
                distinct=distinct,
            )
            if len(places) == n or width >= most:
                break
            width = min(4 * width, most)
        listed, value = np.full(n, -1, dtype=np.int32), np.full(n, -np.inf, dtype=np.float32)
        listed[: len(places)], value[: len(places)] = ranked[places], score[places]
        return listed, value
