"""k-core, split and fingerprint of a graph as large as the Million Playlist Dataset: time, memory.

    python benchmarks/large_graph.py [--playlists 1000000] [--tracks 2262292] [--pairs 66346428]

The graph is random, with lengths and popularity that vary as the dataset's do, an artist and an
album for each track. Stages run one after the other in one process; the memory of each is the
process's peak so far. Written to benchmarks/results/large_graph.json. At full size it takes about
five minutes and 8 GB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from segue.data.csr import offsets_of
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.machine import machine, peak_memory

RESULTS = Path(__file__).parent / "results" / "large_graph.json"
_Result = TypeVar("_Result")


def random_tracks(
    num_playlists: int, num_tracks: int, num_pairs: int, rng: np.random.Generator
) -> TrackLists:
    """Lists whose lengths are log-normal and whose tracks follow a power law."""
    lengths = rng.lognormal(0, 0.85, num_playlists)
    lengths = np.clip(lengths * num_pairs / lengths.sum(), 5, 250).astype(np.int64)
    track = rng.random(int(lengths.sum()), dtype=np.float32)
    track **= 4
    track *= num_tracks
    index = np.minimum(track.astype(np.int32), num_tracks - 1)
    del track
    playlist = np.repeat(np.arange(num_playlists), lengths)
    key = playlist * num_tracks + index
    order = np.argsort(key, kind="stable")
    once = np.ones(len(key), dtype=bool)
    once[order[1:]] = key[order[1:]] != key[order[:-1]]
    lengths = np.bincount(playlist[once], minlength=num_playlists)
    return TrackLists(offsets_of(lengths), index[once])


def random_graph(num_playlists: int, num_tracks: int, num_pairs: int) -> PlaylistGraph:
    rng = np.random.default_rng(0)
    tracks = random_tracks(num_playlists, num_tracks, num_pairs, rng)

    def ids(count: int) -> pa.Array:
        return pa.array(np.arange(count)).cast(pa.string())

    num_artists, num_albums = num_tracks // 8, num_tracks // 3
    catalog = Catalog.of_columns(
        track_ids=ids(num_tracks),
        track_names=ids(num_tracks),
        artist_ids=ids(num_artists),
        artist_names=ids(num_artists),
        album_ids=ids(num_albums),
        album_names=ids(num_albums),
        main_artist=rng.integers(num_artists, size=num_tracks, dtype=np.int32),
        main_album=rng.integers(num_albums, size=num_tracks, dtype=np.int32),
    )
    playlists = Playlists(
        ids(num_playlists), ids(num_playlists), np.ones(num_playlists, dtype=bool), tracks
    )
    return PlaylistGraph(playlists, catalog)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--playlists", type=int, default=1_000_000)
    parser.add_argument("--tracks", type=int, default=2_262_292)
    parser.add_argument("--pairs", type=int, default=66_346_428)
    options = parser.parse_args()
    stages: dict[str, dict[str, Any]] = {}

    def timed(name: str, make: Callable[[], _Result]) -> _Result:
        wall, cpu = time.perf_counter(), time.process_time()
        made = make()
        stages[name] = {
            "seconds": round(time.perf_counter() - wall, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "peak_bytes": peak_memory(),
        }
        print(name, stages[name], flush=True)
        return made

    graph = timed("draw", lambda: random_graph(options.playlists, options.tracks, options.pairs))
    timed("fingerprint", lambda: graph.fingerprint)
    core = timed("10-core", lambda: graph.k_core(10))
    print(core, flush=True)
    del core
    for kind in ("mixed", "random"):
        split = timed(f"split, {kind}", lambda kind=kind: split_graph(graph, SplitRecipe(kind)))
        timed(f"fingerprint of the split, {kind}", lambda split=split: split.fingerprint)
        del split
    facts = {"num_pairs": graph.playlists.tracks.num_pairs, **graph.num_nodes}
    write_json(RESULTS, {"machine": machine(), "graph": facts, "stages": stages})


if __name__ == "__main__":
    main()
