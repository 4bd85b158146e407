"""The odds of tracks under the words of titles: what the vectors of words cannot hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int32Array, Int64Array
from segue.scoring.query import Query
from segue.scoring.sparse import SparseScores, check_weights
from segue.scoring.term import ScoreParts, StoredTerm, Tracks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Far above what validation ever chooses, far below what float32 cannot hold.
_MOST_SCALE, _MOST_GROWTH = 100.0, 2.0
_WHOSE = "the odds of words"


@dataclass(frozen=True, eq=False)
class WordOdds(StoredTerm[SparseScores | None]):
    """How much more frequent tracks are in playlists of a word than elsewhere.

        odds(u) = s · (1 + n)^c · Σ_x O_xu,   O_xu = log(p(u | x) / p(u)) + constant of x

    over the words x of the title, for n tracks and artists in the list. p(u | x) is estimated from
    the playlists of the word (see `segue.training.word_odds`); O is 0 for a track of which they say
    nothing, and where a word has too few playlists, or says nothing.

    A few hundred dimensions cannot hold what each word's playlists consist of. This can, and like
    the vectors it is summed over the words of a query, so that parts of a score stay exact.

    Attributes
    ----------
    offsets : int64 [num_words + 1]
        Start of the odds of each word.
    track_index : int32 [num_odds]
        Ascending within each row.
    odds : float32 [num_odds]
        O.
    scale, growth : float32 [1]
        s and c.
    size : int64 [1]
        Number of tracks.
    """

    offsets: Int64Array
    track_index: Int32Array
    odds: Float32Array
    scale: Float32Array
    growth: Float32Array
    size: Int64Array

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays are such odds."""
        if self.size.shape != (1,) or self.size.dtype != np.int64 or self.size[0] < 0:
            raise ValueError(f"size of {_WHOSE} must be one whole number")
        check_weights(self.offsets, self.track_index, self.odds, _WHOSE, self.num_tracks)
        for name, least, most in (
            ("scale", 0.0, _MOST_SCALE),
            ("growth", -_MOST_GROWTH, _MOST_GROWTH),
        ):
            value = getattr(self, name)
            if value.shape != (1,) or value.dtype != np.float32 or not least <= value[0] <= most:
                raise ValueError(
                    f"{name} of {_WHOSE} must be one number from {least:g} to {most:g}"
                )

    @classmethod
    def from_matrix(cls, matrix: csr_array, scale: float, growth: float) -> WordOdds:
        """From O, a sparse matrix of words by tracks."""
        matrix = matrix.sorted_indices()
        return cls(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float32),
            np.array([scale], dtype=np.float32),
            np.array([growth], dtype=np.float32),
            np.array([matrix.shape[1]], dtype=np.int64),
        )

    def scaled(self, scale: float, growth: float) -> WordOdds:
        """The same with another scale."""
        return replace(
            self,
            scale=np.array([scale], dtype=np.float32),
            growth=np.array([growth], dtype=np.float32),
        )

    @property
    def num_tracks(self) -> int:
        """Number of tracks."""
        return int(self.size[0])

    @property
    def num_nodes(self) -> dict[str, int]:
        """Number of tracks and words, by kind of node."""
        return {"track": self.num_tracks, "word": len(self.offsets) - 1}

    @cached_property
    def matrix(self) -> csr_array:
        """O as a SciPy matrix: float32 [num_words, num_tracks]."""
        from scipy.sparse import csr_array

        shape = (len(self.offsets) - 1, self.num_tracks)
        return csr_array((self.odds, self.track_index, self.offsets), shape=shape)

    def _scales(self, query: Query, without: int = 0) -> Float32Array:
        """s · (1 + n)^c of each list: float32 [num_lists]."""
        grown = query.beside_title(without) ** float(self.growth[0])
        scales: Float32Array = (float(self.scale[0]) * grown).astype(np.float32)
        return scales

    def _of(self, query: Query, without: int = 0) -> SparseScores | None:
        from scipy.sparse import csr_array

        words = query.words
        if words is None or not words.num_pairs:
            return None
        scales = np.repeat(self._scales(query, without), words.lengths)
        shape = (len(words), len(self.offsets) - 1)
        titles = csr_array((scales, words.track_index, words.offsets), shape=shape)
        return SparseScores(titles @ self.matrix)

    def prepare(self, query: Query, dial: float = 0.0) -> SparseScores | None:
        """What this term adds for all tracks; None: nothing."""
        return self._of(query)

    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: SparseScores | None) -> None:
        """Add this term."""
        if prepared is not None:
            prepared.add_to(scores, tracks)

    def pairs(self, tracks: Int64Array, prepared: SparseScores | None) -> Float32Array:
        """This term for given tracks."""
        if prepared is None:
            return np.zeros(tracks.shape, dtype=np.float32)
        return prepared.pairs(tracks)

    def left_out(self, query: Query, dial: float = 0.0) -> Float32Array:
        """This term of each track for its list without it."""
        prepared = self._of(query, without=1)
        if prepared is None:
            return np.zeros(query.tracks.num_pairs, dtype=np.float32)
        return prepared.of_own(query.tracks)

    def strongest(self, n: int, prepared: SparseScores | None) -> list[Int64Array] | None:
        """The `n` tracks with the highest value for each list; all, if no more have one."""
        return None if prepared is None else prepared.strongest(n)

    def parts(self, query: Query, tracks: Int32Array, dial: float = 0.0) -> ScoreParts:
        """The exact part of each word of the query."""
        rows = self.track_index[:0] if query.words is None else query.words.track_index
        odds = self.matrix[rows][:, tracks].toarray().T.astype(np.float64)
        sources = tuple(("word", row) for row in rows.tolist())
        return ScoreParts(sources, odds * self._scales(query)[0])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that a bundle stores."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> WordOdds:
        """From the arrays that a bundle stores."""
        return cls(**arrays)

    def with_tracks(self, num_tracks: int) -> WordOdds:
        """The same with further tracks appended, about which nothing is known."""
        return replace(self, size=np.array([num_tracks], dtype=np.int64))
