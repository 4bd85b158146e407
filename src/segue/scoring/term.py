"""`Term`: the interface of a term of the score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array, Int32Array, Int64Array
from segue.scoring.query import Query

if TYPE_CHECKING:
    from typing_extensions import Self

# Consecutive tracks, or rows in ascending order.
Tracks: TypeAlias = slice | Int64Array
# The source of a part of a score: ``("track", row)``, ``("artist", row)`` or ``("word", row)`` of
# the query, or something without a row, such as ``("popularity", -1)``.
Source: TypeAlias = tuple[str, int]
Prepared = TypeVar("Prepared")


@dataclass(frozen=True, eq=False)
class ScoreParts:
    """The parts that some scores are the sum of.

    Attributes
    ----------
    sources : tuple of (kind, row)
        Tracks, artists and words of the query in its order, then sources without a row: −1.
    parts : float64 [num_tracks_asked, num_sources]
        Each row sums to a score.
    """

    sources: tuple[Source, ...]
    parts: NDArray[np.float64]

    @classmethod
    def sum_of(cls, of_terms: Sequence[ScoreParts]) -> ScoreParts:
        """Combine the parts of several terms: parts from the same source are added up."""
        column: dict[Source, int] = {}
        for term in of_terms:
            for source in term.sources:
                column.setdefault(source, len(column))
        parts = np.zeros((len(of_terms[0].parts), len(column)))
        for term in of_terms:
            parts[:, [column[source] for source in term.sources]] += term.parts
        return cls(tuple(column), parts)

    def with_source(self, source: Source, part: NDArray[np.float64]) -> ScoreParts:
        """The same with one more source (its parts are float64 [num_tracks_asked])."""
        return ScoreParts((*self.sources, source), np.column_stack([self.parts, part]))


class Term(ABC, Generic[Prepared]):
    """One term of the score, which is the sum of its terms.

    `prepare` does the work needed once per batch of lists; its result is passed to the other
    methods.
    """

    @abstractmethod
    def prepare(self, query: Query, dial: float) -> Prepared:
        """Prepare scoring for some lists at a dial setting (−1 to 1)."""

    @abstractmethod
    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: Prepared) -> None:
        """Add this term to the scores of some tracks for all lists, in place.

        `scores` is float32 [num_lists, num_tracks_asked], contiguous.
        """

    @abstractmethod
    def pairs(self, tracks: Int64Array, prepared: Prepared) -> Float32Array:
        """This term for given tracks of each list: float32, shaped like `tracks`.

        `tracks` is int64 [num_lists, width]; the value for padding (−1) does not matter.
        """

    @abstractmethod
    def parts(self, query: Query, tracks: Int32Array, dial: float) -> ScoreParts:
        """Where this term of some tracks' scores comes from, for a single list."""

    @abstractmethod
    def left_out(self, query: Query, dial: float) -> Float32Array:
        """This term of each track of each list, scored for its list without it.

        float32 [num_pairs], a pair after another as in `query.tracks`. The query has no emphasis.
        """

    def strongest(self, n: int, prepared: Prepared) -> list[Int64Array] | None:
        """About `n` tracks that this term raises most for each list; None: an index finds them."""
        return None


class StoredTerm(Term[Prepared]):
    """A term that a bundle stores as separate arrays."""

    @property
    @abstractmethod
    def num_nodes(self) -> dict[str, int]:
        """Number of nodes of each kind that its arrays are about."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that a bundle stores, by name."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """From stored arrays (ValueError or TypeError if they are something else)."""

    @abstractmethod
    def with_tracks(self, num_tracks: int) -> Self:
        """The same with further tracks appended, about which nothing is known."""
