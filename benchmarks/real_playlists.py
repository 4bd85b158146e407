"""The README's table on real playlists: the flagship with three model seeds, and tuned baselines.

    SEGUE_REALDATA=/path/to/folder python benchmarks/real_playlists.py OUT [--k-core 30]

Builds the graph of all playlists in playlists-50k.zip, or of their k-core, and splits it like the
competition that it comes from: holds out the last tracks of ordered playlists and random tracks of
as many others, 20% for test and 10% for validation. Runs `segue train` with model seeds 0, 1 and 2,
measures the whole system and its parts, tunes and measures every baseline on the same split, and
prints the table. A baseline is tuned until no point next to the best is better, or for --trials at
most.

Takes about three hours on two cores; a GPU (--device cuda) shortens the trainings to minutes. An
interrupted run resumes: each training, trial and measurement has its own file in OUT, and --seeds
and --baselines select which of them to do (none: nothing of that kind). The summary in
OUT/figures.json contains no individual playlist.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segue.baselines import BASELINES
from segue.baselines.tuning import TrialsFile, tune
from segue.bundle import Bundle
from segue.evaluation.evaluate import evaluate
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.machine import machine
from segue.pipeline.evaluate import split_of
from segue.pipeline.system import SystemScorer
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.two_stages import TwoStages

SEEDS = (0, 1, 2)
# For benchmarks of the vectors alone.
VECTORS_ALONE = ("--no-wide", "--no-second-stage")
# The parts of the system, by their names in the table.
SYSTEM = ("flagship", "without second stage", "vectors alone", "vectors, no recency")
NAMES = (
    "EASE+side", "EASE", "SLIM", "GF-CF", "spectral", "RP3beta", "item-kNN", "iALS", "popularity",
)  # fmt: skip
SHOWN = (
    "map@10", "ndcg@20", "r-precision", "recall@20", "recall@300", "clicks", "auc", "auc (pooled)",
    "novelty@20", "coverage@20",
)  # fmt: skip
DECIMALS = {"clicks": 2, "novelty@20": 2}


def segue(*args: object) -> str:
    """Run `segue` with its messages on this terminal; returns its output."""
    program = Path(sys.executable).with_name("segue")
    ran = subprocess.run([program, *map(str, args)], stdout=subprocess.PIPE, text=True, check=True)
    return ran.stdout


def build(out: Path, parser: argparse.ArgumentParser, k_core: int = 10) -> None:
    """The graph of the real playlists or their k-core, as OUT/graph."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "graph").exists():
        folder = os.environ.get("SEGUE_REALDATA")
        if not folder:
            parser.error("SEGUE_REALDATA must name the folder that holds playlists-50k.zip")
        source = Path(folder, "playlists-50k.zip")
        segue("build", source, "--out", out / "graph", "--k-core", k_core)


