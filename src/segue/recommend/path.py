"""An order in which neighbours go together: a good short path through vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int64Array

# Passes over the path; it seldom takes ten until no move is left.
_MOST_PASSES = 60
# Tracks that a move may take elsewhere together.
_LONGEST_MOVE = 3
# A move must gain more than rounding may.
_GAIN = 1e-6
# Tracks that are mended together: the work grows with their square.
_MOST_TRACKS = 1000


def path_through(vectors: Float32Array) -> Int64Array:
    """An order of unit vectors whose neighbours have high cosines; the same for the same vectors.

    The nearest neighbour not yet visited comes next, from the vector that is least like all others
    on, unless the given order is better than that; then the path is mended while that helps: a
    stretch is turned round (2-opt), or one to three vectors go elsewhere (or-opt). A path of more
    than 1,000 vectors is mended in pieces of as many.

    Parameters
    ----------
    vectors : float32 [num_vectors, dim]
        Unit length.

    Returns
    -------
    int64 [num_vectors]
        Rows. Of the two directions, the one that begins nearer to the first row.
    """
    order, given = _nearest_neighbours(vectors), np.arange(len(vectors))
    if neighbour_score(vectors, given) > neighbour_score(vectors, order):
        order = given
    for start in range(0, len(order), _MOST_TRACKS):
        piece = slice(start, start + _MOST_TRACKS)
        near = vectors[order[piece]]
        order[piece] = order[piece][_mended(near @ near.T)]
    return order if len(order) == 0 or order[0] <= order[-1] else order[::-1]


def neighbour_score(vectors: Float32Array, order: Int64Array) -> float:
    """Mean cosine of neighbours in an order; 0 for fewer than two."""
    if len(order) < 2:
        return 0.0
    ordered = vectors[order]
    return float(np.einsum("td,td->t", ordered[:-1], ordered[1:]).mean())


def _nearest_neighbours(vectors: Float32Array) -> Int64Array:
    count = len(vectors)
    order = np.zeros(count, dtype=np.int64)
    if count == 0:
        return order
    order[0] = np.argmin(vectors @ vectors.sum(axis=0))
    left = np.ones(count, dtype=bool)
    for place in range(1, count):
        left[order[place - 1]] = False
        cosine = vectors @ vectors[order[place - 1]]
        cosine[~left] = -np.inf
        order[place] = np.argmax(cosine)
    return order


def _mended(cosine: NDArray[np.float32]) -> Int64Array:
    """A better order of rows than their own, from the cosines between them."""
    count = len(cosine)
    order = np.arange(count)
    for _ in range(_MOST_PASSES):
        turned = _turn_stretches(cosine, order)
        moved = _move_short(cosine, order)
        if not turned and not moved:
            break
    return order


def _turn_stretches(cosine: NDArray[np.float32], order: Int64Array) -> bool:
    """For each start of a stretch, turn round the stretch whose turning gains most; in place."""
    changed, count = False, len(order)
    for start in range(count - 1):
        # Stretches start … end for end > start. Their ends' neighbours are exchanged; beyond an end
        # of the path there is no neighbour, and nothing to lose.
        ends = order[start + 1 :]
        after, following = order[start + 2 :], order[start + 1 : -1]
        gain = np.zeros(len(ends), dtype=np.float32)
        if start > 0:
            before = order[start - 1]
            gain += cosine[before, ends] - cosine[before, order[start]]
        gain[:-1] += cosine[order[start], after] - cosine[following, after]
        best = int(np.argmax(gain))
        if gain[best] > _GAIN:
            stretch = slice(start, start + best + 2)
            order[stretch] = order[stretch][::-1].copy()
            changed = True
    return changed


def _move_short(cosine: NDArray[np.float32], order: Int64Array) -> bool:
    """Move stretches of one to three vectors to where they gain most; in place."""
    changed, count = False, len(order)
    for length in range(1, min(_LONGEST_MOVE, count - 2) + 1):
        for start in range(count - length + 1):
            first, last = order[start], order[start + length - 1]
            rest = np.concatenate([order[:start], order[start + length :]])
            lost = 0.0
            if start > 0:
                lost += cosine[order[start - 1], first]
            if start + length < count:
                lost += cosine[last, order[start + length]]
            if 0 < start < count - length:
                lost -= cosine[order[start - 1], order[start + length]]
            # Between neighbours of the rest, before its first and after its last.
            left, right = rest[:-1], rest[1:]
            broken = cosine[left, right]
            forward = np.concatenate(
                [
                    [cosine[last, rest[0]]],
                    cosine[left, first] + cosine[last, right] - broken,
                    [cosine[rest[-1], first]],
                ]
            )
            backward = np.concatenate(
                [
                    [cosine[first, rest[0]]],
                    cosine[left, last] + cosine[first, right] - broken,
                    [cosine[rest[-1], last]],
                ]
            )
            turn = backward.max() > forward.max()
            gain = backward if turn else forward
            at = int(np.argmax(gain))
            if gain[at] - lost > _GAIN:
                piece = order[start : start + length].copy()
                order[:] = np.concatenate([rest[:at], piece[::-1] if turn else piece, rest[at:]])
                changed = True
    return changed
