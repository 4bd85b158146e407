"""Each track's nearest ones, and their products: without a matrix of all tracks, in blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segue.baselines.spectral import leading_vectors, memory_of_leading_vectors, normalised
from segue.data.playlists import BoolArray, Float32Array, Int64Array

Float64Array = NDArray[np.float64]

# Length of the vectors by which similar tracks are found.
_DIM = 32
# Entries of co-occurrence in memory at a time, before they are summed up.
_CHUNK_ENTRIES = 1_000_000
# The products of so many of the best-known tracks are found once: they are in most supports, and
# their products are most of the time.
_BEST_KNOWN = 8192
# Of how many of them at a time.
_KEPT_ROWS = 512


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The regressions of some tracks on their neighbours, as far as they depend on the pairs X.

    Attributes
    ----------
    tracks : int64 [num]
    near : int64 [num, num_neighbours]
        The neighbours of each.
    gram : float32 [num, num_neighbours, num_neighbours]
        XᵀX of the neighbours.
    toward : float32 [num, num_neighbours]
        XᵀX of the neighbours and the track.
    """

    tracks: Int64Array
    near: Int64Array
    gram: Float32Array
    toward: Float32Array


def neighbourhoods(
    pairs: csr_array,
    num_neighbours: int,
    damping: float,
    *,
    block_size: int = 200,
    support_size: int = 2000,
    threads: int = 1,
    known: BoolArray | None = None,
) -> Iterator[Neighbourhoods]:
    """The tracks nearest to each track, a block of similar tracks at a time.

    A regression of each track on all others (EASE) needs the inverse of a matrix of all tracks. On
    the hundred tracks whose columns of X have the largest cosine with its own, each finds nearly
    the same weights (H. Steck: "Markov Random Fields for Collaborative Filtering", NeurIPS 2019,
    section 3), and lists are better, as weights of tracks that hardly co-occur are mostly noise.

    Neighbours are looked for in the support S of a track's block C, which holds C and those tracks
    that explain most of it, one at a time:

        support(i) = Σ_{j in C} g_ij² / ((g_ii + λ) · (g_jj + λ)),   G = XᵀX

    The blocks come from halving the tracks by the principal direction of their leading singular
    vectors, so that similar ones share a support. Collections of up to `support_size` tracks are
    one block.

    For memory see `memory_of_neighbourhoods`; the time is proportional to the number of tracks.

    Parameters
    ----------
    pairs : sparse [num_rows, num_tracks]
        X.
    num_neighbours
        Most neighbours of a track, itself not among them.
    damping
        λ, above 0.
    block_size
        Most tracks of a block.
    support_size
        Most tracks of a support; at least `block_size`.
    threads
        How many blocks are worked on at a time; what is found is the same.
    known : bool [num_tracks] or None
        Tracks that are left out, though others may have them as neighbours.

    Yields
    ------
    Neighbourhoods
        Each track is in one of them, unless it is known or the only one.
    """
    num_tracks = pairs.shape[1]
    transposed = pairs.T.tocsr()
    blocks = [np.arange(num_tracks)]
    if num_tracks > support_size:
        blocks = similar_blocks(pairs, block_size)
        if known is not None:
            # Of a block begun elsewhere, perhaps with other rounding, only some may be known.
            blocks = [left for block in blocks if len(left := block[~known[block]])]
    squares = np.bincount(pairs.indices, weights=np.square(pairs.data), minlength=num_tracks)
    ridge = (squares + damping).astype(np.float64)
    products = _Products.of(pairs, transposed, _num_kept(num_tracks, support_size))

    def of_block(block: Int64Array) -> list[Neighbourhoods]:
        support = block
        if num_tracks > support_size:
            worth = _worth(pairs, transposed, block, ridge)
            worth[block] = -1
            others = np.argpartition(-worth, support_size - len(block))[: support_size - len(block)]
            support = np.concatenate([np.sort(others[worth[others] > 0]), block])
        count = min(num_neighbours, len(support) - 1)
        if not count:
            return []
        gram = products.among(support)
        root = np.sqrt(np.maximum(np.einsum("ii->i", gram), np.float32(1e-9)))
        found = []
        for start in range(len(support) - len(block), len(support), block_size):
            own = np.arange(start, min(start + block_size, len(support)))
            cosine = gram[own] / root
            cosine[np.arange(len(own)), own] = -np.inf
            near = np.sort(np.argpartition(-cosine, count - 1, axis=1)[:, :count], axis=1)
            found.append(
                Neighbourhoods(
                    support[own],
                    support[near],
                    gram[near[:, :, None], near[:, None, :]],
                    gram[own[:, None], near],
                )
            )
        return found

    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            yield from of_block(block)
        return
    # Sparse products and partitions let other threads run. No more blocks are begun than there are
    # threads, as each takes memory until it has been used.
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[list[Neighbourhoods]]] = deque()
        for block in blocks:
            begun.append(pool.submit(of_block, block))
            if len(begun) == threads:
                yield from begun.popleft().result()
        while begun:
            yield from begun.popleft().result()


