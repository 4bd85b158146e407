"""An approximate index for large catalogues, using FAISS; what it finds is rescored exactly."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import Float32Array, Int64Array, TrackLists
from segue.errors import ArtefactError, InputError
from segue.extras import required
from segue.files import write_json
from segue.scoring.best import best_tracks
from segue.scoring.centroid import Centroid
from segue.scoring.popularity import Popularity
from segue.scoring.query import Query
from segue.scoring.term import Tracks

INDEX_FILE, FACTS_FILE = "ann.faiss", "ann.json"
# Recall is measured on this many queries, for lists of this length, at these dial settings.
_NUM_QUERIES, _LENGTH, _DIALS = 500, 100, (-1.0, 0.0, 1.0)
# Training vectors per cell.
_PER_CELL = 64


@dataclass(frozen=True, eq=False)
class AnnIndex:
    """Inverted lists of 8-bit vectors with a track's log-popularity as an additional coordinate.

        score(u) = [q, −dial] · [v_u, FULL_DIAL · f_u]

    so one index serves every dial setting (IVF with scalar quantisation; M. Douze and others:
    "The Faiss library", 2024).

    Attributes
    ----------
    index
        The FAISS index.
    facts : dict
        ``num_cells`` and, for the dial at −1, 0 and 1, ``num_probes``, the number of cells that a
        search visits, and ``recall@100`` against the exact list by number of probes.
    """

    index: Any
    facts: dict[str, Any]

    @property
    def num_cells(self) -> int:
        """Number of inverted lists."""
        return int(self.facts["num_cells"])

    def num_probes(self, dials: Float32Array) -> int:
        """Number of cells that a search visits: the maximum over the dial settings."""
        middle, *ends = (self.facts["num_probes"][at] for at in ("0", "1", "-1"))
        turned = np.minimum(np.abs(dials), 1)
        between = middle ** (1 - turned) * np.where(dials > 0, *ends) ** turned
        return round(float(between.max(initial=1)))

    def search(
        self, query_vectors: Float32Array, dials: Float32Array, n: int, *, widen: int = 1
    ) -> Int64Array:
        """The likely best tracks: int64 [batch_size, n], padded with −1.

        `dials` is the dial setting of each query (float32 [batch_size], from `Popularity.prepare`);
        `widen` multiplies the number of cells visited.
        """
        num_probes = min(self.num_probes(dials) * widen, self.num_cells)
        return _search(self.index, query_vectors, dials, n, num_probes)

    @classmethod
    def load(cls, folder: Path) -> AnnIndex | None:
        """The index of a bundle, memory-mapped; None if it has none.

        Raises
        ------
        ResourceError
            If there is one and FAISS is not installed.
        ArtefactError
            If it cannot be read.
        """
        if not (folder / INDEX_FILE).exists():
            return None
        faiss = _faiss()
        try:
            facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
            return cls(faiss.read_index(str(folder / INDEX_FILE), faiss.IO_FLAG_MMAP), facts)
        except (OSError, RuntimeError, ValueError) as error:
            raise ArtefactError(f"{folder / INDEX_FILE}: cannot be read ({error})") from error


def write_ann(
    bundle: Bundle,
    folder: Path,
    *,
    recall: float = 0.95,
    num_cells: int | None = None,
    rng_seed: int = 0,
) -> dict[str, Any]:
    """Build an index of a bundle's tracks, measure it, and write it into a folder.

    Parameters
    ----------
    bundle
    folder
        Where ``ann.faiss`` and ``ann.json`` are written.
    recall
        The share of the exact top 100 that must be found; the smallest power of two of probes that
        reaches it is used.
    num_cells
        By default 4 · √num_tracks.
    rng_seed
        For the queries that recall is measured on: the bundle's playlists, or without those, three
        random tracks each.

    Returns
    -------
    dict
        The facts, as in `AnnIndex`.

    Raises
    ------
    InputError
        If `recall` is not between 0 and 1, or there are more cells than tracks.
    ResourceError
        If FAISS is not installed.
    """
    faiss = _faiss()
    num_tracks, dim = bundle.track_vectors.shape
    cells = num_cells or max(1, min(round(4 * num_tracks**0.5), num_tracks // 39))
    if not 0 < recall <= 1:
        raise InputError(f"recall is {recall:g}, expected above 0 and at most 1")
    if not 1 <= cells <= num_tracks:
        raise InputError(f"{cells} cells for {num_tracks} tracks, expected from 1 to one per track")
    centroid = Centroid(bundle.track_vectors, bundle.query_weight)
    full_turn = Popularity(bundle.popularity).full_turn
    rng = np.random.default_rng(rng_seed)
    coordinates = np.ascontiguousarray(np.column_stack([bundle.track_vectors, -full_turn]))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim + 1),
        dim + 1,
        cells,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    some = rng.permutation(num_tracks)[: _PER_CELL * cells]
    index.train(coordinates[np.sort(some)])
    index.add(coordinates)

    query = _queries(bundle, rng)
    vectors, length = centroid.prepare(Query(query)), min(_LENGTH, num_tracks)
    nothing = TrackLists.from_lists([[]] * len(query))
    probes: dict[str, int] = {}
    measured: dict[str, dict[int, float]] = {}
    for dial in _DIALS:
        dials = np.full(len(query), dial, dtype=np.float32)

        def add_scores(scores: Float32Array, tracks: Tracks) -> None:
            centroid.add_to(scores, tracks, vectors)
            scores += np.float32(dial) * full_turn[tracks]  # noqa: B023

        exact, _ = best_tracks(add_scores, num_tracks, nothing, length)
        at, tried, num_probes = f"{dial:g}", {0: 0.0}, 0
        while tried[num_probes] < recall and num_probes < cells:
            num_probes = min(max(1, 2 * num_probes), cells)
            near = _search(index, vectors, dials, length, num_probes)
            both = sum(len(np.intersect1d(*rows)) for rows in zip(near, exact, strict=True))
            tried[num_probes] = round(both / near.size, 4)
        probes[at], measured[at] = num_probes, {n: r for n, r in tried.items() if n}
    facts = {"num_cells": cells, "num_probes": probes, f"recall@{_LENGTH}": measured}
    faiss.write_index(index, str(folder / INDEX_FILE))
    write_json(folder / FACTS_FILE, facts)
    return facts


def _queries(bundle: Bundle, rng: np.random.Generator) -> TrackLists:
    if bundle.playlists is not None:
        lists = bundle.playlists.tracks
        rows = np.flatnonzero(lists.lengths > 0)
        if len(rows):
            return lists.rows(np.sort(rng.permutation(rows)[:_NUM_QUERIES]))
    num_tracks = len(bundle.track_vectors)
    seeds = [rng.permutation(num_tracks)[:3].tolist() for _ in range(_NUM_QUERIES)]
    return TrackLists.from_lists(seeds)


def _search(
    index: Any, query_vectors: Float32Array, dials: Float32Array, n: int, num_probes: int
) -> Int64Array:
    found: Int64Array = index.search(
        np.column_stack([query_vectors, -dials]),
        n,
        params=_faiss().SearchParametersIVF(nprobe=num_probes),
    )[1]
    return found


def _faiss() -> Any:
    # It reports at level INFO which processor features it looks for and finds.
    logging.getLogger("faiss").setLevel(logging.WARNING)
    with required("an approximate index"):
        import faiss
    return faiss
