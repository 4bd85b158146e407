"""Readouts and losses on the Gowalla split that most papers use, compared with their figures.

    SEGUE_REALDATA=/path/to/folder python benchmarks/gowalla.py OUT --arm centroid-softmax
        [--trials 12] [--learning-rate 0.002 …] [--device cuda]

The arms: a learned vector per person (``node``) or the centroid of their places, each with BPR
against one random negative or with a softmax over all places. ``node-bpr`` is the published
training of LightGCN (X. He et al., SIGIR 2020; the recipe of the authors' PyTorch code: dim 64,
three layers, Adam at 1e-3, L2 1e-4, batches of 2,048 triples, 1,000 epochs). ``centroid-wide`` is
the vectors of another arm as they are served: with a wide part, the prior, and the dial setting
chosen on validation. The baselines of `segue.baselines.BASELINES` are arms, too. Needs
gowalla.train.txt.gz and gowalla.test.txt.gz in SEGUE_REALDATA.

The split has no validation part. With --trials an arm's options, including the number of epochs,
are first chosen on a tenth of each person's training pairs, by nDCG@20 after the last epoch: a walk
on the arm's grid (see `segue.baselines.tuning.search`) from the defaults below and the command-line
options. Each finished trial is a line of OUT/ARM/trials.jsonl. Then the arm is trained on all
training pairs, and measured on the test part after the last epoch. Only ``node-bpr`` is also
measured during training, as its authors do; nothing is chosen by that curve.

An interrupted run resumes from OUT/ARM/trials.jsonl and OUT/ARM/checkpoint.safetensors.
Writes OUT/ARM/result.json, and OUT/gowalla.json and OUT/gowalla.png for all arms in OUT.
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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from gowalla_arms import ARMS, SETTABLE, SPACES, VECTORS_OF, WIDE, configured, fixed, value_of

from segue import metrics
from segue.baselines import BASELINES
from segue.baselines.tuning import Options, Trial, TrialsFile, search, tune
from segue.data.playlists import Catalog, Float32Array, Playlists, TrackLists
from segue.errors import SegueError
from segue.evaluation.ranking import ranked_batches
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.evaluation.validation import validate, validation_rows
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, SplitRecipe
from segue.metrics import NUM_BUCKETS
from segue.pictures.plots import Series, scatter
from segue.pictures.save import save_plot
from segue.pictures.style import SIZES
from segue.pipeline.parts import FinishedParts
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.popularity import Popularity
from segue.training.checkpoint import CHECKPOINT
from segue.training.config import TrainConfig
from segue.training.train import TrainResult, train

PUBLISHED = {
    "LightGCN, paper": {"recall@20": 0.1830, "ndcg@20": 0.1554},
    "LightGCN, authors' PyTorch code": {"recall@20": 0.1824, "ndcg@20": 0.1547},
    "LightGCN with BSL, paper": {"recall@20": 0.1892, "ndcg@20": 0.1590},
}
METRICS = ("recall@20", "ndcg@20")
BUCKET_CUTOFF = 20
TRIALS = "trials.jsonl"
# The arm whose curve on the test part is kept, as in its published form.
MEASURED_ON_THE_WAY = "node-bpr"


def read_lists(path: Path, num_lists: int = 0) -> TrackLists:
    """One line per list: its number, then the numbers of its entries."""
    lists: dict[int, list[int]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            number, *held = map(int, line.split())
            lists[number] = list(dict.fromkeys(held))
    return TrackLists.from_lists([lists.get(n, []) for n in range(max(num_lists, max(lists) + 1))])


def read_gowalla(folder: Path) -> tuple[PlaylistGraph, HeldOut]:
    """People stand for playlists and locations for tracks; locations have no artists."""
    train_lists = read_lists(folder / "gowalla.train.txt.gz")
    test_lists = read_lists(folder / "gowalla.test.txt.gz", len(train_lists))
    every = [lists.track_index.max(initial=0) for lists in (train_lists, test_lists)]
    num_tracks = int(max(every)) + 1
    tracks, nobody = pa.array(map(str, range(num_tracks))), pa.array(["nobody"])
    nothing = pa.array([], pa.string())
    catalog = Catalog.of_columns(
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
        HeldOut(train_lists, train_lists, test_lists, rows, np.zeros(len(rows), dtype=bool)),
    )


def say(entry: dict[str, Any]) -> None:
    """Print one line per epoch."""
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

    No trial is started after `seconds`.
    """
    recipe = SplitRecipe(kind="random", test_share=0.0, validation_share=0.1)
    split = split_graph(graph, recipe)
    folder = out / arm
    finished = TrialsFile(folder / TRIALS)
    if arm in BASELINES:
        return tune(arm, split, num_trials, finished).options
    # Options fixed on the command line are part of a trial's identity, like its grid point.
    not_tuned = json.dumps(fixed(arm, config))
    space = {
        option: tuple(dict.fromkeys((value_of(arm, config, option), *values)))
        for option, values in SPACES[arm].items()
    }

    def measured(options: Options) -> Trial:
        """One system trained without the validation pairs."""
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as temporary:
            # The vectors next to a wide part are the same in each of its trials.
            if arm in WIDE:
                made_with, kept = config, folder / "validation"
            else:
                made_with, kept = configured(config, options), Path(temporary)
            result = trained(arm, split.train, None, made_with, kept, device)
        scorer = scorer_of(arm, result, split.train, options, folder)
        validation = validate(scorer, validation_rows(split.validation), split.train)
        return Trial(options, validation, round(time.perf_counter() - started, 3))

    def trial(point: Options) -> Trial:
        made = finished.trial(split, f"{arm} {not_tuned}", point, measured)
        print(point, made.validation, f"{made.seconds:.0f} s", flush=True)
        return made

    started, best = time.perf_counter(), {}
    for number in range(1, num_trials + 1):
        # Finished trials are read from the file, so each walk repeats the last one plus one step.
        best = search(space, number, trial).options
        if time.perf_counter() - started > seconds:
            break
    return best


