"""Whether the vectors that ship lose anything by one more epoch in place of a new training.

    SEGUE_REALDATA=/path/to/folder python benchmarks/refit.py OUT [--k-core 30]

`segue train` measures vectors that saw the training pairs, and ships vectors that saw all pairs.
Whether those are good cannot be measured, as nothing is left to ask. So here the test pairs stay
hidden from both: vectors are trained on the training pairs, with validation choosing the epoch, and
then "refitted" on training and validation pairs, by one more epoch and by a whole new training.
All are asked for the test pairs with training and validation pairs given. OUT/refit.json has
figures and seconds of processor time, on one thread.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from real_playlists import build

from segue.data.playlists import TrackLists
from segue.evaluation.evaluate import evaluate
from segue.evaluation.validation import validation_rows
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.machine import limit_threads, machine
from segue.pipeline.recipes import config_for
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.training.terms import WideConfig
from segue.training.train import TrainResult, train

SHOWN = ("map@10", "recall@20", "recall@300", "ndcg@20")


def with_validation(split: Split) -> tuple[PlaylistGraph, HeldOut]:
    """The training graph with the validation pairs, and the test part asked with them."""
    held_out, tracks = split.validation, split.train.playlists.tracks
    owner = held_out.playlist_index[held_out.targets.list_index()]
    playlist = np.concatenate([tracks.list_index(), owner])
    order = np.argsort(playlist, kind="stable")
    track = np.concatenate([tracks.track_index, held_out.targets.track_index])[order]
    joined = TrackLists.from_lengths(np.bincount(playlist, minlength=len(tracks)), track)
    asked = joined.rows(split.test.playlist_index)
    return split.train.with_tracks(joined), replace(split.test, query=asked, known=asked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--k-core", type=int, default=30)
    options = parser.parse_args()
    limit_threads(1)
    build(options.out, parser, options.k_core)
    split = split_graph(PlaylistGraph.load(options.out / "graph"), SplitRecipe("random"))
    graph, test = with_validation(split)
    config = config_for("lightgcn")
    wide = WideConfig().fit(graph)
    found: dict[str, dict[str, Any]] = {}

    def measured(name: str, make: Any) -> TrainResult:
        started = time.process_time()
        result: TrainResult = make()
        seconds = round(time.process_time() - started, 1)
        vectors = FirstStage(Centroid(result.track_vectors, result.query_weight))
        found[name] = {"seconds": seconds}
        for part, scorer in (("vectors", vectors), ("sum", replace(vectors, further=(wide,)))):
            values = evaluate(scorer, test, graph).values
            found[name][part] = {metric: values[metric] for metric in SHOWN}
            print(name, part, seconds, found[name][part], flush=True)
        return result

    first = measured(
        "measured vectors", lambda: train(split.train, validation_rows(split.validation), config)
    )
    once = replace(config, epochs=1)
    measured(
        "one more epoch on all pairs",
        lambda: train(graph, None, once, parameters=first.parameters),
    )
    measured(
        "trained again on all pairs",
        lambda: train(
            graph,
            None,
            replace(config, epochs=first.history[-1]["epochs"]),
            stop_after=first.best_epoch,
        ),
    )
    facts = {"machine": machine(), "torch": torch.__version__, "split": split.fingerprint}
    write_json(options.out / "refit.json", {**facts, "found": found})


if __name__ == "__main__":
    main()
