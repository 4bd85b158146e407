"""Seconds of processor time until Segue and others reach given recall, on one thread.

    SEGUE_REALDATA=/path/to/folder python benchmarks/peers.py OUT [--data playlists|gowalla]
        [--k-core 30] [--peers-python PYTHON] [--lightgcn-pytorch CHECKOUT] [--seconds 600]
        [--only "PyG's LightGCN;Segue"]

LightGCN three times (its authors' PyTorch code from a checkout of gusye1234/LightGCN-PyTorch,
RecBole's, PyTorch Geometric's), the library implicit's iALS, EASE, and Segue: its vectors with the
wide part, and alone. All have the same training pairs: of the k-core of the real playlists, split
at random, or of Gowalla, with a tenth of each person's training pairs as validation. Each is
measured by the same full ranking of the validation part while it trains; the best epoch by nDCG@20
is measured on the test part, too. Peers train as their authors do, see `peer_models.py`, in
processes of PYTHON (by default this one's), which needs what pip installs as ``torch_geometric``,
``recbole``, ``implicit`` (and, for the checkout, pandas, scikit-learn, tqdm and tensorboardX). One
that is not installed is passed over with a sentence.

Seconds are those of fitting alone. What peers build before their first step does not count; the
start of Segue's vectors and its wide part do. Writes benchmarks/results/peers.json, replacing the
rows that were run, and OUT/peers-DATA.png. On a machine with other work seconds are upper bounds,
of all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gowalla import read_gowalla
from peer_models import PEERS
from real_playlists import build

from segue.baselines import BASELINES
from segue.evaluation.scorers import HeldOutScorer, NodeScorer, Scorer
from segue.evaluation.validation import validate
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.machine import limit_threads, machine
from segue.pictures.plots import Series, panels
from segue.pictures.save import save_plot
from segue.pictures.style import SIZES
from segue.pipeline.recipes import config_for
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.training.terms import WideConfig
from segue.training.train import train
from segue.training.vectors import TrainedVectors

RESULTS = Path(__file__).parent / "results" / "peers.json"
MODELS = Path(__file__).with_name("peer_models.py")
SHOWN = ("recall@20", "recall@300")
# Recall that each should reach, besides the best of each.
LEVELS = {
    "playlists": {"recall@20": (0.14, 0.2, 0.25, 0.26, 0.28), "recall@300": (0.5, 0.6, 0.7, 0.8)},
    "gowalla": {"recall@20": (0.1, 0.13, 0.15, 0.17), "recall@300": (0.3, 0.4, 0.5)},
}
EASE = {f"EASE, λ {weight:g}": weight for weight in (100.0, 300.0, 1000.0)}
SEGUE, ALONE = "Segue", "Segue, vectors alone"
# A point of a curve: seconds so far, and what is to be measured.
Point = tuple[float, Scorer | HeldOutScorer]


class Data:
    """A split, as all have it."""

    def __init__(self, name: str, out: Path, parser: argparse.ArgumentParser, k_core: int) -> None:
        self.name = name
        self.key = name if name == "gowalla" else f"{name}, {k_core}-core"
        if name == "gowalla":
            folder = os.environ.get("SEGUE_REALDATA")
            if not folder:
                parser.error("SEGUE_REALDATA must name the folder with gowalla.train.txt.gz")
            graph, test = read_gowalla(Path(folder))
            recipe = SplitRecipe(kind="random", test_share=0.0, validation_share=0.1)
            split = split_graph(graph, recipe)
            # Places have neither makers nor albums.
            self.wide = WideConfig(artist_weight=0.0, album_weight=0.0)
            self.config = config_for("lightgcn", relations=())
        else:
            build(out, parser, k_core)
            split = split_graph(PlaylistGraph.load(out / "graph"), SplitRecipe("random"))
            test = split.test
            self.wide, self.config = WideConfig(), config_for("lightgcn")
        answered = np.flatnonzero(split.validation.targets.lengths > 0)
        self.split: Split = replace(split, validation=split.validation.rows(answered))
        self.test: HeldOut = test.rows(np.flatnonzero(test.targets.lengths > 0))

    @property
    def train(self) -> PlaylistGraph:
        return self.split.train

    def save(self, path: Path) -> None:
        """The training pairs, for peers."""
        tracks = self.train.playlists.tracks
        np.savez(
            path,
            playlist=tracks.list_index().astype(np.int64),
            track=tracks.track_index.astype(np.int64),
            shape=(len(tracks), self.train.num_nodes["track"]),
        )


def peer(name: str, data: Data, out: Path, given: argparse.Namespace) -> Iterator[Point]:
    """The curve of a peer, trained in a process of its own."""
    folder = out / re.sub(r"\W+", "-", name)
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.npz"):
        old.unlink()
    checkout = []
    if name == "LightGCN-PyTorch":
        if given.lightgcn_pytorch is None:
            raise FileNotFoundError("--lightgcn-pytorch names no checkout")
        checkout = [str(given.lightgcn_pytorch.resolve())]
    pairs = out / "pairs.npz"
    data.save(pairs)
    alone = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # Segue is not for it, and its own folder has no names of ours.
    others = {n: value for n, value in os.environ.items() if n != "PYTHONPATH"}
    ran = subprocess.run(
        [
            given.peers_python, str(MODELS.resolve()), name, str(pairs.resolve()),
            str(folder.resolve()), str(given.seconds), *checkout,
        ],
        env=others | alone, cwd=folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if ran.returncode:
        raise ModuleNotFoundError(f"its process ended with status {ran.returncode}, see above")
    for path in sorted(folder.glob("*.npz"), key=lambda path: int(path.stem)):
        held = np.load(path)
        vectors = [np.asarray(held[part], dtype=np.float32) for part in ("playlist", "track")]
        yield float(held["seconds"]), NodeScorer(*vectors)


def ease(weight: float, data: Data) -> Iterator[Point]:
    started = time.process_time()
    scorer = BASELINES["EASE"](data.train, regularization=weight)
    yield time.process_time() - started, scorer


def segue(data: Data, measure: Callable[[str, float, Any], float]) -> None:
    """Segue's vectors after each epoch, alone and with the wide part."""
    # What PyTorch imports for its first optimiser takes longer than the vectors' start. Peers build
    # theirs before they are timed.
    torch.optim.Adam([torch.zeros(1)])
    started = time.process_time()
    wide = data.wide.fit(data.train)
    of_wide, lost = time.process_time() - started, 0.0
    started = time.process_time()

    def judge(found: TrainedVectors, held_out: HeldOut) -> dict[str, float]:
        nonlocal lost
        before = time.process_time()
        seconds = before - started - lost
        alone = FirstStage(Centroid(found.track_vectors, found.query_weight))
        measure(ALONE, seconds, alone)
        value = measure(SEGUE, seconds + of_wide, replace(alone, further=(wide,)))
        lost += time.process_time() - before
        return {"ndcg@20": value}

    train(data.train, data.split.validation, data.config, judge=judge)


