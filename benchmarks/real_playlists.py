"""The README's table on real playlists: LightGCN by three model seeds beside tuned baselines.

    SEGUE_REALDATA=/path/to/folder python benchmarks/real_playlists.py OUT [--trials 8]

Builds the 10-core of playlists-50k.zip, trains the default LightGCN with model seeds 0, 1 and 2 and
once more with albums, tunes and measures every baseline on the same split, and prints the table.
Needs about an hour and a half on two cores, and goes on where it was stopped: each training, trial
and evaluation leaves its own files in OUT. What OUT/figures.json sums up holds no single playlist.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from segue.files import write_json

SEEDS = (0, 1, 2)
DECIMALS = {"clicks": 2, "novelty@20": 2, "novelty@300": 2}


def segue(*args: object) -> str:
    """Run the program, its words on this terminal; gives what it prints."""
    program = Path(sys.executable).with_name("segue")
    ran = subprocess.run([program, *map(str, args)], stdout=subprocess.PIPE, text=True, check=True)
    return ran.stdout


def build(out: Path, parser: argparse.ArgumentParser) -> None:
    """The 10-core of the real playlists, as OUT/graph."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "graph").exists():
        folder = os.environ.get("SEGUE_REALDATA")
        if not folder:
            parser.error("SEGUE_REALDATA must name the folder that holds playlists-50k.zip")
        source = Path(folder, "playlists-50k.zip")
        segue("build", source, "--out", out / "graph", "--k-core", 10)


def train(out: Path, name: str, *options: object) -> Path:
    bundle = out / name
    if not bundle.exists():
        stopped = (out / f"{name}.training" / "checkpoint.safetensors").exists()
        resume = ["--resume"] if stopped else []
        segue("train", out / "graph", "--out", bundle, "--no-refit", *options, *resume)
    return bundle


def evaluate(out: Path, name: str, bundle: Path, *options: object) -> dict[str, Any]:
    path = out / f"{name}.json"
    if not path.exists():
        write_json(path, json.loads(segue("evaluate", bundle, out / "graph", *options, "--json")))
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def manifest(bundle: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bundle / "manifest.json").read_text())
    return content


def best_validation(bundle: Path) -> dict[str, Any]:
    lines = (bundle / "metrics.jsonl").read_text().splitlines()
    return max(map(json.loads, lines), key=lambda entry: entry["ndcg@20"])


def table(figures: dict[str, Any]) -> str:
    """Markdown: metrics as rows, the best of each in bold."""
    ours, baselines = figures["lightgcn"], figures["baselines"]
    lines = ["| | LightGCN | " + " | ".join(baselines) + " |", "|---" * (2 + len(baselines)) + "|"]
    for metric, values in ours.items():
        digits = DECIMALS.get(metric, 4)
        means = [statistics.mean(values), *(b["values"][metric] for b in baselines.values())]
        cells = [f"{mean:.{digits}f}".removeprefix("0") for mean in means]
        if not metric.startswith(("novelty", "coverage")):
            best = (min if metric == "clicks" else max)(range(len(means)), key=means.__getitem__)
            cells[best] = f"**{cells[best]}**"
        deviation = f"{statistics.stdev(values):.{digits}f}".removeprefix("0")
        lines.append(f"| {metric} | {cells[0]} ± {deviation} | " + " | ".join(cells[1:]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=8)
    options = parser.parse_args()
    out = options.out
    build(out, parser)

    bundles = [train(out, f"bundle-{seed}", "--rng-seed", seed) for seed in SEEDS]
    with_albums = train(out, "bundle-albums", "--relations", "artist,album")
    runs = [manifest(bundle)["metrics"]["test"]["values"] for bundle in bundles]
    trials = ("--trials", options.trials, "--trials-file", out / "trials.jsonl")
    measured = evaluate(out, "baselines", bundles[0], "--baselines", *trials)
    measured.pop("lightgcn")
    tried = [json.loads(line) for line in (out / "trials.jsonl").read_text().splitlines()]
    figures = {
        "graph": manifest(out / "graph")["num_nodes"],
        "processor": platform.processor() or platform.machine(),
        "lightgcn": {metric: [run[metric] for run in runs] for metric in runs[0]},
        "training_seconds": [manifest(bundle)["config"]["seconds"] for bundle in bundles],
        "baselines": measured,
        "best_recall@300_of_any_trial": max(t["validation"]["recall@300"] for t in tried),
        "validation": {
            "artist": [best_validation(bundle) for bundle in bundles],
            "artist,album": [best_validation(with_albums)],
        },
    }
    write_json(out / "figures.json", figures)
    print(table(figures))
    for name, baseline in measured.items():
        chosen = ", ".join(f"{option} {value:g}" for option, value in baseline["options"].items())
        print(f"{name}: {chosen or 'nothing to choose'}, of {baseline['num_trials']} trials")
    for relations, entries in figures["validation"].items():
        for entry in entries:
            validation = ", ".join(f"{m} {entry[m]:.4f}" for m in ("recall@20", "ndcg@20", "auc"))
            print(f"validation, relations {relations}: {validation}, {entry['relation_weight']}")
    print(f"training: {figures['training_seconds']} seconds")


if __name__ == "__main__":
    main()
