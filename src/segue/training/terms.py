"""Fitting the terms of a score that a bundle stores besides its vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.sparse import csc_array, csr_array

from segue.baselines.ease import rows_with_side_information
from segue.baselines.ease_blocks import ease_by_blocks, memory_of_blocks
from segue.data.csr import offsets_of
from segue.data.playlists import BoolArray, Float32Array
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
    def memory(self, graph: PlaylistGraph) -> int:
        """Bytes that `fit` needs at its peak, roughly, besides the graph."""

    @abstractmethod
    def stored_bytes(self, graph: PlaylistGraph) -> int:
        """Bytes that the term takes in memory and in a bundle, at most."""

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
    block_size, support_size
        As for `segue.baselines.ease_blocks.ease_by_blocks`: a collection of up to `support_size`
        tracks is fitted at once, a larger one in blocks.

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
    max_tracks: int = 1_000_000
    block_size: int = 200
    support_size: int = 2000

    def __post_init__(self) -> None:
        """Refuse values outside their range (InputError)."""
        for name in ("num_neighbours", "max_tracks", "block_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}, expected 1 or more")
        if self.support_size < self.block_size:
            raise InputError(
                f"support_size is {self.support_size}, expected at least {self.block_size}, the "
                "block_size"
            )
        if not (self.weight > 0 and self.regularization > 0):
            raise InputError("weight and regularization of the wide part must be above 0")

    def require(self, graph: PlaylistGraph) -> None:
        """Raise ResourceError if this machine's memory cannot hold what the fit needs."""
        require_memory(self.memory(graph), f"the wide part of {self._taking_part(graph):,} tracks")

    def memory(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        size = self._taking_part(graph)
        relations = graph.catalog.relations
        num_pairs = graph.playlists.tracks.num_pairs + sum(
            relations[kind].num_edges for kind in ("artist", "album")
        )
        fitting = memory_of_blocks(
            size, num_pairs, block_size=self.block_size, support_size=self.support_size
        )
        # The pairs with their values, while they are joined; then the weights, by the track that
        # they go to, or by both.
        return 2 * 8 * num_pairs + fitting + 2 * self.stored_bytes(graph)

    def stored_bytes(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        size = self._taking_part(graph)
        kept = min(2 * self.num_neighbours, self.support_size, size)
        return 8 * size * kept + 8 * graph.catalog.num_tracks

    def fit(self, graph: PlaylistGraph) -> WidePart:
        """EASE with side information, keeping the strongest weights of each track.

        `num_neighbours` positive and as many negative weights are kept per track.

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
            If it does not fit into memory.
        """
        self.require(graph)
        num_tracks = graph.catalog.num_tracks
        # Descending popularity, ties by index; then back in the catalogue's order.
        order = np.lexsort((np.arange(num_tracks), -graph.popularity))
        taking_part = np.sort(order[: self.max_tracks])
        rows = rows_with_side_information(
            graph, artist_weight=self.artist_weight, album_weight=self.album_weight
        )
        if len(taking_part) < num_tracks:
            rows = csr_array(rows[:, taking_part])
        given_to, lengths, given_by, value = [], [], [], []
        for block in ease_by_blocks(
            rows,
            self.regularization,
            block_size=self.block_size,
            support_size=self.support_size,
        ):
            for start in range(0, len(block.tracks), _BLOCK_COLUMNS):
                weights = block.weights[:, start : start + _BLOCK_COLUMNS]
                kept = _strongest(weights, self.num_neighbours)
                given_to.append(block.tracks[start : start + _BLOCK_COLUMNS])
                lengths.append(kept.sum(axis=0))
                column, row = np.nonzero(kept.T)
                given_by.append(taking_part[block.support[row]].astype(np.int32))
                value.append(weights[row, column] * np.float32(self.weight))
        by_column = csc_array(
            (
                np.concatenate(value),
                np.concatenate(given_by),
                offsets_of(np.concatenate(lengths)),
            ),
            shape=(num_tracks, len(taking_part)),
        )
        del value, given_by
        matrix = by_column.tocsr()
        at = taking_part[np.concatenate(given_to)].astype(matrix.indices.dtype)
        return WidePart.from_matrix(
            csr_array((matrix.data, at[matrix.indices], matrix.indptr), (num_tracks, num_tracks))
        )

    def _taking_part(self, graph: PlaylistGraph) -> int:
        return min(graph.catalog.num_tracks, self.max_tracks)


def _strongest(weights: Float32Array, number: int) -> BoolArray:
    """The `number` largest weights above 0 of each column, and as many smallest below."""
    kept = np.zeros(weights.shape, dtype=bool)
    number = min(number, len(weights))
    for sign in (1, -1):
        rows = np.argpartition(-sign * weights, number - 1, axis=0)[:number]
        speaks = sign * np.take_along_axis(weights, rows, axis=0) > 0
        kept[rows[speaks], np.nonzero(speaks)[1]] = True
    return kept


# The terms fitted by default, by their name in `segue.scoring.terms.STORED`.
TERMS: dict[str, type[TermConfig]] = {"wide": WideConfig}
