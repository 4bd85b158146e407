"""The best tracks for queries, whatever is asked of the list: the path that all verbs take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segue.data.playlists import (
    BoolArray,
    Catalog,
    Float32Array,
    Int32Array,
    Int64Array,
    TrackLists,
)
from segue.errors import InputError
from segue.recommend.filters import Filters
from segue.scoring.ann import AnnIndex
from segue.scoring.first_stage import best_tracks
from segue.scoring.rerank import check_dial, check_diversity
from segue.scoring.scorer import CentroidScorer, Query
from segue.scoring.second_stage import SecondStage

# Lists that are answered at once.
_BATCH_LISTS = 1024
# Of so many tracks for each that is wanted a list is chosen where tracks depend on each other.
_POOL = 10
# And at least so many.
_LEAST_POOL = 100
# An index of so good a recall for lists of this length is widened for longer ones.
_ANN_LENGTH = 100
# Lists that are answered at once through an index: what it finds of each is copied.
_ANN_LISTS = 64


def check_length(n: int) -> None:
    """Refuse a list of nothing (InputError)."""
    if n < 1:
        raise InputError(f"the length of a list must be at least 1, not {n}")


class Ranker:
    """Ranks the tracks of a catalogue for queries.

    Parameters
    ----------
    scorer
    catalog
    popularity : int64 [num_tracks]
        Answers empty queries.
    ann
        Finds the tracks that are then scored; None: all are scored.
    second_stage
        Orders the best of them anew; None: they stay in the order of their scores.
    """

    def __init__(
        self,
        scorer: CentroidScorer,
        catalog: Catalog,
        popularity: Int64Array,
        ann: AnnIndex | None = None,
        second_stage: SecondStage | None = None,
    ) -> None:
        self.scorer, self.catalog, self.popularity = scorer, catalog, popularity
        self.ann, self.second_stage = ann, second_stage

    def rank(
        self,
        query: Query,
        n: int,
        *,
        dial: float,
        diversity: float,
        filters: Filters,
        candidates: Int32Array | None,
    ) -> tuple[Int32Array, Float32Array]:
        """The best tracks of each list, none that it holds.

        Parameters
        ----------
        query, n, dial, diversity
        filters
            What depends on the rest of a list; `candidates` are the tracks that pass by themselves
            (int32, ascending; None: all).

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
        track_index = np.empty((len(query), n), dtype=np.int32)
        score = np.empty((len(query), n), dtype=np.float32)
        batch = _BATCH_LISTS if self.ann is None else _ANN_LISTS
        for start in range(0, len(query), batch):
            rows = slice(start, min(start + batch, len(query)))
            part = query.rows(rows)
            if diversity == 0 and not filters.looks_at_the_list:
                track_index[rows], score[rows] = self._best(part, n, dial, candidates)
            else:
                for row in range(len(part)):
                    one = part.rows(slice(row, row + 1))
                    track_index[start + row], score[start + row] = self._chosen(
                        one, n, dial, diversity, filters, candidates
                    )
        return track_index, score

    def _best(
        self, query: Query, n: int, dial: float, candidates: Int32Array | None
    ) -> tuple[Int32Array, Float32Array]:
        """The best tracks that the lists do not hold; the most popular ones for an empty list."""
        if self.second_stage is None:
            return self._first(query, n, dial, candidates)
        size = self.second_stage.pool_size
        at_rest = self._first(query, size if dial else max(n, size), 0.0, candidates)
        pool = at_rest[0][:, :size]
        score = self.second_stage.scores(query, pool, at_rest[1][:, :size])
        if dial == 0:
            listed = pool, score
            further = at_rest[0][:, size:], at_rest[1][:, size:]
        else:
            # Among so many with the dial turned there are n outside the pool.
            turned = np.float32(dial) * self.scorer.dial_offset[pool]
            turned[pool < 0] = 0
            turned[query.empty] = 0  # the most popular tracks, however the dial is turned
            listed = pool, score + turned
            further = self._first(query, n + size, dial, candidates)
            again = _stand_in_rows(further[0], pool, self.catalog.num_tracks)
            further[1][again] = -np.inf
        track_index, score = (
            np.concatenate(of, axis=1) for of in zip(listed, further, strict=True)
        )
        track_index[score == -np.inf] = -1
        order = np.lexsort((track_index, -score), axis=1)[:, :n]
        ranked = np.take_along_axis(track_index, order, axis=1)
        return ranked, np.take_along_axis(score, order, axis=1)

    def lift(self, query: Query, tracks: Int32Array) -> NDArray[np.float64]:
        """What the second stage adds to the scores of some tracks for one list.

        Parameters
        ----------
        query
            A single list.
        tracks : int32 [num_tracks_asked]

        Returns
        -------
        float64 [num_tracks_asked]
            0 for those that the second stage does not look at.
        """
        lift = np.zeros(len(tracks))
        if self.second_stage is None:
            return lift
        pool, first = self._first(query, self.second_stage.pool_size, 0.0, None)
        dealt, found = self.second_stage.scores(query, pool, first), pool[0] >= 0
        added = dealt[0, found] - first[0, found]
        of_track = dict(zip(pool[0, found].tolist(), added.tolist(), strict=True))
        return np.array([of_track.get(track, 0.0) for track in tracks.tolist()])

    def _first(
        self, query: Query, n: int, dial: float, candidates: Int32Array | None
    ) -> tuple[Int32Array, Float32Array]:
        """The best tracks by their scores, before the second stage."""
        vectors, wide = self.scorer.query_vectors(query), self.scorer.wide_scores(query)
        dials = self.scorer.dials(query, dial)
        near = None
        if self.ann is not None:
            near = self._near(self.ann, vectors, wide, query.tracks, n, dials, candidates)
        if near is None:
            track_index, score = self._exact(vectors, wide, query.tracks, n, dials, candidates)
        else:
            track_index, score = near
            # What the index left short is looked for among all.
            short = np.flatnonzero(track_index[:, -1] < 0)
            if len(short):
                track_index[short], score[short] = self._exact(
                    vectors[short],
                    None if wide is None else wide[short],
                    query.tracks.rows(short),
                    n,
                    dials[short],
                    candidates,
                )
        if query.empty.any():
            share = self.popularity / max(1, self.popularity.sum())
            track_index[query.empty], score[query.empty] = best_tracks(
                np.zeros((1, 0), dtype=np.float32),
                np.zeros((len(share), 0), dtype=np.float32),
                TrackLists.from_lists([[]]),
                n,
                offset=share.astype(np.float32),
                candidates=candidates,
            )
        return track_index, score

    def _exact(
        self,
        vectors: Float32Array,
        wide: csr_array | None,
        excluded: TrackLists,
        n: int,
        dials: Float32Array,
        candidates: Int32Array | None,
    ) -> tuple[Int32Array, Float32Array]:
        return best_tracks(
            vectors,
            self.scorer.track_vectors,
            excluded,
            n,
            offset=self.scorer.dial_offset,
            offset_weight=dials,
            wide=wide,
            candidates=candidates,
        )

    def _near(
        self,
        ann: AnnIndex,
        vectors: Float32Array,
        wide: csr_array | None,
        excluded: TrackLists,
        n: int,
        dials: Float32Array,
        candidates: Int32Array | None,
    ) -> tuple[Int32Array, Float32Array] | None:
        """The best of what the index and the wide part find, scored exactly.

        Lists may be left short. The more tracks are wanted or may not be recommended, the wider
        the search; None where it would be no less work than to score all.
        """
        num_tracks = self.catalog.num_tracks
        share = 1.0 if candidates is None else max(len(candidates), 1) / num_tracks
        wanted = int((n + excluded.lengths.max(initial=0)) / share)
        widen = max(1, round(wanted / _ANN_LENGTH))
        if wanted > num_tracks // 8 or widen * ann.num_probes(dials) > ann.num_cells // 4:
            return None
        found = ann.search(vectors, dials, wanted, widen=widen)
        added = np.zeros(found.shape, dtype=np.float32)
        if wide is not None:
            found, added = _with_neighbours(found, wide, wanted)
        row = np.repeat(np.arange(len(found)), found.shape[1]).reshape(found.shape)
        held = excluded.list_index() * num_tracks + excluded.track_index
        out = (found < 0) | np.isin(row * num_tracks + found, held)
        if candidates is not None:
            passes = np.zeros(num_tracks, dtype=bool)
            passes[candidates] = True
            out |= ~passes[found]
        score = np.einsum("qd,qwd->qw", vectors, self.scorer.track_vectors[found]) + added
        score += dials[:, None] * self.scorer.dial_offset[found]
        score[out] = -np.inf
        order = np.lexsort((found, -score), axis=1)[:, :n]
        track_index = np.take_along_axis(found, order, axis=1).astype(np.int32)
        score = np.take_along_axis(score, order, axis=1)
        track_index[score == -np.inf] = -1
        return track_index, score

    def _chosen(
        self,
        query: Query,
        n: int,
        dial: float,
        diversity: float,
        filters: Filters,
        candidates: Int32Array | None,
    ) -> tuple[Int32Array, Float32Array]:
        """A list in which a track's place depends on the others: from a pool that grows."""
        most = self.catalog.num_tracks if candidates is None else len(candidates)
        width = min(max(_POOL * n, _LEAST_POOL), most)
        while True:
            ranked, score = (
                found[0] for found in self._best(query, max(width, 1), dial, candidates)
            )
            ranked, score = ranked[ranked >= 0], score[ranked >= 0]
            places = filters.chosen(
                self.catalog,
                ranked,
                score,
                n,
                query=query.tracks.track_index,
                track_vectors=self.scorer.track_vectors,
                diversity=diversity,
            )
            if len(places) == n or width >= most:
                break
            width = min(4 * width, most)
        listed, value = np.full(n, -1, dtype=np.int32), np.full(n, -np.inf, dtype=np.float32)
        listed[: len(places)], value[: len(places)] = ranked[places], score[places]
        return listed, value