def train(out: Path, name: str, *options: object) -> Path:
    """Train a bundle in OUT; an interrupted training is resumed."""
    bundle = out / name
    if not bundle.exists():
        stopped = (out / f"{name}.training" / "checkpoint.safetensors").exists()
        resume = ["--resume"] if stopped else []
        segue("train", out / "graph", "--out", bundle, "--no-refit", *options, *resume)
    return bundle


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The contents of a file, created if it does not exist."""
    if not path.exists():
        write_json(path, make())
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def scorers_of(bundle: Bundle, split: Split) -> dict[str, Scorer | HeldOutScorer]:
    """The full system of a bundle, then with fewer and fewer parts."""
    whole = SystemScorer.of_bundle(bundle, split)
    vectors = FirstStage(Centroid(bundle.track_vectors, bundle.query_weight))
    without = (
        SystemScorer(TwoStages(whole.stages.first, questions=whole.stages.questions), split),
        SystemScorer(TwoStages(vectors, questions=whole.stages.questions), split),
        vectors,
    )
    return dict(zip(SYSTEM, (whole, *without), strict=True))


def measure_seed(out: Path, seed: int, split: Split, device: str) -> None:
    def measured(scorer: Scorer | HeldOutScorer) -> dict[str, Any]:
        return evaluate(scorer, split.test, split.train).to_json()

    def made() -> dict[str, Any]:
        trained = train(out, f"bundle-{seed}", "--rng-seed", seed, "--device", device)
        bundle = Bundle.load(trained)
        scorers = scorers_of(bundle, split_of(bundle, PlaylistGraph.load(out / "graph")))
        return {
            "config": bundle.config,
            "systems": {name: measured(scorer) for name, scorer in scorers.items()},
        }

    kept(out / f"seed-{seed}.json", made)


def measure_baseline(out: Path, name: str, split: Split, num_trials: int) -> None:
    def made() -> dict[str, Any]:
        tuning = tune(name, split, num_trials, TrialsFile(out / f"trials-{name}.jsonl"))
        scorer = BASELINES[name](split.train, **tuning.options)
        return {
            "options": tuning.options,
            "num_trials": len(tuning.trials),
            "test": evaluate(scorer, split.test, split.train).to_json(),
        }

    kept(out / f"baseline-{name}.json", made)


def summed_up(out: Path) -> dict[str, Any]:
    """All measurements so far, by name: the values of each model seed."""
    seeds = [json.loads(path.read_text()) for path in sorted(out.glob("seed-*.json"))]
    baselines = {
        name: json.loads((out / f"baseline-{name}.json").read_text())
        for name in NAMES
        if (out / f"baseline-{name}.json").exists()
    }
    systems = {name: [run["systems"][name]["values"] for run in seeds] for name in SYSTEM if seeds}
    for name, found in baselines.items():
        systems[name] = [found["test"]["values"]]
    return {
        "machine": machine(),
        "configs": [run["config"] for run in seeds],
        "options": {name: found["options"] for name, found in baselines.items()},
        "num_trials": {name: found["num_trials"] for name, found in baselines.items()},
        "systems": systems,
    }


def table(systems: dict[str, Any]) -> str:
    """Markdown: systems as rows, the best of each metric in bold."""
    lines = ["| | " + " | ".join(SHOWN) + " |", "|---" * (1 + len(SHOWN)) + "|"]
    mean = {
        name: {m: statistics.mean(run[m] for run in runs) for m in SHOWN}
        for name, runs in systems.items()
    }
    for name, runs in systems.items():
        cells = []
        for metric in SHOWN:
            digits = DECIMALS.get(metric, 4)
            cell = f"{mean[name][metric]:.{digits}f}".removeprefix("0")
            every = [values[metric] for values in mean.values()]
            best = (min if metric == "clicks" else max)(every) == mean[name][metric]
            if best and not metric.startswith(("novelty", "coverage")):
                cell = f"**{cell}**"
            if len(runs) > 1:
                deviation = statistics.stdev(run[metric] for run in runs)
                cell += f" ± {deviation:.{digits}f}".replace("± 0.", "± .")
            cells.append(cell)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def chosen(text: str, every: tuple[str, ...]) -> list[str]:
    """Names separated by commas; "none" means no names."""
    return [] if text == "none" else [name for name in every if name in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--k-core", type=int, default=0)
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--baselines", default=",".join(NAMES))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    out = options.out
    build(out, parser, options.k_core)
    split = split_graph(PlaylistGraph.load(out / "graph"), SplitRecipe("mixed"))
    for seed in chosen(options.seeds, tuple(map(str, SEEDS))):
        measure_seed(out, int(seed), split, options.device)
    for name in chosen(options.baselines, NAMES):
        measure_baseline(out, name, split, options.trials)
    figures = summed_up(out)
    write_json(out / "figures.json", figures)
    print(table(figures["systems"]))
    if {"flagship", "EASE+side"} <= set(figures["systems"]):
        ours, theirs = (
            statistics.mean(run["map@10"] for run in figures["systems"][name])
            for name in ("flagship", "EASE+side")
        )
        print(f"\nMAP@10: {ours / theirs:.3f} times that of EASE+side")


if __name__ == "__main__":
    main()
