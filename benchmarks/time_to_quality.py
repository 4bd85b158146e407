"""Seconds of processor time until each recommender reaches its quality, on one thread.

    SEGUE_REALDATA=/path/to/folder python benchmarks/time_to_quality.py OUT [--k-core 30]
        [--only spectrum,EASE] [--noise-epochs 10]

On the k-core of the real playlists (docs/findings.md), split at random, by the validation part:
closed forms, and Segue's vectors after each epoch, alone and with the wide part, started from the
spectrum of the graph and from noise. Seconds are those of fitting alone, without reading the graph
and without measuring. Writes benchmarks/results/time_to_quality.json, replacing the rows that were
run; on a machine with other work seconds are upper bounds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from real_playlists import build

from segue.baselines import BASELINES
from segue.data.playlists import TrackLists
from segue.evaluation.scorers import Scorer
from segue.evaluation.validation import validate
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.machine import limit_threads, machine
from segue.pipeline.recipes import config_for
from segue.pipeline.tuned import tuned
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.training.config import TrainConfig
from segue.training.terms import WideConfig
from segue.training.train import train
from segue.training.vectors import TrainedVectors

RESULTS = Path(__file__).parent / "results" / "time_to_quality.json"
CLOSED: dict[str, tuple[str, dict[str, Any]]] = {
    "iALS after 3 iterations": ("iALS", {"dim": 128, "iterations": 3}),
    "iALS after 15 iterations": ("iALS", {"dim": 128}),
    "spectral": ("spectral", {"query_exponent": 0.0, "track_exponent": 0.0}),
    "GF-CF with alpha 0.1": ("GF-CF", {"alpha": 0.1}),
    "GF-CF with alpha 0.3": ("GF-CF", {"alpha": 0.3}),
    "SLIM": ("SLIM", {"num_neighbours": 100}),
    "EASE": ("EASE", {"regularization": 300.0}),
}
# A row of the table: its name, seconds so far, and the scorer.
Row = tuple[str, float, Scorer]


def closed_forms(split: Split, names: list[str]) -> Iterator[Row]:
    for name in names:
        if name in CLOSED:
            kind, options = CLOSED[name]
            started = time.process_time()
            scorer = BASELINES[kind](split.train, **options)
            yield name, time.process_time() - started, scorer


def vectors(
    name: str, split: Split, config: TrainConfig, measure: Callable[[str, float, Scorer], float]
) -> None:
    """A training, measured after every epoch without that counting."""
    started = time.process_time()
    wide = WideConfig().fit(split.train)
    of_wide, lost, epoch = time.process_time() - started, 0.0, 0
    from_spectrum = config.start == "spectrum"
    started = time.process_time()

    def judge(found: TrainedVectors, held_out: HeldOut) -> dict[str, float]:
        nonlocal lost, epoch
        before = time.process_time()
        seconds = before - started - lost
        alone = FirstStage(Centroid(found.track_vectors, found.query_weight))
        number = epoch if from_spectrum else epoch + 1
        measure(f"{name}, epoch {number}", seconds, alone)
        both = replace(alone, further=(wide,))
        value = measure(f"{name} and wide part, epoch {number}", seconds + of_wide, both)
        epoch += 1
        lost += time.process_time() - before
        return {"ndcg@20": value}

    train(split.train, split.validation, config, judge=judge)


class Wide:
    """The wide part without vectors."""

    def __init__(self, graph: PlaylistGraph) -> None:
        part = WideConfig().fit(graph)
        vectors = np.zeros((part.num_tracks, 1), dtype=np.float32)
        self._stage = FirstStage(Centroid(vectors, vectors[:, 0]), None, (part,))

    def scores(self, query: TrackLists) -> Any:
        return self._stage.scores(query)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--k-core", type=int, default=30)
    parser.add_argument("--only", help="Names, separated by commas; by default all.")
    parser.add_argument("--noise-epochs", type=int, default=10)
    options = parser.parse_args()
    limit_threads(1)
    build(options.out, parser, options.k_core)
    split = split_graph(PlaylistGraph.load(options.out / "graph"), SplitRecipe("random"))
    answered = np.flatnonzero(split.validation.targets.lengths > 0)
    split = replace(split, validation=split.validation.rows(answered))
    every = [*CLOSED, "wide part", "spectrum", "noise"]
    names = every if options.only is None else options.only.split(",")
    for name in names:
        if name not in every:
            parser.error(f"{name!r} is not known, expected some of {', '.join(every)}")
    key = f"{options.k_core}-core"
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    rows = results.setdefault(key, {"split": split.fingerprint, "rows": {}})["rows"]

    def measure(name: str, seconds: float, scorer: Scorer) -> float:
        values = validate(scorer, split.validation, split.train)
        rows[name] = {"seconds": round(seconds, 2), **values, "commit": machine()["commit"]}
        print(f"{name:40} {seconds:7.1f} s", json.dumps(values), flush=True)
        results[key]["machine"] = {**machine(), "torch": torch.__version__}
        write_json(RESULTS, results)
        return values["ndcg@20"]

    for row in closed_forms(split, names):
        measure(*row)
    if "wide part" in names:
        started = time.process_time()
        scorer = Wide(split.train)
        measure("wide part", time.process_time() - started, scorer)
    if "spectrum" in names:
        vectors("spectrum", split, config_for("lightgcn"), measure)
    if "noise" in names:
        from_noise = {"start": "noise", **tuned("lightgcn"), "epochs": options.noise_epochs}
        vectors("noise", split, config_for("lightgcn", **from_noise), measure)


if __name__ == "__main__":
    main()
