"""What the stages of a training cost at the size of the Million Playlist Dataset.

    python benchmarks/large_steps.py [--playlists 1000000] [--tracks 400000] [--pairs 60000000]
        [--stages start,steps,wide] [--threads 1]

The graph is drawn at random (benchmarks/large_graph.py): times and memory are those of a real one
of that size, quality says nothing. Each stage is a process of its own, so that its memory is its
own; that of the graph is stated, too. `start` finds the spectrum; `steps` times a few steps as
`segue train` chooses them; `wide` times the regressions of the first blocks of tracks. Seconds of a
step and of a block are processor seconds. Written to benchmarks/results/large_steps.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from large_graph import random_graph

from segue.baselines.ease import rows_with_side_information
from segue.baselines.neighbourhoods import neighbourhoods
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.machine import limit_threads, machine, peak_memory
from segue.pipeline.recipes import config_for
from segue.pipeline.sizing import for_size
from segue.training.config import SystemConfig, TrainConfig, default_epochs
from segue.training.footprint import PAIR_BYTES, footprint
from segue.training.start import spectral_start
from segue.training.terms import WideConfig
from segue.training.timing import time_steps

RESULTS = Path(__file__).parent / "results" / "large_steps.json"
# Blocks of tracks whose regressions are timed.
_TIMED_BLOCKS = 20


def start(split: Split, config: TrainConfig, threads: int) -> dict[str, Any]:
    spectral_start(split.train, config.relations, config.dim, config.initial_std)
    return {}


def steps(split: Split, config: TrainConfig, threads: int) -> dict[str, Any]:
    # From noise: the spectrum is a stage of its own.
    times = time_steps(split.train, replace(config, start="noise"), clock=time.process_time)
    epochs = default_epochs(len(split.train.playlists), config.batch_size, config.start)
    taken = footprint(split.train, config)
    num_edges = split.train.playlists.tracks.num_pairs + sum(
        split.train.relation(kind).num_edges for kind in config.relations
    )
    # Parameters and Adam's two moments; the edges in both directions.
    least = 3 * 4 * taken.num_parameters + PAIR_BYTES * num_edges
    return {
        "cpu_seconds_a_step": round(times.seconds, 2),
        "cpu_seconds_before": round(times.preparing, 1),
        "steps": -(-len(split.train.playlists) // config.batch_size) * epochs,
        "epochs": epochs,
        "reckoned": {**vars(taken), "total": taken.total},
        "parameters, moments and edges": least,
        "peak_bytes by these": round((peak_memory() or 0) / least, 2),
        "objective": config.objective.name,
        "batch_size": config.batch_size,
        "dim": config.dim,
    }


def wide(split: Split, config: TrainConfig, threads: int) -> dict[str, Any]:
    part = WideConfig()
    rows = rows_with_side_information(
        split.train, artist_weight=part.artist_weight, album_weight=part.album_weight
    )
    began, last, num_tracks, spent = time.process_time(), 0.0, 0, []
    for number, some in enumerate(
        neighbourhoods(
            rows,
            part.num_neighbours,
            part.regularization,
            block_size=part.block_size,
            support_size=part.support_size,
            threads=threads,
        )
    ):
        ridge = np.float32(part.regularization) * np.eye(some.near.shape[1], dtype=np.float32)
        np.linalg.solve(some.gram + ridge, some.toward[:, :, None])
        now = time.process_time() - began
        spent.append(now - last)
        last, num_tracks = now, num_tracks + len(some.tracks)
        if number == _TIMED_BLOCKS:
            break
    of_block = float(np.mean(spent[1:]))
    num_blocks = split.train.num_nodes["track"] / (num_tracks / len(spent))
    return {
        "cpu_seconds_a_block": round(of_block, 3),
        "cpu_seconds_before": round(spent[0] - of_block, 1),
        "blocks": round(num_blocks),
    }


STAGES: dict[str, Callable[[Split, TrainConfig, int], dict[str, Any]]] = {
    "start": start,
    "steps": steps,
    "wide": wide,
}


def measured(name: str, graph: PlaylistGraph, threads: int) -> dict[str, Any]:
    """Of one stage, in this process."""
    split = split_graph(graph, SplitRecipe("random", 0.0, 0.0))
    system = SystemConfig({"wide": WideConfig()})
    config, said = for_size(config_for("lightgcn"), split, system, ())
    print(*said, sep="\n", file=sys.stderr)
    before = peak_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    found = STAGES[name](split, config, threads)
    return {
        **found,
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "threads": threads,
        "peak_bytes": peak_memory(),
        "peak_bytes_of_the_graph": before,
        "commit": machine()["commit"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--playlists", type=int, default=1_000_000)
    parser.add_argument("--tracks", type=int, default=400_000)
    parser.add_argument("--pairs", type=int, default=60_000_000)
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=tuple(STAGES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = options.playlists, options.tracks, options.pairs
    if options.only:
        limit_threads(options.threads)
        print(json.dumps(measured(options.only, random_graph(*size), options.threads)))
        return
    for name in options.stages.split(","):
        done = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--only", name],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found = json.loads(done.stdout)
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        key = "{:,} playlists, {:,} tracks, {:,} pairs drawn".format(*size)
        of_size = results.setdefault(key, {"stages": {}})
        of_size["stages"][name] = found
        of_size["machine"] = {**machine(), "torch": torch.__version__}
        write_json(RESULTS, results)
        print(name, found, flush=True)


if __name__ == "__main__":
    main()