def _stand_in_rows(tracks: Int32Array, others: Int32Array, num_tracks: int) -> BoolArray:
    """Which tracks of each row stand in the same row of the others: bool, shaped like `tracks`."""
    row = np.arange(len(tracks), dtype=np.int64)[:, None] * (num_tracks + 1) + 1
    found: BoolArray = np.isin(row + tracks, row + others)
    return found


def _with_neighbours(
    found: Int64Array, wide: csr_array, wanted: int
) -> tuple[Int64Array, Float32Array]:
    """What an index found, widened by the tracks to which the wide part gives most.

    Returns
    -------
    found : int64 [num_lists, width]
        Each track once; padded with −1.
    added : float32 [num_lists, width]
        What the wide part gives to each.
    """
    num_lists, num_tracks = wide.shape
    row, column, weight = [], [], []
    for at in range(num_lists):
        part = slice(wide.indptr[at], wide.indptr[at + 1])
        tracks, weights = wide.indices[part], wide.data[part]
        if len(weights) > wanted:
            most = np.argpartition(-weights, wanted - 1)[:wanted]
            tracks = tracks[most]
        both = np.union1d(tracks, found[at][found[at] >= 0])
        row.append(np.full(len(both), at))
        column.append(both)
        given = np.zeros(num_tracks, dtype=np.float32)
        given[wide.indices[part]] = weights
        weight.append(given[both])
    lengths = np.array([len(tracks) for tracks in column])
    place = np.concatenate([np.arange(length) for length in lengths])
    width = (num_lists, int(lengths.max(initial=1)))
    cells = np.concatenate(row), place
    widened, added = np.full(width, -1, dtype=np.int64), np.zeros(width, dtype=np.float32)
    widened[cells], added[cells] = np.concatenate(column), np.concatenate(weight)
    return widened, added
