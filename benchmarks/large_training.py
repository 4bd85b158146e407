"""Ways to train on a large collection: quality against processor seconds, on one thread.

    python benchmarks/large_training.py GRAPH NAME [--k-core 10] [--arms A,B] [--rng-seeds 0,1,2]
        [--list]

Each arm trains the default vectors on the k-core of a graph, split as `segue train` splits it; they
are judged with the wide part by up to 4,000 validation playlists, after the last epoch. Seconds are
those of the training alone, with the start from the spectrum, without the wide part and without
measuring. An arm and a seed are one unit: what is in benchmarks/results/large_training.json under
NAME already is not run again. On a machine with other work seconds are upper bounds.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.evaluation.ranking import rank
from segue.evaluation.validation import validation_rows
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split
from segue.machine import limit_threads, machine, peak_memory
from segue.metrics import METRICS
from segue.models.encoder import MessageGraph
from segue.models.readout import CentroidReadout
from segue.pipeline.recipes import config_for
from segue.pipeline.recipes import split as default_split
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.wide import WidePart
from segue.training.config import TrainConfig
from segue.training.objectives import CatalogueSoftmax, PooledSoftmax, SampledSoftmax
from segue.training.terms import WideConfig
from segue.training.train import made_encoder, train
from segue.training.vectors import TrainedVectors, read_out

RESULTS = Path(__file__).parent / "results" / "large_training.json"
FIGURES = ("map@10", "ndcg@20", "recall@20", "recall@300")


@dataclass(frozen=True)
class Arm:
    """A way to train: what differs from the default."""

    fields: dict[str, Any]
    objective: dict[str, Any]
    # Messages are passed only once, when the training is over.
    propagated_at_the_end: bool = False

    def config(self, rng_seed: int) -> TrainConfig:
        default = config_for("lightgcn", rng_seed=rng_seed, **self.fields)
        given = dict(self.objective)
        kind = given.pop("kind", CatalogueSoftmax)
        temperature = default.objective.temperature
        return replace(default, objective=kind(temperature=temperature, **given))


def pool(size: int, power: float = 0.5) -> dict[str, Any]:
    return {"kind": PooledSoftmax, "pool_size": size, "popularity_power": power}


ONE_EPOCH = {"epochs": 1, "batch_size": 1024}
ARMS: dict[str, Arm] = {
    "catalogue": Arm({}, {}),
    **{f"pool of {size}": Arm({}, pool(size)) for size in (512, 1024, 2048, 4096, 8192, 16384)},
    **{f"pool of 2048, power {p:g}": Arm({}, pool(2048, p)) for p in (0.0, 0.25, 0.75, 1.0)},
    **{
        f"pool of 2048, messages of {name} playlists": Arm({"message_share": share}, pool(2048))
        for name, share in (("half the", 0.5), ("a fifth of the", 0.2), ("a tenth of the", 0.1))
    },
    "pool of 2048, no messages": Arm({"num_layers": 0}, pool(2048)),
    "pool of 2048, messages at the end": Arm(
        {"num_layers": 0}, pool(2048), propagated_at_the_end=True
    ),
    "256 negatives of each playlist's own": Arm({}, {"kind": SampledSoftmax}),
    # For larger collections: what an epoch of larger batches brings.
    "one epoch of batches of 1024, catalogue": Arm(ONE_EPOCH, {}),
    "one epoch of batches of 1024, pool of 4096": Arm(ONE_EPOCH, pool(4096)),
    "one epoch of batches of 1024, pool of 4096, messages of a fifth of the playlists": Arm(
        {**ONE_EPOCH, "message_share": 0.2}, pool(4096)
    ),
    "one epoch of batches of 1024, pool of 4096, no messages": Arm(
        {**ONE_EPOCH, "num_layers": 0}, pool(4096)
    ),
}


def trained(arm: Arm, graph: PlaylistGraph, rng_seed: int) -> tuple[TrainedVectors, dict[str, Any]]:
    """The vectors of the last epoch, and what they cost."""
    config = arm.config(rng_seed)
    wall, cpu = time.perf_counter(), time.process_time()
    losses: list[float] = []
    result = train(graph, None, config, on_step=lambda done, total, loss: losses.append(loss))
    vectors: TrainedVectors = result
    if arm.propagated_at_the_end:
        deep = replace(config, num_layers=1)
        network = made_encoder(graph.num_nodes, deep, None)
        readout = CentroidReadout(graph.num_nodes["track"])
        torch.nn.ModuleDict({"encoder": network, "readout": readout}).load_state_dict(
            result.parameters
        )
        messages = MessageGraph.from_graph(graph, deep.relations)
        vectors = read_out(network, readout, messages, deep, 0)
    return vectors, {
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "seconds": round(time.perf_counter() - wall, 1),
        "steps": len(losses),
        "epochs": result.history[-1]["epochs"],
    }


def figures(vectors: TrainedVectors, wide: WidePart, split: Split) -> dict[str, float]:
    centroid = Centroid(vectors.track_vectors, vectors.query_weight)
    rows = validation_rows(split.validation)
    found = rank(FirstStage(centroid, further=(wide,)), rows, split.train, list_length=0)
    return {each.name: round(each.value(found), 5) for each in METRICS if each.name in FIGURES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("name", help="Of the graph in the results.")
    parser.add_argument("--k-core", type=int, default=0)
    parser.add_argument("--arms", help="Separated by ; by default all.")
    parser.add_argument("--rng-seeds", default="0")
    parser.add_argument("--list", action="store_true", help="Print the arms and stop.")
    options = parser.parse_args()
    if options.list:
        print("\n".join(ARMS))
        return
    names = list(ARMS) if options.arms is None else options.arms.split(";")
    for name in names:
        if name not in ARMS:
            parser.error(f"{name!r} is not known; --list prints those that are")
    limit_threads(1)
    graph = PlaylistGraph.load(options.graph)
    if options.k_core:
        graph = graph.k_core(options.k_core)
    split = default_split(graph)
    print(graph, flush=True)
    wide: WidePart | None = None
    for rng_seed in map(int, options.rng_seeds.split(",")):
        for name in names:
            results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            of_graph = results.setdefault(options.name, {"split": split.fingerprint, "units": {}})
            if of_graph["split"] != split.fingerprint:
                parser.error(f"{options.name} is another split in {RESULTS}")
            unit = f"{name}, seed {rng_seed}"
            if unit in of_graph["units"]:
                continue
            vectors, cost = trained(ARMS[name], split.train, rng_seed)
            wide = wide or WideConfig().fit(split.train)
            row = {**figures(vectors, wide, split), **cost, "peak_bytes": peak_memory()}
            of_graph["units"][unit] = {**row, "commit": machine()["commit"]}
            of_graph["graph"] = {
                "num_pairs": graph.playlists.tracks.num_pairs,
                **{kind: int(np.int64(n)) for kind, n in graph.num_nodes.items()},
            }
            of_graph["machine"] = {**machine(), "torch": torch.__version__}
            write_json(RESULTS, results)
            print(f"{unit:60}", json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
