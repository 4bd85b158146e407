"""An approximate index for large catalogues; what it finds is rescored exactly."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.arrays import map_arrays, write_arrays
from segue.bundle import Bundle
from segue.data.csr import offsets_of
from segue.data.playlists import Float32Array, Int32Array, Int64Array, TrackLists
from segue.errors import ArtefactError, InputError
from segue.extras import required
from segue.scoring.best import best_tracks
from segue.scoring.centroid import Centroid
from segue.scoring.popularity import Popularity
from segue.scoring.query import Query
from segue.scoring.term import Tracks

INDEX_FILE = "ann.safetensors"
# Recall is measured on this many queries, for lists of this length, at these dial settings.
_NUM_QUERIES, _LENGTH, DIALS = 500, 100, (-1.0, 0.0, 1.0)
# Training vectors per cell.
_PER_CELL = 64
# Tracks whose cells are looked for at a time.
_BLOCK = 1 << 13
# Far above what an index holds, far below what float32 cannot.
_LARGEST = 1e12


@dataclass(frozen=True, eq=False)
class AnnIndex:
    """Inverted lists of 8-bit vectors with a track's log-popularity as an additional coordinate.

        score(u) = [q, −dial] · [v_u, FULL_DIAL · f_u]

    so one index serves every dial setting. Each track is in the cell whose vector is nearest, and
    stored as the difference to it, a byte a coordinate; a search visits the cells nearest to the
    query (inverted file with scalar quantisation; M. Douze and others: "The Faiss library", 2024).

    Attributes
    ----------
    cell_vectors : float32 [num_cells, dim + 1]
    offsets : int64 [num_cells + 1], track_index : int32 [num_tracks]
        The tracks of each cell.
    codes : uint8 [num_tracks, dim + 1]
        In the order of `track_index`.
    low, step : float32 [dim + 1]
        A code c stands for ``low + step · c``.
    num_probes : int64 [3]
        Number of cells that a search visits, for the dial at −1, 0 and 1.
    recall : float32 [3]
        The share of the exact top 100 that is then found.
    """

    cell_vectors: Float32Array
    offsets: Int64Array
    track_index: Int32Array
    codes: NDArray[np.uint8]
    low: Float32Array
    step: Float32Array
    num_probes: Int64Array
    recall: Float32Array

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays form an index in which each track is once."""
        if self.cell_vectors.ndim != 2 or not len(self.cell_vectors):
            raise ValueError("cell_vectors must be a table with a row for each cell")
        num_cells, width = self.cell_vectors.shape
        num_tracks = len(self.track_index)
        expected = {
            "cell_vectors": ((num_cells, width), np.float32),
            "offsets": ((num_cells + 1,), np.int64),
            "track_index": ((num_tracks,), np.int32),
            "codes": ((num_tracks, width), np.uint8),
            "low": ((width,), np.float32),
            "step": ((width,), np.float32),
            "num_probes": ((len(DIALS),), np.int64),
            "recall": ((len(DIALS),), np.float32),
        }
        for name, (shape, dtype) in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(f"{name} must be {np.dtype(dtype)} of shape {list(shape)}")
            if not (np.abs(array) < _LARGEST).all():
                raise ValueError(f"{name} must hold numbers below {_LARGEST:g}")
        if (
            self.offsets[0] != 0
            or self.offsets[-1] != num_tracks
            or np.diff(self.offsets).min() < 0
        ):
            raise ValueError("the offsets must rise from 0 to the number of tracks")
        inside = (self.track_index >= 0) & (self.track_index < num_tracks)
        if not inside.all() or len(np.unique(self.track_index)) != num_tracks:
            raise ValueError("each track must be in one cell")
        if not ((self.num_probes >= 1) & (self.num_probes <= num_cells)).all():
            raise ValueError("a search must visit from one cell to all")

    @property
    def num_cells(self) -> int:
        """Number of inverted lists."""
        return len(self.cell_vectors)

    def probes(self, dials: Float32Array) -> int:
        """Number of cells that a search visits: the maximum over the dial settings."""
        backward, middle, forward = self.num_probes.tolist()
        turned = np.minimum(np.abs(dials), 1)
        between = middle ** (1 - turned) * np.where(dials > 0, forward, backward) ** turned
        return round(float(between.max(initial=1)))

    def search(
        self, query_vectors: Float32Array, dials: Float32Array, n: int, *, widen: int = 1
    ) -> Int64Array:
        """The likely best tracks: int64 [batch_size, n], padded with −1.

        `dials` is the dial setting of each query (float32 [batch_size], from `Popularity.prepare`);
        `widen` multiplies the number of cells visited.
        """
        return self._search(query_vectors, dials, n, self.probes(dials) * widen)

    def _search(
        self, query_vectors: Float32Array, dials: Float32Array, n: int, num_probes: int
    ) -> Int64Array:
        queries = np.column_stack([query_vectors, -dials]).astype(np.float32, copy=False)
        near = queries @ self.cell_vectors.T
        num_probes = min(num_probes, self.num_cells)
        cells = np.argpartition(-near, num_probes - 1, axis=1)[:, :num_probes]
        found = np.full((len(queries), n), -1, dtype=np.int64)
        for row, (query, visited) in enumerate(zip(queries, cells, strict=True)):
            starts, ends = self.offsets[visited], self.offsets[visited + 1]
            parts = [
                slice(*ends_of) for ends_of in zip(starts.tolist(), ends.tolist(), strict=True)
            ]
            codes = np.concatenate([self.codes[part] for part in parts])
            # All of a track's score but what is the same for all tracks.
            score = codes.astype(np.float32) @ (query * self.step)
            score += np.repeat(near[row, visited], ends - starts)
            best = np.arange(len(score))
            if len(score) > n:
                best = np.argpartition(-score, n - 1)[:n]
            tracks = np.concatenate([self.track_index[part] for part in parts])
            found[row, : len(best)] = tracks[best]
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that are stored."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def of(cls, bundle: Bundle) -> AnnIndex | None:
        """The index of a bundle that was read, memory-mapped; None if it has none.

        Raises
        ------
        ArtefactError
            If it cannot be read, or is not of these tracks.
        """
        path = bundle.file(INDEX_FILE)
        if path is None:
            return None
        try:
            return cls.of_arrays(map_arrays(path), *bundle.track_vectors.shape)
        except (TypeError, ValueError) as error:
            raise ArtefactError(f"{path}: cannot be read as an index ({error})") from error

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], num_tracks: int, dim: int) -> AnnIndex:
        """From stored arrays, for a catalogue of that size (ValueError or TypeError if not)."""
        index = cls(**arrays)
        if index.codes.shape != (num_tracks, dim + 1):
            raise ValueError("it was made for another catalogue")
        return index


