"""The terms of a score that a bundle stores besides its vectors, and fitting the wide part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from segue.arrays import load_checked, save_checked
from segue.baselines.ease import rows_with_side_information
from segue.baselines.neighbourhoods import memory_of_neighbourhoods, neighbourhoods
from segue.data.csr import offsets_of
from segue.data.playlists import BoolArray, Float32Array, Int64Array
from segue.errors import ArtefactError, InputError
from segue.machine import granted_threads
from segue.scoring.wide import WidePart
from segue.training.options import at_least
from segue.training.pace import Pace
from segue.training.term import TermConfig
from segue.training.word_odds import WordOddsConfig

if TYPE_CHECKING:
    from segue.graph.playlist_graph import PlaylistGraph

# For so long the first blocks of tracks are tried, to say how long all will take.
_TRIED_SECONDS = 5.0


@dataclass(frozen=True)
class WideConfig(TermConfig):
    """How the wide part is fitted; its defaults were chosen on validation (docs/experiments.md).

    Attributes
    ----------
    num_neighbours
        How many tracks may have a weight for each, those of the largest cosine.
    weight
        Factor of the weights when they are added to cosines.
    regularization, artist_weight, album_weight
        As for `segue.baselines.ease.SideEASE`.
    max_tracks
        Number of tracks that take part, the most popular ones.
    block_size, support_size
        As for `segue.baselines.neighbourhoods.neighbourhoods`: in a collection of up to
        `support_size` tracks any may be a neighbour, in a larger one those of a block's support.

    Examples
    --------
    >>> system = segue.SystemConfig({"wide": segue.WideConfig(num_neighbours=20)})
    >>> sorted(segue.train(split, dim=4, epochs=1, system=system).terms)
    ['wide']
    """

    label: ClassVar[str] = "wide part"

    num_neighbours: int = 100
    weight: float = 1.2
    regularization: float = 100.0
    artist_weight: float = 10.0
    album_weight: float = 5.0
    max_tracks: int = 1_000_000
    block_size: int = 200
    support_size: int = 2000

    def __post_init__(self) -> None:
        """Refuse values outside their range (InputError)."""
        for name in ("num_neighbours", "max_tracks", "block_size"):
            at_least(name, getattr(self, name), 1)
        if self.support_size < self.block_size:
            raise InputError(
                f"support_size is {self.support_size}, expected at least {self.block_size}, the "
                "block_size"
            )
        if not (self.weight > 0 and self.regularization > 0):
            raise InputError("weight and regularization of the wide part must be above 0")

    def purpose(self, graph: PlaylistGraph) -> str:
        """See `TermConfig`."""
        return f"the wide part of {self._taking_part(graph):,} tracks"

    def memory(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        size = self._taking_part(graph)
        side = [graph.catalog.relations[kind] for kind in ("artist", "album")]
        num_pairs = graph.playlists.tracks.num_pairs + sum(each.num_edges for each in side)
        fitting = memory_of_neighbourhoods(
            len(graph.playlists) + sum(each.num_targets for each in side),
            size,
            num_pairs,
            self.num_neighbours,
            block_size=self.block_size,
            support_size=self.support_size,
            threads=granted_threads(),
        )
        # The pairs with their values, while they are joined; then the weights, by the track that
        # they go to, or by both.
        return 2 * 8 * num_pairs + fitting + 2 * self.stored_bytes(graph)

    def stored_bytes(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        size = self._taking_part(graph)
        kept = min(self.num_neighbours, self.support_size, size)
        return 8 * size * kept + 8 * graph.catalog.num_tracks

    def fit(self, graph: PlaylistGraph, begun: Path | None = None) -> WidePart:
        """A ridge regression of each track on those nearest to it, with side information.

            minimise |x_j − X · w|² + regularization · |w|²

        with X the playlists by tracks, artists and albums as further rows (see
        `segue.baselines.ease.rows_with_side_information`), and w weights of the neighbours of track
        j. It is EASE with the weights of all other tracks held at 0, found in a fraction of its
        time (see `segue.baselines.neighbourhoods.neighbourhoods`).

        Parameters
        ----------
        graph
            The training graph.
        begun
            The file of what an interrupted fit to the same graph found; written every five minutes.

        Returns
        -------
        WidePart
            Already multiplied by `weight`, to be added to cosines.

        Raises
        ------
        ResourceError
            If it does not fit into memory.
        ArtefactError
            If `begun` is damaged, or cannot be written.
        """
        self.require(graph)
        num_tracks, pace = graph.catalog.num_tracks, Pace()
        found = _Found.begun(begun)
        for regressions in self._regressions(graph, found.known(num_tracks)):
            found.add(*regressions)
            if begun is not None and pace.due():
                with pace.saving():
                    save_checked(begun, found.arrays())
        by_track = found.arrays()
        del found
        by_column = csc_array(
            (
                np.float32(self.weight) * by_track["weight"],
                by_track["near"],
                offsets_of(by_track["num_near"]),
            ),
            shape=(num_tracks, len(by_track["track"])),
        )
        at = by_track["track"]
        del by_track
        matrix = by_column.tocsr()
        return WidePart.from_matrix(
            csr_array((matrix.data, at[matrix.indices], matrix.indptr), (num_tracks, num_tracks))
        )

    def seconds(
        self, graph: PlaylistGraph, clock: Callable[[], float] = time.perf_counter
    ) -> float:
        """See `TermConfig`: from the first blocks of tracks. `clock` returns seconds."""
        started = clock()
        done, first, at_first = 0, 0, started
        for tracks, _, _ in self._regressions(graph):
            now = clock()
            done += len(tracks)
            if not first:
                first, at_first = done, now
            elif now - at_first > _TRIED_SECONDS:
                break
        else:
            return clock() - started
        rest = self._taking_part(graph) - done
        return now - started + (now - at_first) / (done - first) * rest

    def _regressions(
        self, graph: PlaylistGraph, known: BoolArray | None = None
    ) -> Iterator[tuple[Int64Array, Int64Array, Float32Array]]:
        """Some tracks, int64 [num], those near to each, and their weights, [num, num_near].

        Without those that are known, bool [num_tracks].
        """
        num_tracks = graph.catalog.num_tracks
        # Descending popularity, ties by index; then back in the catalogue's order.
        order = np.lexsort((np.arange(num_tracks), -graph.popularity))
        taking_part = np.sort(order[: self.max_tracks])
        rows = rows_with_side_information(
            graph, artist_weight=self.artist_weight, album_weight=self.album_weight
        )
        if len(taking_part) < num_tracks:
            rows = csr_array(rows[:, taking_part])
        for some in neighbourhoods(
            rows,
            self.num_neighbours,
            self.regularization,
            block_size=self.block_size,
            support_size=self.support_size,
            threads=granted_threads(),
            known=None if known is None else known[taking_part],
        ):
            ridge = np.float32(self.regularization) * np.eye(some.near.shape[1], dtype=np.float32)
            found = np.linalg.solve(some.gram + ridge, some.toward[:, :, None])
            yield taking_part[some.tracks], taking_part[some.near], found[:, :, 0]

    def _taking_part(self, graph: PlaylistGraph) -> int:
        return min(graph.catalog.num_tracks, self.max_tracks)


class _Found:
    """The regressions found so far.

    `arrays` has ``track`` int32 [num], ``num_near`` int32 [num], and of all neighbours, one after
    the other, ``near`` int32 and ``weight`` float32.
    """

    _TYPES: ClassVar = {
        "track": np.int32, "num_near": np.int32, "near": np.int32, "weight": np.float32,
    }  # fmt: skip

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._parts = {name: [arrays[name].astype(t)] for name, t in self._TYPES.items()}

    @classmethod
    def begun(cls, path: Path | None) -> _Found:
        """What is in a file, if it is there (ArtefactError if it is damaged)."""
        if path is None or not path.exists():
            return cls(dict.fromkeys(cls._TYPES, np.zeros(0)))
        arrays, _ = load_checked(path)
        if arrays.keys() != cls._TYPES.keys():
            raise ArtefactError(f"{path}: is of another version of Segue; remove it")
        return cls(arrays)

    def known(self, num_tracks: int) -> BoolArray:
        """The tracks whose regressions are found: bool [num_tracks]."""
        known = np.zeros(num_tracks, dtype=np.bool_)
        known[np.concatenate(self._parts["track"])] = True
        return known

    def add(self, tracks: Int64Array, near: Int64Array, weight: Float32Array) -> None:
        """Add regressions, as `WideConfig._regressions` yields them."""
        num_near = np.full(len(tracks), near.shape[1])
        found: tuple[NDArray[Any], ...] = (tracks, num_near, near, weight)
        for name, values in zip(self._TYPES, found, strict=True):
            self._parts[name].append(values.ravel().astype(self._TYPES[name]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of them."""
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}


# The terms fitted by default, by their name in `segue.scoring.terms.STORED`.
TERMS: dict[str, type[TermConfig]] = {"wide": WideConfig, "words": WordOddsConfig}
