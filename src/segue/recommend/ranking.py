"""The best tracks for queries, whatever is asked of the list: the path that all verbs take."""

from __future__ import annotations

import numpy as np

from segue.data.playlists import Catalog, Float32Array, Int32Array, Int64Array, TrackLists
from segue.errors import InputError
from segue.recommend.ann import AnnIndex
from segue.recommend.filters import Filters
from segue.recommend.index import best_tracks
from segue.recommend.rerank import check_dial, check_diversity
from segue.recommend.scorer import CentroidScorer, Query

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
    """

    def __init__(
        self,
        scorer: CentroidScorer,
        catalog: Catalog,
        popularity: Int64Array,
        ann: AnnIndex | None = None,
    ) -> None:
        self.scorer, self.catalog, self.popularity, self.ann = scorer, catalog, popularity, ann

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
        vectors = self.scorer.query_vectors(query)
        near = None
        if self.ann is not None:
            near = self._near(self.ann, vectors, query.tracks, n, dial, candidates)
        if near is None:
            track_index, score = self._exact(vectors, query.tracks, n, dial, candidates)
        else:
            track_index, score = near
            # What the index left short is looked for among all.
            short = np.flatnonzero(track_index[:, -1] < 0)
            if len(short):
                track_index[short], score[short] = self._exact(
                    vectors[short], query.tracks.rows(short), n, dial, candidates
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
        excluded: TrackLists,
        n: int,
        dial: float,
        candidates: Int32Array | None,
    ) -> tuple[Int32Array, Float32Array]:
        return best_tracks(
            vectors,
            self.scorer.track_vectors,
            excluded,
            n,
            offset=self.scorer.offset(dial),
            candidates=candidates,
        )

    def _near(
        self,
        ann: AnnIndex,
        vectors: Float32Array,
        excluded: TrackLists,
        n: int,
        dial: float,
        candidates: Int32Array | None,
    ) -> tuple[Int32Array, Float32Array] | None:
        """The best of what the index finds, scored exactly; lists may be left short.

        The more tracks are wanted or may not be recommended, the wider the search; None where it
        would be no less work than to score all.
        """
        num_tracks = self.catalog.num_tracks
        share = 1.0 if candidates is None else max(len(candidates), 1) / num_tracks
        wanted = int((n + excluded.lengths.max(initial=0)) / share)
        widen = max(1, round(wanted / _ANN_LENGTH))
        if wanted > num_tracks // 8 or widen * ann.num_probes(dial) > ann.num_cells // 4:
            return None
        found = ann.search(vectors, dial, wanted, widen=widen)
        row = np.repeat(np.arange(len(found)), wanted).reshape(found.shape)
        held = excluded.list_index() * num_tracks + excluded.track_index
        out = (found < 0) | np.isin(row * num_tracks + found, held)
        if candidates is not None:
            passes = np.zeros(num_tracks, dtype=bool)
            passes[candidates] = True
            out |= ~passes[found]
        score = np.einsum("qd,qwd->qw", vectors, self.scorer.track_vectors[found])
        offset = self.scorer.offset(dial)
        if offset is not None:
            score += offset[found]
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