def write_ann(
    bundle: Bundle,
    folder: Path,
    *,
    recall: float = 0.95,
    num_cells: int | None = None,
    rng_seed: int = 0,
) -> AnnIndex:
    """Build an index of a bundle's tracks, measure it, and write it into a folder.

    Parameters
    ----------
    bundle
    folder
        Where ``ann.safetensors`` is written.
    recall
        The share of the exact top 100 that must be found; the smallest power of two of probes that
        reaches it is used.
    num_cells
        By default 4 · √num_tracks.
    rng_seed
        For the queries that recall is measured on: the bundle's playlists, or without those, three
        random tracks each.

    Raises
    ------
    InputError
        If `recall` is not between 0 and 1, or there are more cells than tracks.
    ResourceError
        If FAISS, which finds the cells, is not installed.
    """
    faiss = _faiss()
    num_tracks = len(bundle.track_vectors)
    cells = num_cells or max(1, min(round(4 * num_tracks**0.5), num_tracks // 39))
    if not 0 < recall <= 1:
        raise InputError(f"recall is {recall:g}, expected above 0 and at most 1")
    if not 1 <= cells <= num_tracks:
        raise InputError(f"{cells} cells for {num_tracks} tracks, expected from 1 to one per track")
    centroid = Centroid(bundle.track_vectors, bundle.query_weight)
    full_turn = Popularity(bundle.popularity).full_turn
    rng = np.random.default_rng(rng_seed)
    coordinates = np.ascontiguousarray(np.column_stack([bundle.track_vectors, -full_turn]))
    some = np.sort(rng.permutation(num_tracks)[: _PER_CELL * cells])
    index = _index_of(coordinates, _cell_vectors(faiss, coordinates[some], cells))

    query = _queries(bundle, rng)
    vectors, length = centroid.prepare(Query(query)), min(_LENGTH, num_tracks)
    nothing = TrackLists.from_lists([[]] * len(query))
    probes, found = [], []
    for dial in DIALS:
        dials = np.full(len(query), dial, dtype=np.float32)

        def add_scores(scores: Float32Array, tracks: Tracks) -> None:
            centroid.add_to(scores, tracks, vectors)
            scores += np.float32(dial) * full_turn[tracks]  # noqa: B023

        exact, _ = best_tracks(add_scores, num_tracks, nothing, length)
        reached, num_probes = 0.0, 0
        while reached < recall and num_probes < cells:
            num_probes = min(max(1, 2 * num_probes), cells)
            near = index._search(vectors, dials, length, num_probes)
            both = sum(len(np.intersect1d(*rows)) for rows in zip(near, exact, strict=True))
            reached = both / near.size
        probes.append(num_probes)
        found.append(reached)
    index = replace(index, num_probes=np.array(probes), recall=np.array(found, dtype=np.float32))
    write_arrays(folder / INDEX_FILE, index.arrays())
    return index


def _cell_vectors(faiss: Any, some: Float32Array, num_cells: int) -> Float32Array:
    """Centres of as many cells, by k-means: float32 [num_cells, width]."""
    width = some.shape[1]
    quantizer = faiss.IndexFlatIP(width)
    faiss.IndexIVFFlat(quantizer, width, num_cells, faiss.METRIC_INNER_PRODUCT).train(some)
    vectors: Float32Array = quantizer.reconstruct_n(0, num_cells)
    return vectors


def _index_of(coordinates: Float32Array, cell_vectors: Float32Array) -> AnnIndex:
    """Each vector in the cell that is nearest; how many cells a search visits is still open."""
    cell = np.concatenate(
        [
            (coordinates[start : start + _BLOCK] @ cell_vectors.T).argmax(axis=1)
            for start in range(0, len(coordinates), _BLOCK)
        ]
    )
    order = np.argsort(cell, kind="stable")
    blocks = [order[start : start + _BLOCK] for start in range(0, len(order), _BLOCK)]
    ends = [
        (differences.min(axis=0), differences.max(axis=0))
        for differences in (coordinates[rows] - cell_vectors[cell[rows]] for rows in blocks)
    ]
    low = np.min([least for least, _ in ends], axis=0)
    step = (np.max([most for _, most in ends], axis=0) - low) / np.float32(255)
    codes = np.empty(coordinates.shape, dtype=np.uint8)
    for start, rows in zip(range(0, len(order), _BLOCK), blocks, strict=True):
        differences = coordinates[rows] - cell_vectors[cell[rows]] - low
        codes[start : start + len(rows)] = np.rint(differences / np.where(step, step, 1))
    return AnnIndex(
        cell_vectors,
        offsets_of(np.bincount(cell, minlength=len(cell_vectors))),
        order.astype(np.int32),
        codes,
        low,
        step,
        num_probes=np.ones(len(DIALS), dtype=np.int64),
        recall=np.zeros(len(DIALS), dtype=np.float32),
    )


def _queries(bundle: Bundle, rng: np.random.Generator) -> TrackLists:
    if bundle.playlists is not None:
        lists = bundle.playlists.tracks
        rows = np.flatnonzero(lists.lengths > 0)
        if len(rows):
            return lists.rows(np.sort(rng.permutation(rows)[:_NUM_QUERIES]))
    num_tracks = len(bundle.track_vectors)
    seeds = [rng.permutation(num_tracks)[:3].tolist() for _ in range(_NUM_QUERIES)]
    return TrackLists.from_lists(seeds)


def _faiss() -> Any:
    # It reports at level INFO which processor features it looks for and finds.
    logging.getLogger("faiss").setLevel(logging.WARNING)
    with required("making an approximate index"):
        import faiss
    return faiss
