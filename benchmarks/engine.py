"""Speed of the recommendation engine, relative to floors timed in the same run.

    python benchmarks/engine.py [--tracks 2260000] [--dim 64] [--threads 1] [--only small]

At the size of the whole Million Playlist Dataset, vectors drawn around 4,000 random directions:
one exact query compared with one read of all vectors, the same with one track excluded (and its
memory compared with the vectors), a batch of 1,000 compared with the matrix product alone (and its
memory compared with all scores), and the approximate index compared with the exact search. Then, on
10,000 generated playlists' 10-core, a completion with reasons, and what a title costs a request
beside one song, compared with a second song.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from segue.bundle import Bundle
from segue.data.playlists import Catalog, Float32Array, TrackLists
from segue.data.reading import read as read_source
from segue.data.title_words import with_title_words
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.recommend.filters import Filters
from segue.recommend.recommender import Recommender
from segue.scoring.best import best_tracks
from segue.scoring.centroid import Centroid
from segue.synthetic.generate import generate
from segue.training.word_odds import WordOddsConfig

BATCH = 1000


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """The median of several runs after one warm-up."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def clustered(num_tracks: int, dim: int, rng: np.random.Generator) -> Float32Array:
    """Unit vectors around random directions: float32 [num_tracks, dim]."""
    centres = rng.normal(size=(4000, dim)).astype(np.float32)
    vectors = rng.standard_normal((num_tracks, dim), dtype=np.float32)
    vectors += 1.5 * centres[rng.integers(0, len(centres), num_tracks)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def bundle_of(vectors: Float32Array, rng: np.random.Generator) -> Bundle:
    """A bundle with only tracks."""
    num_tracks, dim = vectors.shape
    ids = pa.array(np.arange(num_tracks).astype(str))
    nothing, none = pa.array([], pa.string()), np.full(num_tracks, -1, dtype=np.int32)
    return Bundle(
        catalog=Catalog.of_columns(ids, ids, nothing, nothing, nothing, nothing, none, none),
        vectors={"track": vectors, "artist": np.zeros((0, dim), dtype=np.float32)},
        query_weight=np.ones(num_tracks, dtype=np.float32),
        popularity=rng.zipf(1.6, num_tracks).clip(max=50_000).astype(np.int64),
        playlists=None,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )


def large(num_tracks: int, dim: int, with_ann: bool) -> dict[str, Any]:
    """One query and many over a large catalogue."""
    rng = np.random.default_rng(0)
    vectors = clustered(num_tracks, dim, rng)
    held = [rng.choice(num_tracks, 50, replace=False).tolist() for _ in range(BATCH)]
    excluded = TrackLists.from_lists(held)
    queries = vectors[rng.integers(0, num_tracks, BATCH)]
    queries += 0.3 * vectors[rng.integers(0, num_tracks, BATCH)]
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    flat = vectors.ravel()
    found: dict[str, Any] = {"tracks": num_tracks, "dim": dim}

    centroid = Centroid(vectors, np.ones(num_tracks, dtype=np.float32))

    def best(number: int) -> None:
        best_tracks(
            lambda scores, tracks: centroid.add_to(scores, tracks, queries[:number]),
            num_tracks,
            excluded.rows(slice(0, number)),
            10,
        )

    read = seconds(lambda: flat @ flat, 9)
    exact = seconds(lambda: best(1), 9)
    found["one exact query"] = {"ms": 1e3 * exact, "read of all vectors": exact / read}
    bundle = bundle_of(vectors, rng)
    found["one track excluded"] = without_one(bundle, excluded.rows(slice(0, 1)), read)

    tile = 16_384
    buffer = np.empty((BATCH, tile), dtype=np.float32)

    def product() -> None:
        for start in range(0, num_tracks, tile):
            part = vectors[start : start + tile]
            np.matmul(queries, part.T, out=buffer[:, : len(part)])

    alone = seconds(product, 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    batch = seconds(lambda: best(BATCH), 3)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    found["batch of 1,000"] = {
        "s": batch,
        "matrix product alone": batch / alone,
        "MiB more memory": grown / 1024,
        "MiB of all scores": 4 * BATCH * num_tracks / 2**20,
    }
    if with_ann:
        found["index"] = index(bundle, queries, exact)
    return found


def without_one(bundle: Bundle, query: TrackLists, read: float) -> dict[str, float]:
    """A list of ten with one track excluded."""
    recommender = Recommender(bundle)
    filters = Filters(exclude_tracks=["7"])
    recommender.rank(query, 10)  # builds what is shared by all lists
    plain = seconds(lambda: recommender.rank(query, 10), 9)
    taken = seconds(lambda: recommender.rank(query, 10, filters=filters), 9)
    tracemalloc.start()
    recommender.rank(query, 10, filters=filters)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "ms": 1e3 * taken,
        "read of all vectors": taken / read,
        "without a filter": taken / plain,
        "MiB more memory": peak / 2**20,
        "MiB of all vectors": bundle.track_vectors.nbytes / 2**20,
    }


def index(bundle: Bundle, queries: Float32Array, exact: float) -> dict[str, Any]:
    """The approximate index: build time, recall, speed."""
    from segue.scoring.ann import INDEX_FILE, write_ann

    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        ann = write_ann(bundle, Path(name))
        built = time.perf_counter() - started
        size = (Path(name) / INDEX_FILE).stat().st_size
        recommender = Recommender(bundle, ann=ann)
        some = iter(np.tile(np.arange(len(queries)), 9))

        def ask() -> None:
            row = next(some)
            recommender.rank(TrackLists.from_lists([[row, row + 1, row + 2]]), 10)

        one = seconds(ask, 300)
    return {
        "built in s": built,
        "MiB": size / 2**20,
        "cells": ann.num_cells,
        "searched": ann.num_probes.tolist(),
        "recall@100": ann.recall.tolist(),
        "ms a query": 1e3 * one,
        "exact query": one / exact,
    }


def small(dim: int) -> dict[str, Any]:
    """A completion with reasons, with a catalogue of about 12,000 tracks."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        generate(Path(name, "slices"), 10_000, rng_seed=0)
        found = read_source(Path(name, "slices"))
    core = PlaylistGraph(found.playlists, found.catalog, {}).k_core(10)
    graph = PlaylistGraph(*with_title_words(core.playlists, core.catalog), {})
    num_tracks, num_artists = graph.catalog.num_tracks, len(graph.catalog.artists)
    num_words = len(graph.catalog.nodes["word"])
    vectors = clustered(num_tracks + num_artists + num_words, dim, rng)
    bundle = Bundle(
        catalog=graph.catalog,
        vectors={
            "track": vectors[:num_tracks],
            "artist": vectors[num_tracks : num_tracks + num_artists],
            "word": vectors[num_tracks + num_artists :],
        },
        query_weight=np.ones(num_tracks, dtype=np.float32),
        popularity=graph.popularity.astype(np.int64),
        playlists=graph.playlists,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
        word_weight=np.ones(num_words, dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
        terms={"words": WordOddsConfig().fit(graph).arrays()},
    )
    recommender = Recommender(bundle)
    found: dict[str, Any] = {"tracks": num_tracks, "playlists": len(graph.playlists.tracks)}
    flat = bundle.track_vectors.ravel()
    read = seconds(lambda: flat @ flat, 99)
    for what, options in (("completion", {}), ("completion with reasons", {"reasons": True})):
        some = iter([str(playlist) for playlist in graph.playlists.ids[:1001]])
        one = seconds(lambda: recommender.complete(next(some), 10, **options), 1000)  # noqa: B023
        found[what] = {"ms": 1e3 * one, "read of all vectors": one / read}
    return found | {"a title": with_title(recommender)}


def with_title(recommender: Recommender) -> dict[str, float]:
    """A list for one song, with a second one or with a title of two words; and for a title alone.

    Medians of processor time, of calls in turn: what else the machine does troubles all alike.
    """
    ids = recommender.bundle.catalog.track_ids[:601].to_pylist()
    title = "Country vibes"
    asked = {
        "one song": lambda at: recommender.vibe(ids[at : at + 1], 10),
        "two songs": lambda at: recommender.vibe(ids[at : at + 2], 10),
        "one song and a title": lambda at: recommender.vibe(ids[at : at + 1], 10, title=title),
        "a title alone": lambda at: recommender.vibe([], 10, title=title),
    }
    times: dict[str, list[float]] = {name: [] for name in asked}
    for at in range(600):
        for name, ask in asked.items():
            started = time.process_time()
            ask(at)
            times[name].append(time.process_time() - started)
    return {f"CPU ms, {name}": 1e3 * float(np.median(each)) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tracks", type=int, default=2_260_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-ann", action="store_true")
    parser.add_argument("--only", choices=("small", "large"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threadpool_limits(limits=options.threads)
    found: dict[str, Any] = {"threads": options.threads}
    if options.only != "large":
        found["small"] = small(options.dim)
    if options.only != "small":
        found["large"] = large(options.tracks, options.dim, not options.no_ann)
    if options.json:
        write_json(options.json, found)
    for part in ("small", "large"):
        for what, value in found.get(part, {}).items():
            if isinstance(value, dict):
                value = ", ".join(
                    f"{name} {one:.3g}" if isinstance(one, float) else f"{name} {one}"
                    for name, one in value.items()
                )
            print(f"{part}: {what}: {value}", flush=True)


if __name__ == "__main__":
    main()
