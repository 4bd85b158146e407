"""What weighted matrix factorisation predicts for a list: a term of the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int32Array, Int64Array, TrackLists
from segue.scoring.query import Query
from segue.scoring.term import ScoreParts, StoredTerm, Tracks

# Far from what is ever fitted; and numbers of the vectors of some lists in memory at a time.
_MOST_ALPHA, _MOST_SCALE, _MOST_DIM = 1e6, 100.0, 4096
_BLOCK_NUMBERS = 1 << 22


def least_squares(
    factors: Float32Array,
    lists: TrackLists,
    alpha: float,
    weight: Float32Array | None = None,
) -> Float32Array:
    """The vectors whose products are near 1 with a list's tracks and near 0 with all others.

        q = (I + (α − 1) · Σ_t e_t · f_t f_tᵀ)⁻¹ · α · Σ_t e_t · f_t

    Parameters
    ----------
    factors : float32 [num_tracks, dim]
        f, such that FᵀF and its damping together are the identity.
    lists
    alpha
        How much more a track of the list counts than another one.
    weight : float32 [num_pairs] or None
        e, at least 0; None: 1.

    Returns
    -------
    float32 [num_lists, dim]
        0 for an empty list.
    """
    dim, lengths = factors.shape[1], lists.lengths
    found = np.zeros((len(lists), dim), dtype=np.float32)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    while start < len(order):
        # Lists that are about as long, filled up with vectors of 0, which change nothing.
        longest = 1.1 * lengths[order[start]] + 4
        most = max(1, int(_BLOCK_NUMBERS / (longest * dim)))
        rows = order[start : start + most]
        rows = rows[lengths[rows] <= longest]
        start += len(rows)
        width = int(lengths[rows[-1]])
        place = lists.offsets[rows, None] + np.arange(width)
        held = np.arange(width) < lengths[rows, None]
        pair = np.where(held, place, 0)
        ours = factors[lists.track_index[pair]] * held[:, :, None]
        if weight is not None:
            root = np.sqrt(weight[pair] * held)
            ours *= root[:, :, None]
        else:
            root = held.astype(np.float32)
        turned = ours.transpose(0, 2, 1)
        more = np.float32(alpha - 1)
        # Both ways are the same; the smaller system is solved.
        if width < dim:
            system = more * (ours @ turned)
            system += np.eye(width, dtype=np.float32)
            found[rows] = (turned @ np.linalg.solve(system, root[:, :, None]))[:, :, 0]
        else:
            system = more * (turned @ ours)
            system += np.eye(dim, dtype=np.float32)
            found[rows] = np.linalg.solve(system, turned @ root[:, :, None])[:, :, 0]
    found *= np.float32(alpha)
    return found


@dataclass(frozen=True, eq=False)
class Factors(StoredTerm[Float32Array]):
    """Weighted matrix factorisation, in which every list is answered by least squares.

        factors(u) = s · f_u · q,   q = (I + (α − 1) · Σ_t r_t · f_t f_tᵀ)⁻¹ · α · Σ_t r_t · f_t

    over the tracks t of the query, with r = e / ē their emphasis divided by its mean (Y. Hu,
    Y. Koren, C. Volinsky: "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008). A
    centroid counts tracks that are alike once each; the inverse counts them together less. It
    depends on the list, but once it is known q is a sum over the list's tracks, so that parts of a
    score stay exact.

    Attributes
    ----------
    factors : float32 [num_tracks, dim]
        f: the vectors of the tracks, turned and scaled so that with the damping FᵀF + λI is the
        identity. None is longer than 1.
    alpha : float32 [1]
        α: how much more a track of a list counts than another one.
    scale : float32 [1]
        s.
    """

    factors: Float32Array
    alpha: Float32Array
    scale: Float32Array

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays are such vectors."""
        if self.factors.dtype != np.float32 or self.factors.ndim != 2:
            raise ValueError("the factors must be a table of float32")
        if not 1 <= self.factors.shape[1] <= _MOST_DIM:
            raise ValueError(f"factors must have from 1 to {_MOST_DIM} numbers")
        # NaN fails, too.
        lengths = np.einsum("td,td->t", self.factors, self.factors)
        if not (lengths <= 1.001).all():
            raise ValueError("factors must be numbers, and no vector of theirs longer than 1")
        for name, least, most in (("alpha", 1.0, _MOST_ALPHA), ("scale", 0.0, _MOST_SCALE)):
            value = getattr(self, name)
            if value.shape != (1,) or value.dtype != np.float32 or not least <= value[0] <= most:
                raise ValueError(
                    f"{name} of the factors must be one number from {least:g} to {most:g}"
                )

    @property
    def num_nodes(self) -> dict[str, int]:
        """Number of tracks, by kind of node."""
        return {"track": len(self.factors)}

    def prepare(self, query: Query, dial: float = 0.0) -> Float32Array:
        """s · q of each list: float32 [num_lists, dim]."""
        return self.scale * self.answers(query)

    def answers(self, query: Query) -> Float32Array:
        """q of each list: float32 [num_lists, dim]."""
        alpha = float(self.alpha[0])
        return least_squares(self.factors, query.tracks, alpha, query.relative_emphasis)

    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: Float32Array) -> None:
        """Add this term."""
        scores += prepared @ self.factors[tracks].T

    def pairs(self, tracks: Int64Array, prepared: Float32Array) -> Float32Array:
        """This term for given tracks."""
        found: Float32Array = np.einsum("qd,qwd->qw", prepared, self.factors[tracks])
        return found

    def left_out(self, query: Query, dial: float = 0.0) -> Float32Array:
        """This term of each track for its list without it, by Sherman and Morrison's formula."""
        tracks, answers = query.tracks, self.answers(query)
        alpha, scale = float(self.alpha[0]), float(self.scale[0])
        found = np.empty(tracks.num_pairs, dtype=np.float32)
        for row in range(len(tracks)):
            pairs = slice(tracks.offsets[row], tracks.offsets[row + 1])
            ours = self.factors[tracks.track_index[pairs]].astype(np.float64)
            own = np.einsum("td,td->t", ours, self._solved(ours, np.ones(len(ours))))
            others = ours @ answers[row] - alpha * own
            found[pairs] = scale * others / (1 - (alpha - 1) * own)
        return found

    def parts(self, query: Query, tracks: Int32Array, dial: float = 0.0) -> ScoreParts:
        """The exact part of each track of the query."""
        rows, share = query.tracks.track_index, query.relative_emphasis
        weight = np.ones(len(rows)) if share is None else share.astype(np.float64)
        ours = self.factors[rows].astype(np.float64)
        of_each = self._solved(ours, weight) * weight[:, None]
        asked = self.factors[tracks].astype(np.float64)
        factor = float(self.alpha[0]) * float(self.scale[0])
        return ScoreParts(
            tuple(("track", row) for row in rows.tolist()), factor * (asked @ of_each.T)
        )

    def _solved(self, ours: NDArray[np.float64], weight: NDArray[Any]) -> NDArray[np.float64]:
        """The inverse of a list's matrix times each of its vectors: float64 [num_tracks, dim]."""
        more = float(self.alpha[0]) - 1
        system = np.eye(ours.shape[1]) + more * (ours.T * weight) @ ours
        solved: NDArray[np.float64] = np.linalg.solve(system, ours.T).T
        return solved

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that a bundle stores."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Factors:
        """From the arrays that a bundle stores."""
        return cls(**arrays)

    def with_tracks(self, num_tracks: int) -> Factors:
        """The same with further tracks appended, about which nothing is known."""
        more = np.zeros((num_tracks - len(self.factors), self.factors.shape[1]), dtype=np.float32)
        return Factors(np.concatenate([self.factors, more]), self.alpha, self.scale)
