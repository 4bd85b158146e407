"""Fitting the terms of a score that a bundle keeps besides its vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.sparse import coo_array, csr_array

from segue.baselines.ease import ease_weights, rows_with_side_information
from segue.memory import require_memory
from segue.scoring.term import StoredTerm
from segue.scoring.wide import WidePart

if TYPE_CHECKING:
    from segue.graph.playlist_graph import PlaylistGraph

# Columns of a square matrix that are looked through at once.
_BLOCK_COLUMNS = 512


@dataclass(frozen=True)
class TermConfig(ABC):
    """How a term is fitted to a training graph.

    Attributes
    ----------
    label
        What people call the term.
    """

    label: ClassVar[str]

    @abstractmethod
    def require(self, graph: PlaylistGraph) -> None:
        """Refuse what this machine cannot fit (ResourceError)."""

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
        What they are multiplied with, to be added to cosines.
    regularization, artist_weight, album_weight
        As for `segue.baselines.ease.SideEASE`.
    max_tracks
        The most popular tracks that take part.

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

    def require(self, graph: PlaylistGraph) -> None:
        """Refuse a wide part that this machine's memory cannot hold (ResourceError)."""
        size = min(graph.catalog.num_tracks, self.max_tracks)
        require_memory(4 * size**2, f"a matrix of {size:,} by {size:,} tracks")

    def fit(self, graph: PlaylistGraph) -> WidePart:
        """EASE with side information, of which the strongest weights of each track are kept.

        Of what speaks for a track and of what speaks against it, `num_neighbours` each.

        Only the most popular `max_tracks` tracks take part: of the others too little is known
        for weights of their own, and the matrix of all could not be held.

        Parameters
        ----------
        graph
            The training graph.

        Returns
        -------
        WidePart
            Times `weight`, so that it can be added to cosines.

        Raises
        ------
        ResourceError
            If the matrix does not fit into memory.
        """
        num_tracks = graph.catalog.num_tracks
        # Falling popularity, ties by index; in the catalogue's order again.
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


# What is fitted by default, by the name that `segue.scoring.terms.STORED` has for it.
TERMS: dict[str, type[TermConfig]] = {"wide": WideConfig}
