"""A readout and a loss on the split of Gowalla that most papers report on, beside their figures.

    SEGUE_REALDATA=/path/to/folder python benchmarks/gowalla.py OUT --arm centroid-softmax
        [--trials 12] [--learning-rate 0.002 …] [--device cuda]

The arms: a learned vector per person (``node``) or the centroid of their places, each with BPR
against one random negative or with a softmax over all places. ``node-bpr`` is the published
training of LightGCN (X. He et al., SIGIR 2020; the recipe of the authors' PyTorch code: dim 64,
three layers, Adam at 1e-3, L2 1e-4, batches of 2,048 triples, 1,000 epochs). The baselines of
`segue.evaluation.baselines` are arms, too. Needs gowalla.train.txt.gz and gowalla.test.txt.gz
in SEGUE_REALDATA.

The split has no validation part. With --trials an arm's options, the number of epochs among
them, are first chosen on a tenth of each person's training pairs, by nDCG@20 after the last
epoch: a walk on the arm's grid (see `segue.evaluation.tuning.search`) from the defaults below and
what the command line sets. Each finished trial is a line of OUT/ARM.trials.jsonl. Then the arm is
trained on all training pairs. Its figure is that of the last epoch on the test part; the curve on
the way there is kept, but nothing is chosen by it.

It goes on where it was stopped, from OUT/ARM.trials.jsonl and OUT/ARM/checkpoint.safetensors.
Writes OUT/ARM.json, and OUT/gowalla.png of all arms that OUT holds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import platform
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.errors import SegueError
from segue.evaluation.baselines import BASELINES, SearchSpace
from segue.evaluation.tuning import Options, Trial, TrialsFile, search, tune
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe, split_graph
from segue.pictures.plots import Series, lines
from segue.pictures.save import save_plot
from segue.pictures.style import SIZES
from segue.training.config import TrainConfig
from segue.training.train import CHECKPOINT, Progress, train
from segue.training.validation import validate, validation_rows

PUBLISHED = {
    "LightGCN, paper": {"recall@20": 0.1830, "ndcg@20": 0.1554},
    "LightGCN, authors' PyTorch code": {"recall@20": 0.1824, "ndcg@20": 0.1547},
    "LightGCN with BSL, paper": {"recall@20": 0.1892},
}
METRICS = ("recall@20", "ndcg@20")
# As many points of each curve, at most, but where the published recipe has its own.
CURVE = 5

_SOFTMAX = TrainConfig(
    relations=(),
    dim=64,
    num_layers=2,
    epochs=20,
    batch_size=1024,
    few_share=0.0,
    weight_decay=1e-3,
)
_NODE: dict[str, Any] = {
    "readout": "node",
    "targets": "visible",
    "options": {"playlist_vectors": True},
}
_BPR: dict[str, Any] = {"loss": "bpr", "negatives": "random"}
ARMS = {
    "node-bpr": TrainConfig(
        **_NODE,
        **_BPR,
        relations=(),
        dim=64,
        num_layers=3,
        epochs=1000,
        batch_size=2048,
        learning_rate=1e-3,
        schedule="constant",
        l2=1e-4,
        validate_every=10,
    ),
    "node-softmax": replace(_SOFTMAX, **_NODE, num_layers=3),
    "centroid-bpr": replace(_SOFTMAX, **_BPR),
    "centroid-softmax": _SOFTMAX,
}
# What is tuned, beside the arm's own value of each. Of an option that is no field of the
# configuration `configured` knows the meaning.
_SPACE: SearchSpace = {
    "weight_decay": (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3),
    "learning_rate": (2.5e-3, 5e-3, 1e-2, 2e-2),
    "temperature": (0.05, 0.07, 0.1, 0.15, 0.2),
    "epochs": (5, 10, 20, 40, 80),
    "num_layers": (1, 2, 3, 4),
    "edge_dropout": (0.0, 0.3, 0.6),
    "hidden_share": (0.3, 0.5, 0.7),
    "initial_std": (0.03, 0.1, 0.3),
}
SPACES: dict[str, SearchSpace] = {
    "node-bpr": {"learning_rate": (5e-4, 1e-3, 2e-3), "l2": (1e-5, 1e-4, 1e-3)},
    "node-softmax": _SPACE,
    "centroid-bpr": _SPACE,
    "centroid-softmax": _SPACE,
}
# Fields that the command line may set, whether tuned or not.
SETTABLE = {
    "dim": int,
    "num_layers": int,
    "epochs": int,
    "batch_size": int,
    "learning_rate": float,
    "weight_decay": float,
    "l2": float,
    "temperature": float,
    "hidden_share": float,
    "few_share": float,
    "edge_dropout": float,
    "initial_std": float,
    "rng_seed": int,
    "targets": str,
    "validate_every": int,
}
HIDDEN_WIDTH = 0.4


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


def configured(config: TrainConfig, options: dict[str, Any]) -> TrainConfig:
    """A configuration with some options; two of them stand for more than a field.

    ``hidden_share`` is the mean of what is drawn uniformly, as far from 0 and 1 as `HIDDEN_WIDTH`
    allows; ``edge_dropout`` is the encoder's.
    """
    values = dict(options)
    if "hidden_share" in values:
        mean = values["hidden_share"]
        half = min(HIDDEN_WIDTH / 2, mean - 0.05, 0.95 - mean)
        values["hidden_share"] = (round(mean - half, 9), round(mean + half, 9))
    if "edge_dropout" in values:
        values["options"] = {**config.options, "edge_dropout": values.pop("edge_dropout")}
    return replace(config, **values)


def value_of(config: TrainConfig, option: str) -> float:
    """The inverse of `configured`, for one option."""
    if option == "hidden_share":
        return round(sum(config.hidden_share) / 2, 9)
    if option == "edge_dropout":
        return float(config.options.get("edge_dropout", 0.0))
    return getattr(config, option)  # type: ignore[no-any-return]


def say(entry: dict[str, Any]) -> None:
    """One line an epoch."""
    figures = ", ".join(f"{name} {entry[name]:.4f}" for name in METRICS if name in entry)
    print(
        f"epoch {entry['epoch']:4d}  loss {entry['loss']:.5f}  {figures}  {entry['seconds']:.0f} s",
        flush=True,
    )


def chosen(
    arm: str,
    graph: PlaylistGraph,
    config: TrainConfig,
    out: Path,
    num_trials: int,
    seconds: float,
    device: str,
) -> Options:
    """Options of an arm, by validation on a tenth of each person's training pairs.

    No trial is begun once `seconds` are over.
    """
    recipe = SplitRecipe(kind="random", test_share=0.0, validation_share=0.1)
    split = split_graph(graph, recipe)
    finished = TrialsFile(out / f"{arm}.trials.jsonl")
    if arm in BASELINES:
        return tune(arm, split, num_trials, finished).options
    # What the command line fixes beside the grid belongs to a trial as much as its point.
    fixed = json.dumps({k: v for k, v in config.to_json().items() if k not in SPACES[arm]})
    space = {
        option: tuple(dict.fromkeys((value_of(config, option), *values)))
        for option, values in SPACES[arm].items()
    }

    def trial(point: Options) -> Trial:
        made = finished.trial(split, f"{arm} {fixed}", point, measured)
        print(point, made.validation, f"{made.seconds:.0f} s", flush=True)
        return made

    measured = partial(measure, split, config, device)
    started, best = time.perf_counter(), {}
    for number in range(1, num_trials + 1):
        # What is finished is taken from the file, so each walk is the last one and a step more.
        best = search(space, number, trial).options
        if time.perf_counter() - started > seconds:
            break
    return best


def measure(split: Split, config: TrainConfig, device: str, options: Options) -> Trial:
    """One training on what validation leaves, after its last epoch."""
    started = time.perf_counter()
    config = configured(config, dict(options))
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            split.train,
            validation_rows(split.validation),
            with_curve(config),
            folder=Path(folder),
            identity=split.fingerprint,
            device=device,
            progress=Progress(epoch=lambda entry: say(entry) if METRICS[0] in entry else None),
        )
    last = result.history[-1]
    validation = {name: last[name] for name in (*METRICS, "recall@300", "auc")}
    return Trial(options, validation, round(time.perf_counter() - started, 3))


def with_curve(config: TrainConfig) -> TrainConfig:
    """A configuration that measures so often that there are `CURVE` points."""
    return replace(config, validate_every=max(1, math.ceil((config.epochs or 1) / CURVE)))


def trained(
    arm: str, graph: PlaylistGraph, test: HeldOut, config: TrainConfig, out: Path, device: str
) -> dict[str, Any]:
    """What an arm reaches when trained on all training pairs."""
    folder = out / arm
    folder.mkdir(exist_ok=True)
    result = train(
        graph,
        test,
        config if config.validate_every > 1 else with_curve(config),
        folder=folder,
        identity=graph.fingerprint,
        resume=(folder / CHECKPOINT).exists(),
        device=device,
        progress=Progress(epoch=say),
    )
    return {"config": config.to_json(), "device": device, "history": result.history}


def fitted(arm: str, graph: PlaylistGraph, test: HeldOut, options: Options) -> dict[str, Any]:
    """What a baseline reaches when fitted on all training pairs."""
    started = time.perf_counter()
    figures = validate(BASELINES[arm](graph, **options), test, graph.num_nodes["track"])
    seconds = round(time.perf_counter() - started, 3)
    return {"options": options, "history": [{"epoch": 1, **figures, "seconds": seconds}]}


def draw(out: Path) -> None:
    """Recall@20 of every arm in a folder by epoch, beside the levels that papers report."""
    metric, series = METRICS[0], {}
    for path in sorted(out.glob("*.json")):
        measured = [entry for entry in json.loads(path.read_text())["history"] if metric in entry]
        x, y = ([entry[name] for entry in measured] for name in ("epoch", metric))
        series[f"{path.stem}: {y[-1]:.4f}"] = Series(x, y)
    longest = max(one.x[-1] for one in series.values())
    for name, figures in PUBLISHED.items():
        level = figures[metric]
        series[f"{name}: {level:.4f}"] = Series([1, max(longest, 2)], [level, level])
    title = "Recall@20 on Gowalla's test part"
    plot = partial(lines, series, title=title, x_label="epoch", y_label="", log_x=True)
    save_plot(plot, out / "gowalla.png", SIZES["screen"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--arm", choices=[*ARMS, *BASELINES], required=True)
    parser.add_argument("--trials", type=int, default=0, help="to choose options with; 0: none")
    parser.add_argument("--trial-seconds", type=float, default=math.inf, help="begin none later")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    for name, kind in SETTABLE.items():
        parser.add_argument("--" + name.replace("_", "-"), type=kind)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    source = os.environ.get("SEGUE_REALDATA")
    if not source:
        parser.error("SEGUE_REALDATA must name the folder that holds gowalla.train.txt.gz")
    graph, test = read_gowalla(Path(source))
    print(
        f"{graph.num_nodes}, {graph.playlists.tracks.num_pairs} training pairs, "
        f"{test.targets.num_pairs} test pairs"
    )
    arm, out = given.arm, given.out
    out.mkdir(parents=True, exist_ok=True)
    set_here = {name: getattr(given, name) for name in SETTABLE}
    try:
        config = configured(
            ARMS.get(arm, TrainConfig()),
            {name: value for name, value in set_here.items() if value is not None},
        )
        options: Options = {}
        if given.trials:
            options = chosen(
                arm, graph, config, out, given.trials, given.trial_seconds, given.device
            )
            print(f"chosen: {options}")
        if arm in BASELINES:
            facts = fitted(arm, graph, test, options)
        else:
            config = configured(config, dict(options))
            facts = trained(arm, graph, test, config, out, given.device)
    except SegueError as error:
        parser.error(str(error))
    facts |= {
        "processor": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "published": PUBLISHED,
    }
    write_json(out / f"{arm}.json", facts)
    draw(out)
    last = facts["history"][-1]
    for metric in METRICS:
        beside = ", ".join(
            f"{last[metric] / figures[metric]:.3f} of {name} ({figures[metric]:.4f})"
            for name, figures in PUBLISHED.items()
            if metric in figures
        )
        print(f"{metric} {last[metric]:.4f} after {last['epoch']} epochs: {beside}")


if __name__ == "__main__":
    main()