def reached(curve: list[dict[str, float]], metric: str, level: float) -> float | None:
    """Seconds until a curve first has so much; None: never."""
    return next((point["seconds"] for point in curve if point[metric] >= level), None)


def compared(rows: dict[str, Any], levels: dict[str, tuple[float, ...]]) -> dict[str, Any]:
    """Seconds to each level, and to each one's best, of all."""
    table: dict[str, Any] = {}
    for metric, some in levels.items():
        for level in some:
            table[f"{metric} of {level:g}"] = {
                name: reached(row["curve"], metric, level) for name, row in rows.items()
            }
        for name, row in rows.items():
            best = max(point[metric] for point in row["curve"])
            table[f"{metric} of {name}'s best, {best:.4f}"] = {
                other: reached(rows[other]["curve"], metric, best)
                for other in {name, SEGUE, ALONE} & rows.keys()
            }
    return table


def keep(data: Data, rows: dict[str, Any]) -> dict[str, Any]:
    """Write rows into the results, and return all of the data's."""
    # Another run may have written since.
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    of_data = results.setdefault(data.key, {"rows": {}})
    of_data["split"] = data.split.fingerprint
    of_data["rows"] |= rows
    of_data["seconds to reach"] = compared(of_data["rows"], LEVELS[data.name])
    write_json(RESULTS, results)
    kept: dict[str, Any] = of_data["rows"]
    return kept


def draw(rows: dict[str, Any], path: Path, title: str) -> None:
    groups = {
        metric: {
            name: Series(
                [point["seconds"] for point in row["curve"]],
                [point[metric] for point in row["curve"]],
            )
            for name, row in rows.items()
        }
        for metric in SHOWN
    }
    plot = partial(
        panels, groups, title=title, x_label="processor seconds, one thread", y_label="recall",
        same_y=False, log_x=True,
    )  # fmt: skip
    save_plot(plot, path, SIZES["screen"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=list(LEVELS), default="playlists")
    parser.add_argument("--k-core", type=int, default=30)
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--lightgcn-pytorch", type=Path)
    parser.add_argument("--seconds", type=float, default=600.0, help="of each peer")
    parser.add_argument("--only", help="Names, separated by semicolons; by default all.")
    given = parser.parse_args()
    every = [SEGUE, *EASE, *PEERS]
    names = every if given.only is None else given.only.split(";")
    for name in names:
        if name not in every:
            parser.error(f"{name!r} is not known, expected some of {'; '.join(every)}")
    limit_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    data = Data(given.data, given.out, parser, given.k_core)
    rows: dict[str, Any] = {}
    best: dict[str, float] = {}

    def measure(name: str, seconds: float, scorer: Scorer | HeldOutScorer) -> float:
        begun = {"curve": [], "seconds at most": given.seconds, "machine": machine()}
        row = rows.setdefault(name, begun)
        values = validate(scorer, data.split.validation, data.train)
        row["curve"].append({"seconds": round(seconds, 2), **values})
        print(f"{name:24} {seconds:8.1f} s", json.dumps(values), flush=True)
        if values["ndcg@20"] > best.get(name, -1.0):
            best[name] = values["ndcg@20"]
            row["test"] = validate(scorer, data.test, data.train)
        keep(data, rows)
        return values["ndcg@20"]

    for name in names:
        try:
            if name == SEGUE:
                segue(data, measure)
                continue
            curve = ease(EASE[name], data) if name in EASE else peer(name, data, given.out, given)
            for seconds, scorer in curve:
                measure(name, seconds, scorer)
        except (ModuleNotFoundError, FileNotFoundError) as error:
            print(f"{name}: passed over, as {error}", file=sys.stderr, flush=True)
    title = "Gowalla" if data.name == "gowalla" else f"Real playlists, {given.k_core}-core"
    draw(keep(data, rows), given.out / f"peers-{data.name}.png", title)


if __name__ == "__main__":
    main()
