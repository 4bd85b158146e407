"""LightGCN by its published recipe, on the split of Gowalla that most papers report on.

    SEGUE_REALDATA=/path/to/folder python benchmarks/gowalla.py OUT [--epochs 60] [--device cuda]

Own playlist vectors, BPR with one random negative, dim 64, three layers, Adam at 1e-3, L2 1e-4,
batches of 2,048 triples (X. He et al., SIGIR 2020; the recipe of the authors' PyTorch code, which
trains for 1,000 epochs). Needs gowalla.train.txt.gz and gowalla.test.txt.gz in SEGUE_REALDATA.

It goes on where it was stopped, from OUT/checkpoint.safetensors. As published, the curve is of the
test part, every ten epochs; nothing is chosen by it: the figure is that of the last epoch. Writes
OUT/gowalla.json and OUT/gowalla.png.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.models.lightgcn import LightGCN
from segue.pictures.plots import Series, lines
from segue.pictures.save import save_plot
from segue.pictures.style import SIZES
from segue.training.config import TrainConfig
from segue.training.train import CHECKPOINT, Progress, train

PUBLISHED = {
    "LightGCN, paper": {"recall@20": 0.1830, "ndcg@20": 0.1554},
    "LightGCN, authors' PyTorch code": {"recall@20": 0.1824, "ndcg@20": 0.1547},
}
METRICS = ("recall@20", "ndcg@20")


def read_lists(path: Path, num_lists: int = 0) -> TrackLists:
    """One line a list: its number, then the numbers of what it holds."""
    lists: dict[int, list[int]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            number, *held = map(int, line.split())
            lists[number] = list(dict.fromkeys(held))
    return TrackLists.from_lists([lists.get(n, []) for n in range(max(num_lists, max(lists) + 1))])


def read_gowalla(folder: Path) -> tuple[PlaylistGraph, HeldOut]:
    """People take the place of playlists and locations that of tracks; nobody made them."""
    train_lists = read_lists(folder / "gowalla.train.txt.gz")
    test_lists = read_lists(folder / "gowalla.test.txt.gz", len(train_lists))
    every = [lists.track_index.max(initial=0) for lists in (train_lists, test_lists)]
    num_tracks = int(max(every)) + 1
    tracks, nobody = pa.array(map(str, range(num_tracks))), pa.array(["nobody"])
    nothing = pa.array([], pa.string())
    catalog = Catalog(
        tracks,
        tracks,
        nobody,
        nobody,
        nothing,
        nothing,
        np.zeros(num_tracks, dtype=np.int32),
        np.full(num_tracks, -1, dtype=np.int32),
    )
    rows = np.arange(len(train_lists))
    playlists = Playlists(
        pa.array(map(str, rows)),
        pa.nulls(len(rows), pa.string()),
        np.zeros(len(rows), dtype=bool),
        train_lists,
    )
    return (
        PlaylistGraph(playlists, catalog, {"source": "gowalla"}),
        HeldOut(train_lists, train_lists, test_lists, rows),
    )


def draw(history: list[dict[str, Any]], path: Path) -> None:
    """Each metric by epoch, beside the level that the paper reports at the end."""
    measured = [entry for entry in history if METRICS[0] in entry]
    epochs = [entry["epoch"] for entry in measured]
    series = {}
    for metric in METRICS:
        series[metric] = Series(epochs, [entry[metric] for entry in measured])
        level = PUBLISHED["LightGCN, paper"][metric]
        series[f"{metric}, published"] = Series([epochs[0], epochs[-1]], [level, level])
    plot = partial(lines, series, title="LightGCN on Gowalla", x_label="epoch", y_label="")
    save_plot(plot, path, SIZES["screen"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    source = os.environ.get("SEGUE_REALDATA")
    if not source:
        parser.error("SEGUE_REALDATA must name the folder that holds gowalla.train.txt.gz")
    graph, test = read_gowalla(Path(source))
    print(
        f"{graph.num_nodes}, {graph.playlists.tracks.num_pairs} training pairs, "
        f"{test.targets.num_pairs} test pairs"
    )
    config = TrainConfig(
        loss="bpr",
        negatives="random",
        targets="visible",
        readout="node",
        relations=(),
        dim=64,
        num_layers=3,
        epochs=options.epochs,
        batch_size=2048,
        learning_rate=1e-3,
        schedule="constant",
        l2=1e-4,
        initial_std=0.1,
        validate_every=10,
    )
    options.out.mkdir(parents=True, exist_ok=True)

    def say(entry: dict[str, Any]) -> None:
        figures = ", ".join(f"{name} {entry[name]:.4f}" for name in METRICS if name in entry)
        print(
            f"epoch {entry['epoch']:4d}  loss {entry['loss']:.5f}  {figures}  "
            f"{entry['seconds']:.0f} s",
            flush=True,
        )

    result = train(
        graph,
        test,
        config,
        folder=options.out,
        identity=graph.fingerprint,
        resume=(options.out / CHECKPOINT).exists(),
        device=options.device,
        progress=Progress(epoch=say),
        encoder=partial(LightGCN, playlist_vectors=True),
    )
    last = result.history[-1]
    facts = {
        "config": config.to_json(),
        "device": options.device,
        "processor": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "published": PUBLISHED,
        "history": result.history,
    }
    write_json(options.out / "gowalla.json", facts)
    draw(result.history, options.out / "gowalla.png")
    for metric in METRICS:
        beside = ", ".join(
            f"{last[metric] / figures[metric]:.3f} of {name} ({figures[metric]:.4f})"
            for name, figures in PUBLISHED.items()
        )
        print(f"{metric} {last[metric]:.4f} after {last['epoch']} epochs: {beside}")


if __name__ == "__main__":
    main()
