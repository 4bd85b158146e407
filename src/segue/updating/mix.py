"""Placing a new track: a convex mix of its sources, with weights fitted on known tracks.

    m = unit(Σ_s w_s · x_s),   w_s ≥ 0,   Σ_s w_s = 1
    v = c · m + √(1 − c²) · e

The sources x_s are unit vectors. For the *artist* and the *album* it is the mean of their known
tracks (an artist's mean alone finds new tracks better than its trained vector alone: validation
Recall@300 .232 against .160, `benchmarks/new_tracks.py`). For the *playlists* it is the ridge
regression solution for a track that exactly these should find: the mean of their query vectors q
(see `segue.scoring.centroid.Centroid`), times the inverse of mean(q qᵀ) + ridge, the latter mean
over all playlists. An infinite ridge gives the plain mean; the more playlists a track is in, the
more a smaller ridge helps to bring out what distinguishes them from others.

c is the mean cosine between such mixes and the actual vectors of known tracks, and e, orthogonal to
m, is the unpredictable part of a track's own: drawn at random among the directions in which known
tracks differ least. Without it a mix, like any mean, is closer to every playlist than real tracks
are, and new tracks crowd out the others: on 39,318 real playlists with a tenth of the tracks new, a
plain mean of the sources gave them 63% of the top twenty, and lists were worse than with no update
at all. c · m is also the expected vector given m.

Weights, ridge and c depend on which sources a track has and how many playlists it is in. They are
fitted by hiding: known tracks are treated as new, a share of them at a time, with the whole share
hidden from every source. So neither a track nor those that would arrive with it, such as the rest
of its album, contribute to the mix that it is compared with. The weights, on a grid of the simplex,
and the ridge with the highest mean cosine are chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Float32Array, Int64Array
from segue.scoring.centroid import unit_rows

SOURCES = ("artist", "album", "playlists")
PLAYLISTS = SOURCES.index("playlists")
# The number of playlists at which each bucket begins; the first is for none.
BUCKETS = (0, 1, 2, 4, 10)
BUCKET_NAMES = ("none", "1", "2 to 3", "4 to 9", "10 and more")


@dataclass(frozen=True, eq=False)
class Sources:
    """The sources for placing some tracks.

    Attributes
    ----------
    vectors : float32 [num_asked, 3, dim]
        By source as in `SOURCES`, unit length, 0 where a track lacks it. That of the playlists is
        their plain mean.
    num_playlists : int64 [num_asked]
        Number of playlists in that mean.
    spread : float32 [dim, dim]
        Mean of q qᵀ over the query vectors of all playlists.
    """

    vectors: Float32Array
    num_playlists: Int64Array
    spread: Float32Array

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
        """Index into `BUCKETS` for the number of playlists: int64 [num_asked]."""
        number = np.where(self.present[:, PLAYLISTS], np.maximum(self.num_playlists, 1), 0)
        bucket: Int64Array = np.searchsorted(BUCKETS, number, side="right") - 1
        return bucket

    def with_ridge(self, ridge: float) -> Float32Array:
        """The vectors, with ridge regression for the playlists: float32 [num_asked, 3, dim]."""
        dim, total = len(self.spread), float(np.trace(self.spread))
        if np.isinf(ridge) or not total:
            return self.vectors
        level = ridge * total / dim
        inverse = np.linalg.inv(self.spread + level * np.eye(dim)).astype(np.float32)
        vectors = self.vectors.copy()
        vectors[:, PLAYLISTS] = unit_rows(vectors[:, PLAYLISTS] @ inverse)
        return vectors


@dataclass(frozen=True, eq=False)
class MixWeights:
    """The weights of the sources, by pattern and bucket (see `Sources`).

    Attributes
    ----------
    table : float32 [8, 5, 3]
        At least 0, summing to 1, or all 0 if such a track cannot be placed; 0 for a source that the
        pattern lacks.
    ridge : float64 [8, 5]
        Ridge of the playlists' source, in units of the mean eigenvalue of its spread; may be
        infinite.
    cosine : float32 [8, 5]
        c above: the mean cosine with the own vectors of the tracks that the row was fitted on; 1 if
        nothing was fitted.
    num_fitted : int64 [8, 5]
        Number of those tracks, 0 if the row was not fitted.
    """

    table: Float32Array
    ridge: NDArray[np.float64]
    cosine: Float32Array
    num_fitted: Int64Array

    def __post_init__(self) -> None:
        """Raise ValueError unless the weights make a convex mix."""
        total = self.table.sum(axis=2)
        if (self.table < 0).any() or not ((np.abs(total - 1) < 1e-5) | (total == 0)).all():
            raise ValueError("weights must be at least 0 and have the sum 1")
        if (self.table * ~has_sources()[:, None, :]).any():
            raise ValueError("a missing source must have no weight")
        if not ((self.cosine >= 0) & (self.cosine <= 1)).all() or not (self.ridge > 0).all():
            raise ValueError("weights need cosines from 0 to 1 and ridges above 0")

    @classmethod
    def equal(cls, names: Sequence[str] = SOURCES) -> MixWeights:
        """Equal weights for those of the named sources that a track has, 0 for the others.

        A name outside `SOURCES` raises ValueError.
        """
        if not set(names) <= set(SOURCES):
            raise ValueError(f"sources {list(names)} are not among {list(SOURCES)}")
        has = has_sources(names)[:, None, :].repeat(len(BUCKETS), axis=1)
        cells = has.shape[:2]
        return cls(
            (has / np.maximum(has.sum(axis=2, keepdims=True), 1)).astype(np.float32),
            np.full(cells, np.inf),
            np.ones(cells, dtype=np.float32),
            np.zeros(cells, dtype=np.int64),
        )

    def mixed(self, sources: Sources) -> Float32Array:
        """m above: float32 [num_asked, dim], unit; 0 where nothing is known."""
        pattern, bucket = sources.pattern, sources.bucket
        weights, ridge = self.table[pattern, bucket], self.ridge[pattern, bucket]
        mixed = np.zeros(sources.vectors[:, 0].shape, dtype=np.float32)
        for value in np.unique(ridge):
            rows = ridge == value
            some = Sources(sources.vectors[rows], sources.num_playlists[rows], sources.spread)
            mixed[rows] = np.einsum("ns,nsd->nd", weights[rows], some.with_ridge(value))
        return unit_rows(mixed)

    def explained(self, sources: Sources) -> Float32Array:
        """c above: float32 [num_asked]."""
        cosine: Float32Array = self.cosine[sources.pattern, sources.bucket]
        return cosine

    def placed(
        self, sources: Sources, track_vectors: Float32Array, rng: np.random.Generator
    ) -> Float32Array:
        """v above: float32 [num_asked, dim], unit; 0 where nothing is known.

        `track_vectors` (float32 [num_known, dim]) are those of the known tracks.
        """
        mixed, dim = self.mixed(sources), track_vectors.shape[1]
        cosine = self.explained(sources)[:, None]
        _, directions = np.linalg.eigh(track_vectors.T @ track_vectors)  # by ascending eigenvalue
        flat = directions[:, : max(1, dim // 4)]
        own = rng.normal(size=(len(mixed), flat.shape[1])).astype(np.float32) @ flat.T
        own = unit_rows(own - (own * mixed).sum(axis=1, keepdims=True) * mixed)
        own *= mixed.any(axis=1, keepdims=True)
        rest = np.sqrt(1 - cosine**2)
        return unit_rows((cosine * mixed + rest * own).astype(np.float32))

    def to_json(self) -> list[dict[str, Any]]:
        """The fitted rows as plain values; no ridge if it is infinite."""
        rows = []
        for pattern, bucket in cells():
            if not self.num_fitted[pattern, bucket]:
                continue
            weights, ridge = self.table[pattern, bucket], float(self.ridge[pattern, bucket])
            row = {
                "sources": source_names(pattern),
                "playlists": BUCKET_NAMES[bucket],
                "weights": {s: round(float(w), 4) for s, w in zip(SOURCES, weights, strict=True)},
                "cosine": round(float(self.cosine[pattern, bucket]), 4),
                "num_fitted": int(self.num_fitted[pattern, bucket]),
            }
            rows.append(row if np.isinf(ridge) else row | {"ridge": ridge})
        return rows


def has_sources(names: Sequence[str] = SOURCES) -> BoolArray:
    """Which of the named sources each pattern has: bool [8, 3]."""
    bits = [1 << place if source in names else 0 for place, source in enumerate(SOURCES)]
    has: BoolArray = np.bitwise_and(np.arange(1 << len(SOURCES))[:, None], bits) > 0
    return has


def source_names(pattern: int) -> str:
    """The sources of a pattern: ``"artist, playlists"``."""
    return ", ".join(s for s, there in zip(SOURCES, has_sources()[pattern], strict=True) if there)


def cells() -> list[tuple[int, int]]:
    """Pattern and bucket of all possible rows."""
    return [
        (pattern, bucket)
        for pattern in range(1, 8)
        for bucket in range(len(BUCKETS))
        if has_sources()[pattern, PLAYLISTS] == (bucket > 0)
    ]
