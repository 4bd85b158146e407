"""Where a new track stands: a convex mix of what it comes with, its weights fitted on known tracks.

    m = unit(Σ_s w_s · x_s),   w_s ≥ 0,   Σ_s w_s = 1
    v = c · m + √(1 − c²) · e

The sources x_s are unit vectors. Of the *artist* and of the *album* it is the mean of the known
tracks (by an artist's mean alone new tracks are found better than by its trained vector alone:
validation Recall@300 .232 against .160, `benchmarks/new_tracks.py`). Of the *playlists* it is what
ridge regression finds for a track that just these should look for: the mean of their query vectors
q (see `segue.scoring.centroid.Centroid`), times the inverse of mean(q qᵀ) + ridge, this mean
over all playlists. An infinite ridge leaves the plain mean; the more playlists a track stands in,
the more a smaller one brings out what they have in common that others have not.

c is the mean cosine of such mixes to the vectors that known tracks really have, and e, orthogonal
to m, the part that is a track's own and that nothing tells: drawn at random among the directions in
which known tracks differ least. Without it a mix is nearer to every playlist than any real track,
as means are, and new tracks crowd out the others: on 39,318 real playlists with a tenth of the
tracks new, a plain mean of the sources gave them 63% of the first twenty places, and lists were
worse than if nothing had been done. c · m is also what is to be expected of a vector of which m is
all that is known.

Weights, ridge and c depend on which sources a track has and in how many playlists it stands. They
are fitted by hiding: known tracks are treated as if they were new, a share of them at a time, all
of that share hidden from every source at once. So no track has a part in what it is compared with,
nor have those that would arrive together with it, as an album's tracks do. Of weights on a grid of
the simplex and of a few ridges those with the highest mean cosine are taken.
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
# The number of playlists from which each bucket begins; the first is for none.
BUCKETS = (0, 1, 2, 4, 10)
BUCKET_NAMES = ("none", "1", "2 to 3", "4 to 9", "10 and more")


@dataclass(frozen=True, eq=False)
class Sources:
    """What some tracks can be placed by.

    Attributes
    ----------
    vectors : float32 [num_asked, 3, dim]
        By source as in `SOURCES`, of unit length, 0 where a track lacks it. That of the playlists
        is their plain mean.
    num_playlists : int64 [num_asked]
        How many playlists that is the mean of.
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
        """Place in `BUCKETS` of the number of playlists: int64 [num_asked]."""
        number = np.where(self.present[:, PLAYLISTS], np.maximum(self.num_playlists, 1), 0)
        bucket: Int64Array = np.searchsorted(BUCKETS, number, side="right") - 1
        return bucket

    def with_ridge(self, ridge: float) -> Float32Array:
        """The vectors, that of the playlists by ridge regression: float32 [num_asked, 3, dim]."""
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
        At least 0, with the sum 1, or 0 where such a track is not to be placed; 0 for a source
        that the pattern lacks.
    ridge : float64 [8, 5]
        Of the playlists' source, in units of the mean eigenvalue of its spread; may be infinite.
    cosine : float32 [8, 5]
        c above: the mean cosine to the own vectors of those that the row was fitted on; 1 where
        nothing was fitted.
    num_fitted : int64 [8, 5]
        How many tracks that were, 0 where the row was not fitted.
    """

    table: Float32Array
    ridge: NDArray[np.float64]
    cosine: Float32Array
    num_fitted: Int64Array

    def __post_init__(self) -> None:
        """Refuse weights that make no convex mix (ValueError)."""
        total = self.table.sum(axis=2)
        if (self.table < 0).any() or not ((np.abs(total - 1) < 1e-5) | (total == 0)).all():
            raise ValueError("weights must be at least 0 and have the sum 1")
        if (self.table * ~has_sources()[:, None, :]).any():
            raise ValueError("a source that is lacking must have no weight")
        if not ((self.cosine >= 0) & (self.cosine <= 1)).all() or not (self.ridge > 0).all():
            raise ValueError("weights need cosines from 0 to 1 and ridges above 0")

    @classmethod
    def equal(cls, names: Sequence[str] = SOURCES) -> MixWeights:
        """All of the named sources that a track has in equal parts, the others not at all.

        A name that is none of `SOURCES` is a ValueError.
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
        _, directions = np.linalg.eigh(track_vectors.T @ track_vectors)  # by rising eigenvalue
        flat = directions[:, : max(1, dim // 4)]
        own = rng.normal(size=(len(mixed), flat.shape[1])).astype(np.float32) @ flat.T
        own = unit_rows(own - (own * mixed).sum(axis=1, keepdims=True) * mixed)
        own *= mixed.any(axis=1, keepdims=True)
        rest = np.sqrt(1 - cosine**2)
        return unit_rows((cosine * mixed + rest * own).astype(np.float32))

    def to_json(self) -> list[dict[str, Any]]:
        """The rows that were fitted, as plain values; no ridge where it is infinite."""
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
    """Pattern and bucket of all rows that a track can fall into."""
    return [
        (pattern, bucket)
        for pattern in range(1, 8)
        for bucket in range(len(BUCKETS))
        if has_sources()[pattern, PLAYLISTS] == (bucket > 0)
    ]
