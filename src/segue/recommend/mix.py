"""Where a new track stands: a convex mix of what it comes with, its weights fitted on known tracks.

    v = unit(Σ_s w_s · x_s),   w_s ≥ 0,   Σ_s w_s = 1

The sources x_s are unit vectors: of the *artist*, the mean of its known tracks; of the *album*, the
same; of the *playlists*, the mean of their query vectors, each of its known tracks (see
`segue.recommend.scorer.CentroidScorer`). The weights depend on which sources a track has and in how
many playlists it stands.

They are fitted by hiding: known tracks are treated as if they were new, a share of them at a time,
all of that share hidden from every source at once. So no track has a part in what it is compared
with, nor have those that arrive together with it, as an album's tracks do. Of the weights on a grid
of the simplex those with the highest mean cosine to the tracks' own vectors are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from segue.data.playlists import BoolArray, Float32Array, Int32Array, Int64Array, TrackLists
from segue.recommend.scorer import CentroidScorer

SOURCES = ("artist", "album", "playlists")
# The number of playlists from which each bucket begins; the first is for none.
BUCKETS = (0, 1, 2, 4, 10)
BUCKET_NAMES = ("none", "1", "2 to 3", "4 to 9", "10 and more")
_PLAYLISTS = SOURCES.index("playlists")
# Steps from 0 to 1 on the grid of weights.
_GRID = 20
# How many tracks are hidden at once, and how many are enough to fit three weights.
_HIDDEN_SHARE, _MOST_HIDDEN, _ENOUGH, _MOST_ROUNDS = 0.1, 5000, 2000, 10
# With fewer tracks a cell takes the weights of all numbers of playlists together.
_FEWEST_FITTED = 30
# Of a track in more playlists, so many are looked at while fitting.
_MOST_PLAYLISTS = 100
# Playlists whose vectors are held at once.
_BATCH = 16384


@dataclass(frozen=True, eq=False)
class Sources:
    """What some tracks can be placed by.

    Attributes
    ----------
    vectors : float32 [num_asked, 3, dim]
        By source as in `SOURCES`, of unit length, 0 where a track lacks it.
    num_playlists : int64 [num_asked]
        How many playlists the last of them is the mean of.
    """

    vectors: Float32Array
    num_playlists: Int64Array

    @cached_property
    def present(self) -> BoolArray:
        """Which sources each track has: bool [num_asked, 3]."""
        present: BoolArray = np.any(self.vectors != 0, axis=2)
        return present

    @property
    def pattern(self) -> Int64Array:
        """The same as one number from 0 to 7, bit s for source s: int64 [num_asked]."""
        pattern: Int64Array = self.present @ (1 << np.arange(len(SOURCES)))
        return pattern

    @property
    def bucket(self) -> Int64Array:
        """Place in `BUCKETS` of the number of playlists: int64 [num_asked]."""
        number = np.where(self.present[:, _PLAYLISTS], np.maximum(self.num_playlists, 1), 0)
        bucket: Int64Array = np.searchsorted(BUCKETS, number, side="right") - 1
        return bucket


@dataclass(frozen=True, eq=False)
class MixWeights:
    """The weights of the sources.

    Attributes
    ----------
    table : float32 [8, 5, 3]
        By pattern and bucket (see `Sources`): at least 0, with the sum 1, or 0 where such a track
        is not to be placed; 0 for a source that the pattern lacks.
    num_fitted : int64 [8, 5]
        Known tracks that each row was fitted on, 0 where nothing was.
    cosine : float32 [8, 5]
        Their mean cosine to what the row makes of them; NaN where nothing was fitted.
    """

    table: Float32Array
    num_fitted: Int64Array
    cosine: Float32Array

    def __post_init__(self) -> None:
        """Refuse weights that make no convex mix (ValueError)."""
        total = self.table.sum(axis=2)
        if (self.table < 0).any() or not ((np.abs(total - 1) < 1e-5) | (total == 0)).all():
            raise ValueError("weights must be at least 0 and have the sum 1")
        if self.table[~_has()[:, None, :].repeat(len(BUCKETS), axis=1)].any():
            raise ValueError("a source that is lacking must have no weight")

    @classmethod
    def equal(cls, names: Sequence[str] = SOURCES) -> MixWeights:
        """All of the named sources that a track has in equal parts, the others not at all."""
        named = np.array([source in names for source in SOURCES])
        table = np.repeat((_has() & named)[:, None, :], len(BUCKETS), axis=1)
        total = np.maximum(table.sum(axis=2, keepdims=True), 1)
        return cls(
            (table / total).astype(np.float32),
            np.zeros(table.shape[:2], dtype=np.int64),
            np.full(table.shape[:2], np.nan, dtype=np.float32),
        )

    def mixed(self, sources: Sources) -> Float32Array:
        """The vectors of some tracks: float32 [num_asked, dim], unit; 0 where nothing is known."""
        weights = self.table[sources.pattern, sources.bucket]
        return unit_rows(np.einsum("ns,nsd->nd", weights, sources.vectors))

    def to_json(self) -> list[dict[str, Any]]:
        """The rows that were fitted, as plain values."""
        return [
            {
                "playlists": BUCKET_NAMES[bucket],
                "weights": {
                    SOURCES[source]: round(float(self.table[pattern, bucket, source]), 4)
                    for source in np.flatnonzero(_has()[pattern])
                },
                "num_fitted": int(self.num_fitted[pattern, bucket]),
                "cosine": round(float(self.cosine[pattern, bucket]), 4),
            }
            for pattern, bucket in _cells()
            if self.num_fitted[pattern, bucket]
        ]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Everything that tracks can be placed by.

    Attributes
    ----------
    track_artist, track_album : int32 [num_tracks]
        −1 where none is known.
    playlists : TrackLists
    track_vectors : float32 [num_tracks, dim]
        Of unit length; those of unknown tracks are not looked at.
    query_weight : float32 [num_tracks]
    known : bool [num_tracks]
        Which tracks have a vector.
    """

    track_artist: Int32Array
    track_album: Int32Array
    playlists: TrackLists
    track_vectors: Float32Array
    query_weight: Float32Array
    known: BoolArray

    def sources(self, tracks: Int64Array) -> Sources:
        """What some tracks that are not known (int64 [num_asked]) can be placed by."""
        return self._sources(tracks, self._memberships(tracks), self.known)

    def fit(self, rng: np.random.Generator) -> MixWeights:
        """Fit the weights on known tracks; equal parts where there are too few of them."""
        rounds = self._hidden_at_once(rng)
        equal = MixWeights.equal()
        if not len(rounds):
            return equal
        asked = _Asked.joined([self._ask_as_if_new(tracks, rng) for tracks in rounds])
        table, num_fitted, cosine = equal.table, equal.num_fitted, equal.cosine
        for pattern, bucket in _cells():
            rows = asked.rows(pattern, bucket)
            if rows.sum() < _FEWEST_FITTED:
                rows = asked.rows(pattern, None)
            if rows.sum() < _FEWEST_FITTED:
                continue
            points = _simplex(_has()[pattern])
            found = _mean_cosine(points, asked.inner[rows], asked.to_own[rows])
            best = int(np.argmax(found))
            table[pattern, bucket], cosine[pattern, bucket] = points[best], found[best]
            num_fitted[pattern, bucket] = rows.sum()
        return MixWeights(table, num_fitted, cosine)

    def _hidden_at_once(self, rng: np.random.Generator) -> Int64Array:
        """Known tracks to hide, a row at a time: int64 [num_rounds, num_hidden]."""
        candidates = np.flatnonzero(self.known & self.track_vectors.any(axis=1))
        size = min(max(1, round(len(candidates) * _HIDDEN_SHARE)), _MOST_HIDDEN)
        num_rounds = min(-(-_ENOUGH // size), len(candidates) // size, _MOST_ROUNDS)
        return rng.permutation(candidates)[: num_rounds * size].reshape(num_rounds, size)

    def _ask_as_if_new(self, tracks: Int64Array, rng: np.random.Generator) -> _Asked:
        """Ask about known tracks, all hidden, with few and with many of their playlists."""
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
        sources = self._sources(tracks[row], drawn, known)
        return _Asked(
            np.einsum("nsd,ntd->nst", sources.vectors, sources.vectors),
            np.einsum("nsd,nd->ns", sources.vectors, self.track_vectors[tracks[row]]),
            sources.present,
            sources.bucket,
            np.arange(len(row)) < len(tracks),
        )

    def _memberships(self, tracks: Int64Array) -> csr_array:
        """In which playlists some tracks stand: float32 ones [num_asked, num_playlists]."""
        row = np.full(len(self.known), -1)
        row[tracks] = np.arange(len(tracks))
        pairs = np.flatnonzero(row[self.playlists.track_index] >= 0)
        owner = row[self.playlists.track_index[pairs]]
        playlist = np.searchsorted(self.playlists.offsets, pairs, side="right") - 1
        ones = np.ones(len(pairs), dtype=np.float32)
        return csr_array((ones, (owner, playlist)), shape=(len(tracks), len(self.playlists)))

    def _sources(self, tracks: Int64Array, memberships: csr_array, known: BoolArray) -> Sources:
        """What tracks can be placed by where only the `known` ones have vectors."""
        by_playlists, num_playlists = self._playlist_means(memberships, known)
        means = [
            self._group_means(group, group[tracks], known)
            for group in (self.track_artist, self.track_album)
        ]
        return Sources(np.stack([*means, by_playlists], axis=1), num_playlists)

    def _group_means(self, group: Int32Array, asked: Int32Array, known: BoolArray) -> Float32Array:
        """Unit mean of the known tracks of an artist or album: float32 [num_asked, dim]."""
        means = np.zeros((len(asked), self.track_vectors.shape[1]), dtype=np.float32)
        has = asked >= 0
        groups, place = np.unique(asked[has], return_inverse=True)
        row = np.full(group.max(initial=-1) + 2, -1)  # the last one is for −1, for none
        row[groups] = np.arange(len(groups))
        members = np.flatnonzero(known & (row[group] >= 0))
        ones = np.ones(len(members), dtype=np.float32)
        sums = csr_array(
            (ones, (row[group[members]], members)), shape=(len(groups), len(self.known))
        )
        means[has] = unit_rows(sums @ self.track_vectors)[place]
        return means

    def _playlist_means(
        self, memberships: csr_array, known: BoolArray
    ) -> tuple[Float32Array, Int64Array]:
        """Unit mean of the query vectors of each row's playlists, and of how many that is."""
        scorer = CentroidScorer(self.track_vectors, self.query_weight)
        held = np.unique(memberships.indices)
        by_playlist = memberships.T.tocsr()
        shape = (memberships.shape[0], self.track_vectors.shape[1])
        sums, count = np.zeros(shape, dtype=np.float32), np.zeros(shape[0])
        for start in range(0, len(held), _BATCH):
            rows = held[start : start + _BATCH]
            lists = self.playlists.rows(rows)
            centroid = scorer.query_vectors(lists.keep(known[lists.track_index]))
            part = by_playlist[rows].T
            sums += part @ centroid
            count += part @ centroid.any(axis=1).astype(np.float32)
        return unit_rows(sums), np.rint(count).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Questions about hidden tracks, of each only what the weights are fitted on.

    `inner` float32 [num, 3, 3] and `to_own` float32 [num, 3] are inner products of the sources,
    with each other and with the track's own vector; `present` and `bucket` are as in `Sources`;
    `first` says which question is the first about its track.
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

    def rows(self, pattern: int, bucket: int | None) -> BoolArray:
        """Where a track has these sources at least, in one bucket or any."""
        has = _has()[pattern]
        rows: BoolArray = self.present[:, has].all(axis=1)
        if not has[_PLAYLISTS]:
            # Artist and album are the same however many playlists were drawn.
            return rows & self.first
        return rows if bucket is None else rows & (self.bucket == bucket)


def _has() -> BoolArray:
    """Which sources each pattern has: bool [8, 3]."""
    bits = 1 << np.arange(len(SOURCES))
    has: BoolArray = np.bitwise_and(np.arange(8)[:, None], bits) > 0
    return has


def _cells() -> list[tuple[int, int]]:
    """Pattern and bucket of all rows that a track can fall into."""
    return [
        (pattern, bucket)
        for pattern in range(1, 8)
        for bucket in range(len(BUCKETS))
        if _has()[pattern, _PLAYLISTS] == (bucket > 0)
    ]


def _simplex(has: BoolArray) -> Float32Array:
    """Weights of the sources that are there, on a grid: float32 [num_points, 3]."""
    steps = np.array(list(product(range(_GRID + 1), repeat=len(has))))
    points = steps[(steps.sum(axis=1) == _GRID) & ~steps[:, ~has].any(axis=1)]
    return (points / _GRID).astype(np.float32)


def _mean_cosine(points: Float32Array, inner: Float32Array, to_own: Float32Array) -> Float32Array:
    """Mean cosine of tracks' own vectors to what each point makes: float32 [num_points]."""
    squares = np.einsum("ps,pt->pst", points, points).reshape(len(points), -1)
    length = np.sqrt(np.maximum(inner.reshape(len(inner), -1) @ squares.T, 1e-12))
    cosine: Float32Array = (to_own @ points.T / length).mean(axis=0)
    return cosine


def unit_rows(vectors: Float32Array) -> Float32Array:
    """Rows made unit; a row of zeros stays."""
    length: Float32Array = np.linalg.norm(vectors, axis=1, keepdims=True)
    length[length == 0] = 1
    made_unit: Float32Array = vectors / length
    return made_unit
