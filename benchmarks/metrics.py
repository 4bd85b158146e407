"""The cost of every metric compared with computing the scores, in one run.

    python benchmarks/metrics.py [--graph GRAPH] [--playlists 5000] [--dim 64] [--threads 1]

Prints, per playlist, the CPU time of the matrix product that scores every track, and of the rest of
an evaluation as a ratio to it; then the evaluation's largest parts. CPU time, since other programs
may be running. The vectors are random or, with `--vectors good`, near the leading singular vectors
of the training pairs. Without GRAPH the playlists are random, with Zipf-like popularity.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.evaluation import ranking
from segue.evaluation.evaluate import evaluate
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.metrics import METRICS
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage


def random_graph(num_playlists: int, num_tracks: int) -> PlaylistGraph:
    """Playlists of 10 to 46 tracks."""

    def ids(count: int) -> pa.Array:
        return pa.array([str(i) for i in range(count)], pa.string())

    rng = np.random.default_rng(0)
    odds = 1 / np.arange(1, num_tracks + 1) ** 0.8
    drawn = rng.choice(num_tracks, (num_playlists, 46), p=odds / odds.sum())
    lengths = rng.integers(10, 47, num_playlists)
    lists = [np.unique(row[:n]).tolist() for row, n in zip(drawn, lengths, strict=True)]
    catalog = Catalog.of_columns(
        *(ids(num_tracks), ids(num_tracks), ids(1), ids(1), ids(0), ids(0)),
        np.zeros(num_tracks, dtype=np.int32),
        np.full(num_tracks, -1, dtype=np.int32),
    )
    known = np.zeros(num_playlists, dtype=bool)
    names = ids(num_playlists)
    return PlaylistGraph(Playlists(names, names, known, TrackLists.from_lists(lists)), catalog)


def unit_vectors(train: PlaylistGraph, dim: int, good: bool) -> np.ndarray:
    tracks, num_tracks = train.playlists.tracks, train.catalog.num_tracks
    vectors = np.random.default_rng(0).standard_normal((num_tracks, dim)).astype(np.float32)
    if good:
        value = (1 / np.sqrt(np.maximum(train.popularity, 1))).astype(np.float32)
        pairs = csr_array(
            (value[tracks.track_index], tracks.track_index, tracks.offsets),
            shape=(len(tracks), num_tracks),
        )
        for _ in range(3):
            vectors = np.linalg.qr(pairs.T @ (pairs @ vectors))[0]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


class Clock:
    """CPU seconds spent in some functions, by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            started = time.process_time()
            result = function(*args, **options)
            self.spent[name] = self.spent.get(name, 0.0) + time.process_time() - started
            return result

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graph", type=Path)
    parser.add_argument("--playlists", type=int, default=5000, help="number scored, spread evenly")
    parser.add_argument("--split", default="random", choices=["random", "playlists"])
    parser.add_argument("--vectors", default="random", choices=["random", "good"])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of the product; the rest uses one"
    )
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    graph = PlaylistGraph.load(options.graph) if options.graph else random_graph(40_000, 11_400)
    split = split_graph(graph, SplitRecipe(options.split))
    rows = np.flatnonzero(split.test.targets.lengths)
    held_out = split.test.rows(rows[:: max(1, len(rows) // options.playlists)])
    vectors = unit_vectors(split.train, options.dim, options.vectors == "good")
    scorer = FirstStage(Centroid(vectors, np.ones(len(vectors), dtype=np.float32)))
    best: tuple[float, dict[str, float]] | None = None
    with threadpool_limits(options.threads):
        rank_held_out, top_tracks = ranking.rank_held_out, ranking.top_tracks
        scores = FirstStage.scores
        for _ in range(options.repeats):
            clock = Clock()
            ranking.rank_held_out = clock.of("ranks", rank_held_out)
            ranking.top_tracks = clock.of("lists", top_tracks)
            FirstStage.scores = clock.of("product", scores)
            timed = [
                replace(metric, function=clock.of(metric.name, metric.function))
                for metric in METRICS
            ]
            started = time.process_time()
            found = evaluate(scorer, held_out, split.train, metrics=timed)
            total = time.process_time() - started
            beyond = total - clock.spent["product"]
            if best is None or beyond < best[0]:
                best = beyond, clock.spent
    beyond, spent = best
    count = found.num_scored
    product = spent.pop("product")
    print(
        f"{count} of {len(graph.playlists)} playlists, {graph.catalog.num_tracks} tracks, "
        f"{held_out.targets.num_pairs / count:.1f} to find in each, dim {options.dim}, "
        f"{options.vectors} vectors (AUC {found.values['auc']:.3f}), {options.threads} threads, "
        f"NumPy {np.__version__}, {platform.processor() or platform.machine()}"
    )
    print(f"{'matrix product':16s} {product / count * 1e6:7.1f} µs a playlist")
    print(
        f"{'the rest':16s} {beyond / count * 1e6:7.1f} µs, {beyond / product:.2f} of the product; "
        f"{beyond / count * 50_000:.1f} s for 50,000 playlists"
    )
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:22s} {seconds / count * 1e6:7.1f} µs, {seconds / product:.2f}")


if __name__ == "__main__":
    main()
