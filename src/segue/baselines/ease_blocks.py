"""EASE without a matrix of all tracks: in blocks of similar tracks, each on its own support.

What numerical libraries compute is computed in double precision and by one thread, then rounded, so
that the last bits, which differ between processors and numbers of threads, do not survive: the
second stage makes other trees of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from segue.baselines.ease import check_regularization, not_invertible
from segue.data.playlists import Float32Array, Int64Array

Float64Array = NDArray[np.float64]

# Length of the vectors by which similar tracks are found, and rounds of subspace iteration.
_DIM, _ROUNDS = 32, 4
# Entries of co-occurrence in memory at a time, before they are summed up.
_CHUNK_ENTRIES = 1_000_000
# Weights are multiples of this.
_STEP = 2.0**-24


@dataclass(frozen=True, eq=False)
class BlockWeights:
    """EASE's weights for some tracks.

    Attributes
    ----------
    tracks : int64 [num_targets]
        The tracks that the weights go to.
    support : int64 [num_support]
        The tracks that they come from, `tracks` among them.
    weights : float32 [num_support, num_targets]
        Multiples of 2⁻²⁴; 0 from each track to itself.
    """

    tracks: Int64Array
    support: Int64Array
    weights: Float32Array


def ease_by_blocks(
    pairs: csr_array, regularization: float, *, block_size: int, support_size: int
) -> Iterator[BlockWeights]:
    """EASE's weights, a block of similar tracks at a time.

    EASE is a ridge regression of each track on all others, which needs the inverse of a matrix of
    all tracks. Here each track is regressed on the tracks that matter to it: the support S of its
    block C, which holds C and those tracks that explain most of it, one at a time:

        support(i) = Σ_{j in C} g_ij² / ((g_ii + λ) · (g_jj + λ)),   G = XᵀX

    On its support the regression is exact: a block's weights are the columns C of EASE fitted to
    the tracks in S. The blocks come from halving the tracks by the principal direction of their
    leading singular vectors, so that similar ones share a support and one Cholesky factor serves
    the whole block. Collections of up to `support_size` tracks are one block, and that is EASE.

    For memory see `memory_of_blocks`; the time is proportional to the number of tracks.

    Parameters
    ----------
    pairs : sparse [num_rows, num_tracks]
        X.
    regularization
        λ, above 0.
    block_size
        Most tracks of a block.
    support_size
        Most tracks of a support; at least `block_size`.

    Yields
    ------
    BlockWeights
        Each track is in one block.

    Raises
    ------
    InputError
        If λ is not above 0, or too small to invert a matrix.
    ResourceError
        If a block does not fit into memory.
    """
    check_regularization(regularization)
    num_tracks = pairs.shape[1]
    transposed = pairs.T.tocsr()
    if num_tracks <= support_size:
        every = np.arange(num_tracks)
        yield BlockWeights(every, every, _exact(transposed, num_tracks, regularization))
        return
    squares = np.bincount(pairs.indices, weights=np.square(pairs.data), minlength=num_tracks)
    ridge = (squares + regularization).astype(np.float64)
    for block in similar_blocks(pairs, transposed, block_size):
        worth = _worth(pairs, transposed, block, ridge)
        worth[block] = -1
        others = np.argpartition(-worth, support_size - len(block))[: support_size - len(block)]
        support = np.concatenate([np.sort(others[worth[others] > 0]), block])
        weights = _exact(transposed[support], len(block), regularization)
        yield BlockWeights(block, support, weights)


def memory_of_blocks(num_tracks: int, num_pairs: int, *, block_size: int, support_size: int) -> int:
    """Bytes that `ease_by_blocks` needs at its peak, roughly, besides the pairs."""
    if num_tracks <= support_size:
        return 40 * num_tracks**2 + 8 * num_pairs
    # The singular vectors, while they are found.
    places = 5 * 8 * _DIM * num_tracks
    # Co-occurrence, its squares and their shares.
    chunk = 24 * min(_CHUNK_ENTRIES, block_size * num_tracks)
    # A square matrix, sparse and dense, and a block's columns.
    block = 24 * support_size**2 + 3 * 8 * support_size * block_size
    return 8 * num_pairs + max(places, chunk, block)


def similar_blocks(pairs: csr_array, transposed: csr_array, size: int) -> list[Int64Array]:
    """The tracks in blocks of at most `size`, similar ones together: int64 arrays, ascending.

    Similar are tracks with similar leading singular vectors of the pairs, normalised by both
    degrees (I. S. Dhillon: "Co-clustering documents and words using bipartite spectral graph
    partitioning", KDD 2001).
    """
    place = _singular_vectors(pairs, transposed)
    waiting, blocks = [np.arange(len(place))], []
    while waiting:
        tracks = waiting.pop()
        num_blocks = -(-len(tracks) // size)
        if num_blocks == 1:
            blocks.append(np.sort(tracks))
            continue
        order = tracks[np.argsort(_along_the_main_direction(place[tracks]), kind="stable")]
        cut = len(tracks) * (num_blocks // 2) // num_blocks
        waiting += [order[:cut], order[cut:]]
    return blocks


def _along_the_main_direction(places: Float32Array) -> Float32Array:
    """The projection of each place on their principal direction: float32 [num_places]."""
    centred = places - places.mean(axis=0, dtype=np.float64)
    with threadpool_limits(1, "blas"):
        direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        # Which way it points is left to chance.
        direction *= np.sign(direction[np.abs(direction).argmax()])
        along: Float32Array = (centred @ direction).astype(np.float32)
    return along


def _singular_vectors(pairs: csr_array, transposed: csr_array) -> Float32Array:
    """A place for each track such that similar ones are near: unit float32 [num_tracks, dim].

    The leading singular vectors, each times the square of its singular value, so that those that
    tell little count little, and each track divided by the root of its degree.
    """
    by_row = _inverse(np.asarray(pairs.sum(axis=1)))
    by_track = np.sqrt(_inverse(np.asarray(pairs.sum(axis=0))))

    def walked(of_tracks: Float32Array) -> Float32Array:
        product: Float32Array = transposed @ ((pairs @ (of_tracks * by_track)) * by_row)
        return product * by_track

    basis = np.random.default_rng(0).standard_normal((pairs.shape[1], _DIM), dtype=np.float32)
    with threadpool_limits(1, "blas"):
        for _ in range(_ROUNDS):
            basis = np.linalg.qr(walked(basis).astype(np.float64))[0].astype(np.float32)
        image = walked(basis).astype(np.float64)
        small = basis.T.astype(np.float64) @ image
        # The first is the root of the degrees, the same for all tracks once it is divided by that.
        found = image @ np.linalg.eigh(small + small.T)[1][:, -2::-1] * by_track
    found = found.astype(np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    places: Float32Array = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    return places


def _inverse(sums: NDArray[np.float32]) -> Float32Array:
    """1 / sum as a column, 0 where a sum is 0: float32 [num, 1]."""
    column = sums.reshape(-1, 1).astype(np.float32)
    return np.divide(1, column, out=np.zeros_like(column), where=column > 0)


def _worth(
    pairs: csr_array, transposed: csr_array, block: Int64Array, ridge: Float64Array
) -> Float64Array:
    """How much each track explains of a block, by itself: float64 [num_tracks]."""
    worth = np.zeros(len(ridge))
    part = transposed[block]
    # The work for a track, which bounds its entries, is the total length of its rows.
    work = np.cumsum((part != 0) @ np.diff(pairs.indptr))
    cuts = np.searchsorted(work, np.arange(_CHUNK_ENTRIES, work[-1], _CHUNK_ENTRIES))
    for start, stop in zip([0, *cuts], [*cuts, len(block)], strict=True):
        together = part[start:stop] @ pairs
        share = np.repeat(1 / ridge[block[start:stop]], np.diff(together.indptr))
        worth += np.bincount(
            together.indices,
            weights=np.square(together.data, dtype=np.float64) * share,
            minlength=len(ridge),
        )
    return worth / ridge


def _exact(transposed: csr_array, number: int, regularization: float) -> Float32Array:
    """EASE's weights for the last of some tracks, from all of them.

    With G = XᵀX + λ · I = L·Lᵀ the last columns of G⁻¹ are L⁻ᵀ · [0; C⁻¹], C the last diagonal
    block of L.

    Parameters
    ----------
    transposed : sparse [num_tracks, num_rows]
        Xᵀ.
    number
    regularization

    Returns
    -------
    float32 [num_tracks, number]
    """
    from scipy.linalg import blas, lapack

    gram = (transposed @ transposed.T.tocsr()).toarray(order="F").astype(np.float64)
    np.einsum("ii->i", gram)[:] += regularization
    others = len(gram) - number
    with threadpool_limits(1, "blas"):
        factor, failed = lapack.dpotrf(gram, lower=1, clean=0, overwrite_a=1)
        if failed:
            raise not_invertible(regularization)
        columns = np.zeros((len(gram), number), order="F")
        columns[others:] = np.tril(lapack.dtrtri(factor[others:, others:], lower=1)[0])
        inverse = blas.dtrsm(1.0, factor, columns, lower=1, trans_a=1, overwrite_b=1)
    own = np.einsum("ii->i", inverse[others:])
    inverse /= -own
    own[:] = 0
    inverse /= _STEP
    np.rint(inverse, out=inverse)
    inverse *= _STEP
    weights: Float32Array = inverse.astype(np.float32)
    return weights
