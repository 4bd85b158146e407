"""Tunes the options of the architectures on validation, with the same number of trials for each.

    SEGUE_REALDATA=/path/to/folder python benchmarks/tune_encoders.py OUT [--trials 14]
        [--graph GRAPH] [--model NAME]

Takes the 10-core of every fourth of the real playlists (or of a given graph's) and trains each
architecture with the whole-catalogue softmax and vectors of 64 numbers, once for each set of
options that a walk on the grid below tries (see `segue.baselines.tuning.search`); GAT with sampled
neighbourhoods. The criterion is nDCG@20 on validation; the test part is never used. Each finished
trial is a line of OUT/NAME.jsonl, so that an interrupted run resumes, and several architectures may
run at once, each with its --model. OUT/encoders.json summarises finished trials.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from real_playlists import build

from segue.baselines.tuning import Options, Trial, TrialsFile, search
from segue.data.playlists import Playlists
from segue.evaluation.validation import BEST_BY, validation_rows
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.training.config import TrainConfig
from segue.training.objectives import CatalogueSoftmax
from segue.training.train import train

EVERY, K_CORE = 4, 10
DIM, EPOCHS, VALIDATE_EVERY = 64, 20, 4
FANOUT = {"gat": 10}
RATES = {"learning_rate": (0.005, 0.0025, 0.01, 0.02)}
TRANSFORMS = RATES | {"transform_rate": (0.1, 0.01, 0.03, 0.3, 1.0)}
SCALES = {"relation_weight": (0.5, 0.25, 1.0, 2.0, 4.0, 8.0)}
SPACES = {
    "lightgcn": RATES | SCALES | {"num_layers": (2, 1, 3)},
    "gcn": TRANSFORMS | {"relation_weight": (30.0, 3.0, 10.0, 100.0)},
    "graphsage": TRANSFORMS | SCALES,
    "gat": TRANSFORMS | SCALES | {"num_heads": (1, 2, 4)},
    "rgcn": TRANSFORMS | SCALES | {"num_bases": (2, 1, 4)},
}


def part_of(graph: PlaylistGraph) -> PlaylistGraph:
    """A part small enough that a training takes seconds."""
    rows, old = np.arange(0, len(graph.playlists), EVERY), graph.playlists
    some = Playlists(
        old.ids.take(rows), old.titles.take(rows), old.order_known[rows], old.tracks.rows(rows)
    )
    return PlaylistGraph(some, graph.catalog).k_core(K_CORE)


def measure(name: str, split: Split, options: Options) -> Trial:
    """One training, at its best epoch."""
    own: dict[str, Any] = dict(options)
    shared = {key: own.pop(key) for key in ("learning_rate", "num_layers") if key in own}
    if name in FANOUT:
        own["fanout"] = FANOUT[name]
    config = TrainConfig(
        model=name, dim=DIM, epochs=EPOCHS, validate_every=VALIDATE_EVERY, options=own, **shared
    )
    started = time.perf_counter()
    result = train(
        split.train,
        validation_rows(split.validation),
        config,
    )
    best = result.history[result.best_epoch - 1]
    validation = {metric: best[metric] for metric in ("recall@20", "recall@300", BEST_BY, "auc")}
    return Trial(options, validation, round(time.perf_counter() - started, 3))


def summary(out: Path, graph: PlaylistGraph, split: Split) -> dict[str, Any]:
    """A summary of all trials on this split."""
    encoders = {}
    for name, space in SPACES.items():
        path = out / f"{name}.jsonl"
        entries = (
            [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        )
        trials = [
            {key: entry[key] for key in ("options", "validation", "seconds")}
            for entry in entries
            if entry["split"] == split.fingerprint
        ]
        if trials:
            best = max(trials, key=lambda trial: trial["validation"][BEST_BY])
            encoders[name] = {"space": space, "best": best, "trials": trials}
    return {
        "graph": graph.num_nodes,
        "processor": platform.processor() or platform.machine(),
        "training": {
            "dim": DIM,
            "epochs": EPOCHS,
            "objective": CatalogueSoftmax.name,
            "fanout": FANOUT,
        },
        "encoders": encoders,
    }


def table(figures: dict[str, Any]) -> str:
    """Markdown: the first trial of each architecture and its best."""
    metrics = (BEST_BY, "recall@20", "recall@300")
    lines = ["| | trials | first | " + " | ".join(metrics) + " | options | seconds |"]
    lines.append("|---" * (6 + len(metrics)) + "|")
    for name, found in figures["encoders"].items():
        first, best = found["trials"][0]["validation"], found["best"]
        values = [first[BEST_BY], *(best["validation"][metric] for metric in metrics)]
        cells = " | ".join(f"{value:.4f}".removeprefix("0") for value in values)
        options = ", ".join(f"{option} {value:g}" for option, value in best["options"].items())
        lines.append(
            f"| {name} | {len(found['trials'])} | {cells} | {options} | {best['seconds']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--graph", type=Path)
    parser.add_argument("--trials", type=int, default=14)
    parser.add_argument("--model", choices=SPACES, action="append")
    options = parser.parse_args()
    out = options.out
    if options.graph is None:
        build(out, parser)
    out.mkdir(parents=True, exist_ok=True)
    graph = part_of(PlaylistGraph.load(options.graph or out / "graph"))
    split = split_graph(graph, SplitRecipe())

    for name in options.model or SPACES:
        finished = TrialsFile(out / f"{name}.jsonl")

        def trial(point: Options, name: str = name, finished: TrialsFile = finished) -> Trial:
            made = finished.trial(split, name, point, partial(measure, name, split))
            print(name, point, made.validation, f"{made.seconds:.0f} s", flush=True)
            return made

        search(SPACES[name], options.trials, trial)
    figures = summary(out, graph, split)
    write_json(out / "encoders.json", figures)
    print(table(figures))


if __name__ == "__main__":
    main()