@dataclass(frozen=True, eq=False)
class _Products:
    """Products of tracks, XᵀX, those of some tracks among themselves kept.

    `place` (int64 [num_tracks]) is where a track's are in `kept`, −1 if it is not one of them.
    """

    transposed: csr_array
    place: Int64Array
    kept: Float32Array

    @classmethod
    def of(cls, pairs: csr_array, transposed: csr_array, number: int) -> _Products:
        """Those of the `number` best-known tracks are kept."""
        known = np.sort(np.argsort(-np.diff(transposed.indptr), kind="stable")[:number])
        place = np.full(pairs.shape[1], -1)
        place[known] = np.arange(number)
        kept = np.empty((number, number), dtype=np.float32)
        of_known = csr_array(pairs[:, known])
        for start in range(0, number, _KEPT_ROWS):
            rows = slice(start, start + _KEPT_ROWS)
            kept[rows] = (transposed[known[rows]] @ of_known).toarray()
        return cls(transposed, place, kept)

    def among(self, tracks: Int64Array) -> Float32Array:
        """The products of some tracks: float32 [num, num]."""
        place = self.place[tracks]
        known, others = np.flatnonzero(place >= 0), np.flatnonzero(place < 0)
        of_known: Float32Array = self.kept.take(place[known], axis=0).take(place[known], axis=1)
        if not len(others):
            return of_known
        part = self.transposed[tracks]
        gram = np.empty((len(tracks), len(tracks)), dtype=np.float32)
        gram[np.ix_(known, known)] = of_known
        gram[others] = (part[others] @ part.T.tocsr()).toarray()
        gram[:, others] = gram[others].T
        return gram


def _num_kept(num_tracks: int, support_size: int) -> int:
    """Of how many tracks products are kept: none where all tracks are one block."""
    return 0 if num_tracks <= support_size else min(num_tracks, _BEST_KNOWN)


def memory_of_neighbourhoods(
    num_rows: int,
    num_tracks: int,
    num_pairs: int,
    num_neighbours: int,
    *,
    block_size: int = 200,
    support_size: int = 2000,
    threads: int = 1,
) -> int:
    """Bytes that `neighbourhoods` needs at its peak, roughly, besides the pairs."""
    support = min(num_tracks, support_size)
    # A square matrix, sparse and dense, and those of the neighbours of some tracks.
    block = 12 * support**2 + 2 * 4 * block_size * min(num_neighbours, support) ** 2
    if num_tracks <= support_size:
        return 8 * num_pairs + block
    # The products that are kept, and the pairs with them; besides, what finds them, sparse and
    # dense, and later each block.
    kept = _num_kept(num_tracks, support_size)
    block = max(16 * _KEPT_ROWS * kept, threads * block) + 4 * kept**2 + 16 * num_pairs
    # The singular vectors, while they are found, and the normalised pairs: while they are made,
    # and in both orders.
    places = memory_of_leading_vectors(num_rows, num_tracks, _DIM) + 24 * num_pairs
    # Co-occurrence, its squares and their shares.
    chunk = 24 * min(_CHUNK_ENTRIES, block_size * num_tracks)
    return 8 * num_pairs + max(places, threads * chunk, block)


def similar_blocks(pairs: csr_array, size: int) -> list[Int64Array]:
    """The tracks in blocks of at most `size`, similar ones together: int64 arrays, ascending.

    Similar are tracks with similar leading singular vectors of the pairs, normalised by both
    degrees (I. S. Dhillon: "Co-clustering documents and words using bipartite spectral graph
    partitioning", KDD 2001).
    """
    place = _places(pairs)
    waiting, blocks = [np.arange(len(place))], []
    while waiting:
        tracks = waiting.pop()
        num_blocks = -(-len(tracks) // size)
        if num_blocks == 1:
            blocks.append(np.sort(tracks))
            continue
        centred = place[tracks] - place[tracks].mean(axis=0)
        direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        order = tracks[np.argsort(centred @ direction, kind="stable")]
        cut = len(tracks) * (num_blocks // 2) // num_blocks
        waiting += [order[:cut], order[cut:]]
    return blocks


def _places(pairs: csr_array) -> Float32Array:
    """A place for each track such that similar ones are near: unit float32 [num_tracks, dim].

    The leading singular vectors, each times the square of its singular value, so that those that
    tell little count little, and each track divided by the root of its degree.
    """
    vectors, values = leading_vectors(normalised(pairs), _DIM)
    degree = np.asarray(pairs.sum(axis=0)).reshape(-1, 1)
    # The first is the root of the degrees, the same for all tracks once it is divided by that.
    found = vectors[:, 1:] * values[1:] ** 2
    found /= np.sqrt(np.where(degree > 0, degree, 1), dtype=np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    places: Float32Array = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    return places


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
