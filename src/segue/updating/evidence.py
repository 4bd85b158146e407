"""The evidence for placing tracks, and how well it predicts where known tracks are.

`segue.updating.mix` explains what is fitted here and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from segue.data.playlists import BoolArray, Float32Array, Int64Array, TrackLists
from segue.data.relations import Relation
from segue.scoring.centroid import Centroid, unit_rows
from segue.scoring.query import Query
from segue.updating.mix import (
    BUCKETS,
    PLAYLISTS,
    SOURCES,
    MixWeights,
    Sources,
    cells,
    has_sources,
)

# The ridges tried, in units of the mean eigenvalue.
RIDGES = (np.inf, 100.0, 30.0, 10.0, 5.0, 2.0)
# Steps from 0 to 1 on the grid of weights.
_GRID = 20
# How many tracks are hidden at a time, and how many suffice to fit a few numbers.
_HIDDEN_SHARE, _MOST_HIDDEN, _ENOUGH, _MOST_ROUNDS = 0.1, 5000, 2000, 10
# A cell with fewer tracks uses the weights fitted over all numbers of playlists.
_FEWEST_FITTED = 30
# Of a track in more playlists than this, only this many are looked at while fitting.
_MOST_PLAYLISTS = 100
# Playlists whose vectors are in memory at a time.
_BATCH = 16384


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that tracks can be placed by.

    Attributes
    ----------
    relations : dict of Relation
        From tracks, by target kind: artists and albums.
    playlists : TrackLists
    track_vectors : float32 [num_tracks, dim]
        Unit length; those of unknown tracks are ignored.
    query_weight : float32 [num_tracks]
    known : bool [num_tracks]
        Which tracks have a vector.
    """

    relations: Mapping[str, Relation]
    playlists: TrackLists
    track_vectors: Float32Array
    query_weight: Float32Array
    known: BoolArray

    def sources(self, tracks: Int64Array) -> Sources:
        """The sources that can place some unknown tracks (int64 [num_asked])."""
        return self._sources(tracks, self._memberships(tracks), self.known)

    def fit(
        self,
        tracks: Int64Array,
        rng: np.random.Generator,
        names: Sequence[str] = SOURCES,
    ) -> MixWeights:
        """Fit the weights of the named sources on some known tracks (int64 [num]).

        If there are too few of them, the weights are equal.
        """
        weights = MixWeights.equal(names)
        size = min(max(1, round(len(tracks) * _HIDDEN_SHARE)), _MOST_HIDDEN)
        num_rounds = min(-(-_ENOUGH // size), len(tracks) // size, _MOST_ROUNDS)
        hidden = rng.permutation(tracks)[: num_rounds * size].reshape(num_rounds, size)
        if not num_rounds:
            return weights
        asked = _Asked.joined([self._ask_as_if_new(some, rng) for some in hidden])
        table, ridges, cosines = weights.table, weights.ridge, weights.cosine
        for cell in cells():
            has = has_sources(names)[cell[0]]
            rows = asked.rows(has, cell[1])
            if rows.sum() < _FEWEST_FITTED:
                rows = asked.rows(has, None)
            if rows.sum() < _FEWEST_FITTED or not has.any():
                continue
            points = _simplex(has)
            # The ridge only matters if there are playlists.
            tried = RIDGES if has[PLAYLISTS] else RIDGES[:1]
            found = np.array(
                [
                    _mean_cosine(points, asked.inner[rows, at], asked.to_own[rows, at])
                    for at in range(len(tried))
                ]
            )
            at, point = np.unravel_index(np.argmax(found), found.shape)
            table[cell], ridges[cell] = points[point], tried[at]
            cosines[cell] = np.clip(found[at, point], 0, 1)
            weights.num_fitted[cell] = rows.sum()
        return MixWeights(table, ridges, cosines, weights.num_fitted)

    def _ask_as_if_new(self, tracks: Int64Array, rng: np.random.Generator) -> _Asked:
        """Questions about known tracks, all hidden, with few and with many of their playlists."""
        known = self.known.copy()
        known[tracks] = False
        every = self._memberships(tracks)
        degree = np.diff(every.indptr)
        owner = np.repeat(np.arange(len(tracks)), degree)
        shuffled = every.indices[np.lexsort((rng.random(len(owner)), owner))]
        rows, numbers = [np.arange(len(tracks))], [np.minimum(degree, 1)]
        for lowest, end in zip(BUCKETS[2:], [*BUCKETS[3:], None], strict=True):
            rows.append(np.flatnonzero(degree >= lowest))
            most = np.minimum(degree[rows[-1]], _MOST_PLAYLISTS if end is None else end - 1)
            numbers.append(most if end is None else rng.integers(lowest, most + 1))
        row, number = np.concatenate(rows), np.concatenate(numbers)
        offsets = np.append(0, np.cumsum(number))
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], number)
        playlist = shuffled[np.repeat(every.indptr[row], number) + within]
        drawn = csr_array(
            (np.ones(len(playlist), dtype=np.float32), playlist, offsets),
            shape=(len(row), len(self.playlists)),
        )
        sources, own = self._sources(tracks[row], drawn, known), self.track_vectors[tracks[row]]
        by_ridge = [sources.with_ridge(ridge) for ridge in RIDGES]
        return _Asked(
            np.stack([np.einsum("nsd,ntd->nst", v, v) for v in by_ridge], axis=1),
            np.stack([np.einsum("nsd,nd->ns", v, own) for v in by_ridge], axis=1),
            sources.present,
            sources.bucket,
            np.arange(len(row)) < len(tracks),
        )

    def _memberships(self, tracks: Int64Array) -> csr_array:
        """The playlists of some tracks: float32 ones [num_asked, num_playlists]."""
        row = np.full(len(self.known), -1)
        row[tracks] = np.arange(len(tracks))
        pairs = np.flatnonzero(row[self.playlists.track_index] >= 0)
        owner = row[self.playlists.track_index[pairs]]
        playlist = np.searchsorted(self.playlists.offsets, pairs, side="right") - 1
        ones = np.ones(len(pairs), dtype=np.float32)
        return csr_array((ones, (owner, playlist)), shape=(len(tracks), len(self.playlists)))

    def _sources(self, tracks: Int64Array, memberships: csr_array, known: BoolArray) -> Sources:
        """The sources for placing tracks if only the `known` ones have vectors."""
        by_playlists, num_playlists = self._playlist_means(memberships, known)
        means = {
            kind: self._group_means(relation, tracks, known)
            for kind, relation in self.relations.items()
        }
        vectors = np.stack([{**means, "playlists": by_playlists}[s] for s in SOURCES], axis=1)
        return Sources(vectors, num_playlists, self._spread(known))

    def _group_means(
        self, relation: Relation, tracks: Int64Array, known: BoolArray
    ) -> Float32Array:
        """Unit mean of the known tracks of an artist or album: float32 [num_asked, dim].

        For a track with several artists, the unit mean of theirs.
        """
        of_asked, groups = relation.rows(tracks).compacted()
        members = relation.sources_of(groups)
        members = members[known[members]]
        row = np.full(relation.num_targets, -1)
        row[groups] = np.arange(len(groups))
        of_members = relation.rows(members).with_targets(row, len(groups))
        means = unit_rows(of_members.matrix.T @ self.track_vectors[members])
        if of_asked.is_single:
            found = np.zeros((len(tracks), means.shape[1]), dtype=np.float32)
            has = of_asked.main >= 0
            found[has] = means[of_asked.main[has]]
            return found
        return unit_rows(of_asked.matrix @ means)

    def _playlist_means(
        self, memberships: csr_array, known: BoolArray
    ) -> tuple[Float32Array, Int64Array]:
        """Unit mean of the query vectors of each row's playlists, and their number."""
        readout = Centroid(self.track_vectors, self.query_weight)
        held = np.unique(memberships.indices)
        by_playlist = memberships.T.tocsr()
        shape = (memberships.shape[0], self.track_vectors.shape[1])
        sums, count = np.zeros(shape, dtype=np.float32), np.zeros(shape[0])
        for start in range(0, len(held), _BATCH):
            rows = held[start : start + _BATCH]
            lists = self.playlists.rows(rows)
            centroid = readout.prepare(Query(lists.keep(known[lists.track_index])))
            part = by_playlist[rows].T
            sums += part @ centroid
            count += part @ centroid.any(axis=1).astype(np.float32)
        return unit_rows(sums), np.rint(count).astype(np.int64)

    def _spread(self, known: BoolArray) -> Float32Array:
        """Mean of q qᵀ over the query vectors of playlists, evenly sampled if there are many."""
        lists = self.playlists.rows(slice(None, None, -(-len(self.playlists) // _BATCH) or 1))
        readout = Centroid(self.track_vectors, self.query_weight)
        queries = readout.prepare(Query(lists.keep(known[lists.track_index])))
        return np.asarray(queries.T @ queries / max(1, len(queries)), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Questions about hidden tracks, reduced to what the weights are fitted on.

    `inner` float32 [num, num_ridges, 3, 3] and `to_own` float32 [num, num_ridges, 3] are inner
    products of the sources, with each other and with the track's own vector; `present` and
    `bucket` are as in `Sources`; `first` says which question is the first about its track.
    """

    inner: Float32Array
    to_own: Float32Array
    present: BoolArray
    bucket: Int64Array
    first: BoolArray

    @classmethod
    def joined(cls, parts: Sequence[_Asked]) -> _Asked:
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))

    def rows(self, has: BoolArray, bucket: int | None) -> BoolArray:
        """Where a track has at least these sources, with playlists in one bucket or any."""
        rows: BoolArray = np.all(self.present[:, has], axis=1)
        if not has[PLAYLISTS]:
            # Artist and album are the same, however many playlists were drawn.
            return rows & self.first
        return rows if bucket is None else rows & (self.bucket == bucket)


def _simplex(has: BoolArray) -> Float32Array:
    """Weights of the available sources, on a grid: float32 [num_points, 3]."""
    steps = np.array(list(product(range(_GRID + 1), repeat=len(has))))
    points = steps[(steps.sum(axis=1) == _GRID) & ~steps[:, ~has].any(axis=1)]
    return np.asarray(points / _GRID, dtype=np.float32)


def _mean_cosine(points: Float32Array, inner: Float32Array, to_own: Float32Array) -> Float32Array:
    """Mean cosine of tracks' own vectors with the mix at each point: float32 [num_points]."""
    squares = np.einsum("ps,pt->pst", points, points).reshape(len(points), -1)
    length = np.sqrt(np.maximum(inner.reshape(len(inner), -1) @ squares.T, 1e-12))
    mean: Float32Array = (to_own @ points.T / length).mean(axis=0)
    return mean
