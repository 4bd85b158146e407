"""The wide part with neighbours from blocks of tracks, compared with neighbours from all.

    [SEGUE_REALDATA=/path/to/folder] python benchmarks/wide_part.py OUT
        [--k-core 0] [--generated 0] [--ways whole,2000/200]

Builds the graph of the real playlists in playlists-50k.zip, or of so many generated ones, or its
k-core, holds out tracks as benchmarks/real_playlists.py does, and fits the wide part in each way:
`whole`, one matrix of all tracks, or with supports and blocks of at most so many tracks. Each fit
runs in a process of its own; its figures are CPU seconds, seconds a track, peak memory beyond what
the process held before, and the metrics of the wide part alone on the test tracks. Written to
benchmarks/results/wide_part.json under the name of the collection.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from real_playlists import segue
from threadpoolctl import threadpool_limits

from segue.baselines.cooccurrence import pair_matrix
from segue.data.playlists import Float32Array, TrackLists
from segue.evaluation.evaluate import evaluate
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.machine import machine, peak_memory
from segue.scoring.wide import WidePart
from segue.training.terms import WideConfig

RESULTS = Path(__file__).parent / "results" / "wide_part.json"
SHOWN = ("map@10", "ndcg@20", "recall@20", "recall@300", "coverage@20")


class WideAlone:
    """Scores by the wide part, without vectors."""

    def __init__(self, part: WidePart) -> None:
        self.matrix = part.matrix

    def scores(self, query: TrackLists) -> Float32Array:
        lists = pair_matrix(query, self.matrix.shape[0])
        dense: Float32Array = (lists @ self.matrix).toarray()
        return dense


def config_of(way: str, num_tracks: int) -> WideConfig:
    if way == "whole":
        return WideConfig(max_tracks=num_tracks, support_size=num_tracks)
    support, block = map(int, way.split("/"))
    return WideConfig(max_tracks=num_tracks, support_size=support, block_size=block)


def measured(graph: PlaylistGraph, way: str, max_playlists: int) -> dict[str, Any]:
    """Fit in one way and measure it."""
    split = split_graph(graph, SplitRecipe("mixed"))
    config = config_of(way, graph.catalog.num_tracks)
    before, started = peak_memory() or 0, time.process_time()
    part = config.fit(split.train)
    seconds = time.process_time() - started
    peak = (peak_memory() or 0) - before
    num_scored = int((split.test.targets.lengths > 0).sum())
    rows = slice(None, None, max(1, -(-num_scored // max_playlists)))
    test = split.test.rows((split.test.targets.lengths > 0).nonzero()[0][rows])
    values = evaluate(WideAlone(part), test, split.train).values
    return {
        "cpu_seconds": round(seconds, 2),
        "milliseconds_a_track": round(1000 * seconds / part.num_tracks, 3),
        "peak_bytes": peak,
        "estimated_bytes": config.memory(split.train),
        "num_weights": len(part.weight),
        "num_tracks": part.num_tracks,
        "num_pairs": split.train.playlists.tracks.num_pairs,
        "num_playlists": len(test.query),
        "values": {name: values[name] for name in SHOWN},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--k-core", type=int, default=0)
    parser.add_argument("--generated", type=int, default=0, metavar="PLAYLISTS")
    parser.add_argument("--ways", default="whole,2000/200")
    parser.add_argument("--playlists", type=int, default=10_000, help="measured, at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", metavar="WAY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    name = f"{options.generated} generated" if options.generated else "real"
    name += f", {options.k_core}-core" if options.k_core else ""
    folder = options.out / name.replace(", ", "-").replace(" ", "-")
    if options.one:
        with threadpool_limits(options.threads):
            graph = PlaylistGraph.load(folder)
            print(json.dumps(measured(graph, options.one, options.playlists)))
        return
    if not folder.exists():
        source = options.out / f"slices-{options.generated}"
        if not options.generated:
            if "SEGUE_REALDATA" not in os.environ:
                parser.error("SEGUE_REALDATA must name the folder that holds playlists-50k.zip")
            source = Path(os.environ["SEGUE_REALDATA"], "playlists-50k.zip")
        elif not source.exists():
            segue("generate", "--playlists", options.generated, "--out", source)
        segue("build", source, "--out", folder, "--k-core", options.k_core)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for way in options.ways.split(","):
        ran = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--one", way],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found = json.loads(ran.stdout)
        results.setdefault(name, {})[way] = found | {"machine": machine()}
        print(way, json.dumps(found), flush=True)
        write_json(RESULTS, results)


if __name__ == "__main__":
    main()
