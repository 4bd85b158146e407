"""Fitting the terms of a score that a bundle stores besides its vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.sparse import coo_array, csr_array

from segue.baselines.ease import ease_weights, rows_with_side_information
from segue.errors import InputError
from segue.memory import require_memory
from segue.scoring.term import StoredTerm
from segue.scoring.wide import WidePart

if TYPE_CHECKING:
    from segue.graph.playlist_graph import PlaylistGraph

# Columns of a square matrix processed at a time.
_BLOCK_COLUMNS = 512


@dataclass(frozen=True)
class TermConfig(ABC):
    """How a term is fitted to a training graph.

    Attributes
    ----------
    label
        Name of the term in messages.
    """

    label: ClassVar[str]

    @abstractmethod
    def require(self, graph: PlaylistGraph) -> None:
        """Raise ResourceError if this machine cannot fit the term."""

    @abstractmethod
    def fit(self, graph: PlaylistGraph) -> StoredTerm[Any]:
        """The term, fitted to a training graph (ResourceError if it needs too much memory)."""


@dataclass(frozen=True)
class WideConfig(TermConfig):
    """How the wide part is fitted; its defaults were chosen on validation (docs/experiments.md).

    Attributes
    ----------
    num_neighbours
        Weights that are kept of each track: this many above 0, and as many below.
    weight
        Factor of the weights when they are added to cosines.
    regularization, artist_weight, album_weight
        As for `segue.baselines.ease.SideEASE`.
    max_tracks
        Number of tracks that take part, the most popular ones.

    Examples
    --------
    >>> system = segue.SystemConfig({"wide": segue.WideConfig(num_neighbours=20)})
    >>> sorted(segue.train(split, dim=4, epochs=1, system=system).terms)
    ['wide']
    """

    label: ClassVar[str] = "wide part"

    num_neighbours: int = 100
    weight: float = 0.8
    regularization: float = 100.0
    artist_weight: float = 10.0
    album_weight: float = 5.0
    max_tracks: int = 25_000

    def __post_init__(self) -> None:
        """Refuse values outside their range (InputError)."""
        for name in ("num_neighbours", "max_tracks"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}, expected 1 or more")
        if not (self.weight > 0 and self.regularization > 0):
            raise InputError("weight and regularization of the wide part must be above 0")

    def require(self, graph: PlaylistGraph) -> None:
        """Raise ResourceError if this machine's memory cannot hold the matrix."""
        size = min(graph.catalog.num_tracks, self.max_tracks)
        require_memory(4 * size**2, f"a matrix of {size:,} by {size:,} tracks")

    def fit(self, graph: PlaylistGraph) -> WidePart:
        """EASE with side information, keeping the strongest weights of each track.

        `num_neighbours` positive and as many negative weights are kept per track.

        Only the most popular `max_tracks` tracks take part: too little is known about the others
        for weights of their own, and a matrix of all would not fit into memory.

        Parameters
        ----------
        graph
            The training graph.

        Returns
        -------
        WidePart
            Already multiplied by `weight`, to be added to cosines.

        Raises
        ------
        ResourceError
            If the matrix does not fit into memory.
        """
        num_tracks = graph.catalog.num_tracks
        # Descending popularity, ties by index; then back in the catalogue's order.
        order = np.lexsort((np.arange(num_tracks), -graph.popularity))
        taking_part = np.sort(order[: self.max_tracks])
        rows = rows_with_side_information(
            graph, artist_weight=self.artist_weight, album_weight=self.album_weight
        )
        weights = ease_weights(csr_array(rows[:, taking_part]), self.regularization)
        row, column, value = [], [], []
        kept = min(self.num_neighbours, len(taking_part))
        for start in range(0, len(taking_part), _BLOCK_COLUMNS):
            block = weights[:, start : start + _BLOCK_COLUMNS]
            given_to = taking_part[start : start + block.shape[1]]
            for sign in (1, -1):
                strongest = np.argpartition(-sign * block, kept - 1, axis=0)[:kept]
                found = np.take_along_axis(block, strongest, axis=0)
                speaks = sign * found > 0
                row.append(taking_part[strongest[speaks]])
                column.append(np.broadcast_to(given_to, strongest.shape)[speaks])
                value.append(found[speaks])
        entries = np.float32(self.weight) * np.concatenate(value)
        at = np.concatenate(row), np.concatenate(column)
        return WidePart.from_matrix(csr_array(coo_array((entries, at), (num_tracks, num_tracks))))


# The terms fitted by default, by their name in `segue.scoring.terms.STORED`.
TERMS: dict[str, type[TermConfig]] = {"wide": WideConfig}