def trained(
    arm: str,
    graph: PlaylistGraph,
    test: HeldOut | None,
    config: TrainConfig,
    folder: Path,
    device: str,
) -> TrainResult:
    """The vectors of an arm; an interrupted training is resumed."""
    folder.mkdir(parents=True, exist_ok=True)
    return train(
        graph,
        test if arm == MEASURED_ON_THE_WAY else None,
        config,
        folder=folder,
        identity=graph.fingerprint,
        resume=(folder / CHECKPOINT).exists(),
        device=device,
        on_epoch=say,
    )


@dataclass(frozen=True, eq=False)
class Dialled:
    """A scorer at one dial setting."""

    scorer: FirstStage
    dial: float

    def scores(self, query: TrackLists) -> Float32Array:
        return self.scorer.scores(query, self.dial)


def scorer_of(
    arm: str, vectors: TrainResult, graph: PlaylistGraph, options: Options, folder: Path
) -> Scorer | HeldOutScorer:
    """The scorer for an arm's vectors; the wide part of a training graph is fitted once."""
    if arm not in WIDE:
        return vectors.scorer
    fitted: dict[str, Any] = {name: value for name, value in options.items() if name != "dial"}
    config = replace(WIDE[arm], **fitted)
    wide = FinishedParts(folder).term("wide", graph, replace(config, weight=1.0))
    wide = replace(wide, weight=np.float32(config.weight) * wide.weight)
    scorer = FirstStage(
        Centroid(vectors.track_vectors, vectors.query_weight),
        Popularity(graph.popularity),
        (wide,),
    )
    return Dialled(scorer, options.get("dial", 0.0))


def measure(scorer: Scorer | HeldOutScorer, test: HeldOut, graph: PlaylistGraph) -> dict[str, Any]:
    """Means on the test part after the last epoch, and recall of rare and common places.

    Bucket 1 holds the most visited places, each bucket a fifth of the training pairs.
    """
    num_tracks = graph.num_nodes["track"]
    batches = ranked_batches(scorer, test, num_tracks)
    ranks = metrics.concatenate([ranks for _, _, _, ranks in batches])
    values = {
        "recall@20": metrics.recall(ranks, 20),
        "recall@300": metrics.recall(ranks, 300),
        "ndcg@20": metrics.ndcg(ranks, 20),
        "auc": ranks.auc,
    }
    bucket = metrics.popularity_buckets(graph.popularity, NUM_BUCKETS)
    by_bucket = metrics.bucket_recall(
        ranks, test.targets.track_index, bucket, BUCKET_CUTOFF, NUM_BUCKETS
    )
    values |= {
        f"recall@{BUCKET_CUTOFF} of bucket {b + 1}": by_bucket[:, b] for b in range(NUM_BUCKETS)
    }
    return {name: metrics.mean_over_scored(value)[0] for name, value in values.items()}


