"""What a GPU makes of the training: every encoder and objective, a full-size layer and epoch.

    python benchmarks/gpu.py [--device cuda] [--parts grid,layer,steps,quality] [--minutes 9]
        [--playlists 1000000] [--tracks 2262292] [--pairs 66346428] [--bandwidth 4.3e12]

- grid: two steps of each encoder with each objective, on a small drawn graph; the loss of the first
  on the device beside that on the CPU.
- layer: one LightGCN layer of 64 numbers over a drawn graph of full size, there and back; edges a
  second, beside the least time in which a vector can be read for each edge and direction.
- steps: the training that `segue train` chooses for that graph: seconds of a step and of an epoch,
  and the highest memory of the device.
- quality: generated playlists, their 10-core: validation after each epoch by seconds on the clock.

A part begins only if the minutes are not over; each is written to benchmarks/results/gpu.json, by
the name of the device, as soon as it is done. A try on a CPU: ``--device cpu --playlists 2000
--tracks 5000 --pairs 60000 --generated 300``.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from large_graph import random_graph

from segue.evaluation.validation import validation_rows
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.machine import machine, peak_memory
from segue.models import ENCODERS
from segue.models.encoder import MessageGraph
from segue.models.lightgcn import LightGCN
from segue.pipeline.build import build
from segue.pipeline.recipes import config_for
from segue.pipeline.sizing import for_size
from segue.synthetic.generate import generate
from segue.training.config import SystemConfig, TrainConfig
from segue.training.draws import FOR_VECTORS, generator
from segue.training.objectives import OBJECTIVES, Triples
from segue.training.timing import time_steps
from segue.training.train import train

RESULTS = Path(__file__).parent / "results" / "gpu.json"
SMALL = 400, 900, 9_000
DIM, REPEATS = 64, 5


class Clock:
    """Seconds, when all that the device was given is done."""

    def __init__(self, device: str) -> None:
        self.wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None

    def __call__(self) -> float:
        self.wait()
        return time.perf_counter()


class EnoughError(Exception):
    """A few steps are enough."""


def losses(graph: PlaylistGraph, config: TrainConfig, device: str) -> list[float]:
    """Of the first two steps."""
    found: list[float] = []

    def step(done: int, total: int, loss: float) -> None:
        found.append(loss)
        if done == 2:
            raise EnoughError

    with suppress(EnoughError):
        train(graph, None, config, device=device, on_step=step)
    return found


def grid(given: argparse.Namespace) -> dict[str, Any]:
    graph = random_graph(*SMALL)
    found = {}
    for model in ENCODERS:
        for name, kind in OBJECTIVES.items():
            triples = kind is Triples
            if triples and model not in ("lightgcn", "gcn"):
                continue  # only these have vectors of playlists for it
            config = TrainConfig(
                model=model, objective=kind(), dim=16, epochs=2, batch_size=100,
                relations=() if triples else ("artist",),
                readout="node" if triples else "centroid",
                options={"playlist_vectors": True} if triples else {},
            )  # fmt: skip
            started = time.perf_counter()
            ours = losses(graph, config, given.device)
            seconds = time.perf_counter() - started
            cpu = losses(graph, config, "cpu")
            found[f"{model}, {name}"] = {
                "seconds": round(seconds, 2),
                "loss": ours[0],
                "difference from the CPU's": abs(ours[0] - cpu[0]),
                "after a step": abs(ours[1] - cpu[1]),
            }
            print(f"{model}, {name}", found[f"{model}, {name}"], flush=True)
    return found


def drawn(given: argparse.Namespace) -> PlaylistGraph:
    """The large graph, drawn once."""
    if given.graph is None:
        given.graph = random_graph(given.playlists, given.tracks, given.pairs)
    return given.graph


def layer(given: argparse.Namespace) -> dict[str, Any]:
    clock, graph = Clock(given.device), drawn(given)
    message_graph = MessageGraph.from_graph(graph, (), given.device)
    encoder = LightGCN(
        graph.num_nodes, (), dim=DIM, num_layers=1, initial_std=0.1, rng=generator(0, FOR_VECTORS)
    ).to(given.device)
    taken = []
    for _ in range(REPEATS + 1):
        started = clock()
        encoder(message_graph)["track"].sum().backward()
        taken.append(clock() - started)
        encoder.zero_grad()
    # Playlists from their tracks and tracks from their playlists, and the same for gradients.
    edges = 4 * graph.playlists.tracks.num_pairs
    seconds = min(taken[1:])
    floor = edges * DIM * 4 / given.bandwidth
    return {
        "pairs": graph.playlists.tracks.num_pairs,
        "seconds": seconds,
        "edges a second": edges / seconds,
        "floor": floor,
        "times the floor": seconds / floor,
    }


def steps(given: argparse.Namespace) -> dict[str, Any]:
    split = split_graph(drawn(given), SplitRecipe("random", 0.0, 0.0))
    config, said = for_size(config_for("lightgcn"), split, SystemConfig(), ())
    print(*said, sep="\n", flush=True)
    if given.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    times = time_steps(
        split.train, replace(config, start="noise"), given.device, clock=Clock(given.device)
    )
    steps_an_epoch = times.num_steps // times.epochs
    return {
        "seconds a step": times.seconds,
        "seconds an epoch": times.seconds * steps_an_epoch,
        "seconds before": times.preparing,
        "steps an epoch": steps_an_epoch,
        "objective": config.objective.name,
        "batch_size": config.batch_size,
        "dim": config.dim,
        "memory of the device": (
            torch.cuda.max_memory_allocated() if given.device.startswith("cuda") else None
        ),
    }


def quality(given: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        generate(data, given.generated, processes=os.cpu_count() or 1)
        graph = build(data, k_core=10 if given.generated >= 10_000 else 2)
    split = split_graph(graph, SplitRecipe("random"))
    result = train(
        split.train, validation_rows(split.validation), config_for("lightgcn"),
        device=given.device,
    )  # fmt: skip
    shown = ("epoch", "seconds", "ndcg@20", "recall@20", "recall@300")
    curve = [{name: entry[name] for name in shown} for entry in result.history]
    return {"pairs": graph.playlists.tracks.num_pairs, "curve": curve}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    part.__name__: part for part in (grid, layer, steps, quality)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--playlists", type=int, default=1_000_000)
    parser.add_argument("--tracks", type=int, default=2_262_292)
    parser.add_argument("--pairs", type=int, default=66_346_428)
    parser.add_argument("--generated", type=int, default=10_000, help="playlists for quality")
    parser.add_argument("--bandwidth", type=float, default=4.3e12, help="bytes a second")
    parser.add_argument("--json", type=Path, default=RESULTS)
    given = parser.parse_args()
    given.graph = None
    begun = time.perf_counter()
    name = torch.cuda.get_device_name() if given.device.startswith("cuda") else "CPU"
    for part in given.parts.split(","):
        if part not in PARTS:
            parser.error(f"{part!r} is no part, expected some of {', '.join(PARTS)}")
        if time.perf_counter() - begun > 60 * given.minutes:
            print(f"{part}: left out, the time is over", flush=True)
            continue
        started = time.perf_counter()
        found = PARTS[part](given)
        found = {"found": found, "seconds in all": round(time.perf_counter() - started, 1)}
        results = json.loads(given.json.read_text()) if given.json.exists() else {}
        of_device = results.setdefault(name, {})
        of_device[part] = {**found, "commit": machine()["commit"]}
        of_device["machine"] = {**machine(), "peak_bytes": peak_memory()}
        write_json(given.json, results)
        print(part, json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
