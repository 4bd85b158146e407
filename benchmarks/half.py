"""A bundle whose vectors are in half precision, compared with the same in single precision.

    python benchmarks/half.py BUNDLE GRAPH OUT [--sample 2000]

Writes BUNDLE to OUT both ways. Each is loaded in a process of its own, which asks for 200 lists:
seconds of loading, memory after that, milliseconds a list. Recall and MAP are of the vectors that
were measured, rounded or not, with all else of the system, on a sample of the test playlists; the
share of tracks that both have in their first 10 and 300 is of the lists that ship. Written to
benchmarks/results/half.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import Float32Array
from segue.evaluation.evaluate import evaluate
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.machine import limit_threads, machine, peak_memory
from segue.pipeline.system import SystemScorer
from segue.recommend.recommender import Recommender

RESULTS = Path(__file__).parent / "results" / "half.json"
FIGURES = ("map@10", "recall@20", "recall@300")
_LISTS = 200


def asked(folder: Path) -> None:
    """Load a bundle and ask it; prints what that took, and the lists."""
    limit_threads(1)
    started = time.process_time()
    recommender = Recommender(Bundle.load(folder, verify=False))
    loaded, held = time.process_time() - started, peak_memory()
    ids = recommender.bundle.playlists.ids.to_pylist()
    rows = ids[:: max(1, len(ids) // _LISTS)][:_LISTS]
    recommender.complete(rows[0], 300)
    started = time.process_time()
    lists = [[track.track_id for track in recommender.complete(row, 300).tracks] for row in rows]
    spent = (time.process_time() - started) / len(rows)
    print(json.dumps([round(loaded, 2), held, round(1000 * spent, 2), lists]))


def rounded(bundle: Bundle) -> Bundle:
    """The bundle with the vectors that its metrics belong to rounded."""

    def half(vectors: Float32Array) -> Float32Array:
        return vectors.astype(np.float16).astype(np.float32)

    if bundle.measured is None:
        return replace(bundle, vectors={kind: half(v) for kind, v in bundle.vectors.items()})
    track_vectors = half(bundle.measured.track_vectors)
    return replace(bundle, measured=replace(bundle.measured, track_vectors=track_vectors))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("graph", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--sample", type=int, default=2000)
    options = parser.parse_args()
    if options.out is None:
        asked(options.bundle)
        return
    limit_threads(1)
    bundle = Bundle.load(options.bundle)
    recipe = SplitRecipe(**bundle.split["recipe"])
    split = split_graph(PlaylistGraph.load(options.graph), recipe)
    found: dict[str, dict[str, Any]] = {}
    lists = {}
    for name, half in (("float32", False), ("float16", True)):
        folder = options.out / name
        replace(bundle, half=half).save(folder, overwrite=True)
        done = subprocess.run(
            [sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, check=True
        )
        loaded, held, spent, lists[name] = json.loads(done.stdout)
        scorer = SystemScorer.of_bundle(rounded(bundle) if half else bundle, split)
        values = evaluate(scorer, split.test, split.train, sample=options.sample).values
        found[name] = {
            "bytes_of_the_vectors": (folder / "vectors.safetensors").stat().st_size,
            "bytes_of_the_bundle": sum(path.stat().st_size for path in folder.iterdir()),
            "seconds_to_load": loaded,
            "bytes_after_loading": held,
            "ms_a_list": spent,
            **{metric: round(values[metric], 5) for metric in FIGURES},
        }
        print(name, found[name], flush=True)
    shared = {
        f"share of the first {n} in both": round(
            float(
                np.mean(
                    [
                        len({*one[:n]} & {*other[:n]}) / n
                        for one, other in zip(lists["float32"], lists["float16"], strict=True)
                    ]
                )
            ),
            5,
        )
        for n in (10, 300)
    }
    print(shared)
    facts = {"tracks": bundle.catalog.num_tracks, "dim": bundle.track_vectors.shape[1]}
    write_json(RESULTS, {"machine": machine(), **facts, "ways": found, **shared})


if __name__ == "__main__":
    main()