def drawn_how(graph: PlaylistGraph, test: HeldOut) -> dict[str, list[float]]:
    """Shares of the test pairs by bucket of popularity, and of as many drawn at random.

    Bucket 1 holds the most visited places. The draw is over all pairs, as many per person as in the
    test part; popularity is then that of the remaining pairs.
    """
    lists, num_tracks = graph.playlists.tracks, graph.num_nodes["track"]
    every = lists.joined(test.targets)
    drawn = every.shuffled_positions(np.random.default_rng(0)) < np.repeat(
        test.targets.lengths, every.lengths
    )
    shares = {}
    for name, left, held_out in (
        ("published", lists, test.targets),
        ("at random", every.keep(~drawn), every.keep(drawn)),
    ):
        bucket = metrics.popularity_buckets(left.track_counts(num_tracks), NUM_BUCKETS)
        counts = np.bincount(bucket[held_out.track_index], minlength=NUM_BUCKETS)
        shares[name] = (counts / held_out.num_pairs).tolist()
    return shares


def summary(out: Path) -> dict[str, Any]:
    """The results of every finished arm in a folder, by name, with its trials."""
    arms = {}
    for path in sorted(out.glob("*/result.json")):
        trials = path.with_name(TRIALS)
        lines = trials.read_text().splitlines() if trials.exists() else []
        arms[path.parent.name] = {
            **json.loads(path.read_text()),
            "trials": [json.loads(line) for line in lines],
        }
    return {"published": PUBLISHED, "arms": arms}


def draw(out: Path, arms: dict[str, Any]) -> None:
    """Plot the arms and the figures reported in papers, nDCG@20 by Recall@20."""
    figures = {name: arm["test"] for name, arm in arms.items()} | PUBLISHED
    points = {
        name: Series(*([values[metric]] for metric in METRICS)) for name, values in figures.items()
    }
    plot = partial(
        scatter, points, title="Gowalla's test part", x_label="Recall@20", y_label="nDCG@20"
    )
    save_plot(plot, out / "gowalla.png", SIZES["screen"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--arm", choices=[*ARMS, *BASELINES], required=True)
    parser.add_argument(
        "--trials", type=int, default=0, help="trials for choosing options; 0: none"
    )
    parser.add_argument(
        "--trial-seconds",
        type=float,
        default=math.inf,
        help="start no trial after this many seconds",
    )
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
    folder = out / arm
    folder.mkdir(parents=True, exist_ok=True)
    set_here = {name: getattr(given, name) for name in SETTABLE}
    started = time.perf_counter()
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
        facts: dict[str, Any] = {"options": options, "history": []}
        if arm in BASELINES:
            scorer: Scorer | HeldOutScorer = BASELINES[arm](graph, **options)
        else:
            if arm not in WIDE:
                config = configured(config, options)
            vectors = trained(
                arm, graph, test, config, out / VECTORS_OF.get(arm, arm), given.device
            )
            scorer = scorer_of(arm, vectors, graph, options, folder)
            facts |= {"config": config.to_json(), "history": vectors.history}
        facts["test"] = measure(scorer, test, graph)
        if arm == MEASURED_ON_THE_WAY:  # the best vectors of the curve were chosen on the test part
            facts["test"] = {k: v for k, v in vectors.history[-1].items() if k in facts["test"]}
    except SegueError as error:
        parser.error(str(error))
    facts |= {
        "seconds": round(time.perf_counter() - started, 1),
        "device": given.device,
        "processor": platform.processor() or platform.machine(),
        "torch": torch.__version__,
    }
    write_json(folder / "result.json", facts)
    every = summary(out) | {"test pairs by bucket": drawn_how(graph, test)}
    write_json(out / "gowalla.json", every)
    draw(out, every["arms"])
    for metric in METRICS:
        value = facts["test"][metric]
        beside = ", ".join(
            f"{value / figures[metric]:.3f} of {name} ({figures[metric]:.4f})"
            for name, figures in PUBLISHED.items()
        )
        print(f"{metric} {value:.4f}: {beside}")


if __name__ == "__main__":
    main()
