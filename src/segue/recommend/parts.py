"""A list cut into parts whose songs go together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int64Array
from segue.scoring.centroid import unit_rows
from segue.scoring.first_stage import FirstStage

# Parts differ: no two have centroids with a cosine above this. On validation playlists, single ones
# and concatenations of two to five, it cuts best (`benchmarks/sort_and_tidy.py`).
CLOSEST = 0.2
MOST_PARTS = 12
# Songs that a part has on average, at least.
_LEAST_SONGS = 5
_STARTS, _MOST_ROUNDS = 6, 50


def apart(first: FirstStage, tracks: Int64Array) -> Float32Array:
    """Unit vectors of tracks (rows, int64) without what all music of the catalogue has in common.

    That is the mean vector, weighted by popularity. In some bundles all vectors point a little the
    same way; without it a cosine between parts means the same in each. float32 [num_tracks, dim].
    """
    vectors = first.centroid.track_vectors
    weight = np.ones(len(vectors), dtype=np.float32)
    if first.popularity is not None:
        weight += first.popularity.popularity
    common = (weight / weight.sum()) @ vectors
    return unit_rows(vectors[tracks] - common)


def cut(
    vectors: Float32Array,
    num_parts: int | None = None,
    *,
    closest: float = CLOSEST,
    rng_seed: int = 0,
) -> Int64Array:
    """Cut unit vectors into parts by spherical k-means, the best of six starts.

    The number of parts is the largest, up to 12, at which no two centroids have a cosine above
    `closest`; one if there is none.

    Parameters
    ----------
    vectors : float32 [num_vectors, dim]
    num_parts
        As many parts; None: by that criterion.
    closest
    rng_seed
        Seed of the starts.

    Returns
    -------
    int64 [num_vectors]
        The part of each, from 0, in the order in which they first appear. There may be fewer than
        `num_parts` where vectors are equal.
    """
    count = len(vectors)
    if num_parts is not None:
        return _in_order(_clusters(vectors, max(1, min(num_parts, count)), rng_seed))
    best = np.zeros(count, dtype=np.int64)
    for number in range(2, min(MOST_PARTS, count // _LEAST_SONGS) + 1):
        found = _clusters(vectors, number, rng_seed)
        centroids = _centroids(vectors, found, number)
        cosines = (centroids @ centroids.T)[np.triu_indices(number, 1)]
        if len(np.unique(found)) == number and cosines.max() <= closest:
            best = found
    return _in_order(best)


def _clusters(vectors: Float32Array, number: int, rng_seed: int) -> Int64Array:
    """The clusters of the start after which vectors are nearest to their centroids."""
    rng = np.random.default_rng(rng_seed)
    found, nearest = np.zeros(len(vectors), dtype=np.int64), -np.inf
    for _ in range(_STARTS if number > 1 else 0):
        centroids = _first_centroids(vectors, number, rng)
        cluster = np.argmax(vectors @ centroids.T, axis=1)
        for _ in range(_MOST_ROUNDS):
            centroids = _centroids(vectors, cluster, number, centroids)
            before, cluster = cluster, np.argmax(vectors @ centroids.T, axis=1)
            if np.array_equal(before, cluster):
                break
        near = float((vectors @ centroids.T).max(axis=1).sum())
        if near > nearest:
            found, nearest = cluster, near
    return found


def _first_centroids(vectors: Float32Array, number: int, rng: np.random.Generator) -> Float32Array:
    """Vectors drawn one after another, far from those before (k-means++ by the cosine)."""
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < number:
        far = np.maximum(1 - (vectors @ vectors[chosen].T).max(axis=1), 0).astype(np.float64)
        ends = np.cumsum(far)
        # Where all that is left equals what was chosen, any will do.
        drawn = np.searchsorted(ends, rng.random() * ends[-1], side="right")
        chosen.append(min(int(drawn), len(vectors) - 1))
    return vectors[chosen]


def _centroids(
    vectors: Float32Array,
    cluster: Int64Array,
    number: int,
    before: NDArray[np.float32] | None = None,
) -> Float32Array:
    """Unit centroids: float32 [number, dim]; an empty cluster keeps the one from before."""
    sums = np.zeros((number, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, cluster, vectors)
    centroids = unit_rows(sums)
    if before is not None:
        empty = np.bincount(cluster, minlength=number) == 0
        centroids[empty] = before[empty]
    return centroids


def _in_order(cluster: Int64Array) -> Int64Array:
    """Clusters numbered by first appearance."""
    _, first, inverse = np.unique(cluster, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
