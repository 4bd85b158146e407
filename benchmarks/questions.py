"""What fits a playlist, and what comes next: both questions, with and without each part.

    SEGUE_REALDATA=/path/to/folder python benchmarks/questions.py OUT [--data titled] [--k-core 10]

Hides 20% of the tracks of playlists, the last ones of some and random ones of as many others, and
leaves the rest to `segue train` with its defaults, which holds out, chooses and measures in it as
for anybody. The bundle as it ships then ranks the hidden tracks: asked the right question, the
wrong one, or either; and with parts of it left out. EASE, tuned on the same validation part, is
asked the same.

`--data titled` is titled-4k.zip, in which every playlist's order is known, `--data 50k` is
playlists-50k.zip, in which that of 5,000 is. An interrupted run resumes: each training, trial and
measurement has its own file in OUT. The summary in OUT/questions.json holds no playlist.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from real_playlists import kept, segue

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
from segue.pipeline.recipes import split as split_by_default
from segue.pipeline.system import SystemScorer
from segue.scoring.recency import Recency

DATA = {"titled": "titled-4k.zip", "50k": "playlists-50k.zip"}
SHOWN = ("map@10", "recall@20", "recall@300", "ndcg@20")
RECENCIES = (0, 2, 8)
EASE = "EASE, tuned"


def variants(bundle: Bundle, hidden: Split) -> dict[str, SystemScorer]:
    """Ways to ask a bundle as it ships, by their names in the table."""
    whole = SystemScorer.of_bundle(replace(bundle, measured=None), hidden)
    stages = replace(whole.stages, second=None)
    first = replace(whole, stages=stages)

    def rebuilt(**parts: Any) -> SystemScorer:
        return replace(first, stages=replace(stages, first=replace(stages.first, **parts)))

    def recency(strength: int) -> SystemScorer:
        questions = replace(stages.questions, next=Recency(float(strength), 1.0))
        return SystemScorer(replace(stages, questions=questions), hidden, "next")

    return {
        "asked its question": whole,
        "by default, either": replace(whole, question="either"),
        "always asked what fits": replace(whole, question="fit"),
        "always asked what comes next": replace(whole, question="next"),
        "its question, no second stage": first,
        "its question, neither second stage nor prior": rebuilt(popularity=None),
        "its question, neither second stage nor wide part": rebuilt(further=()),
        **{f"no second stage, recency {strength}": recency(strength) for strength in RECENCIES},
    }


def measured(path: Path, scorer: Scorer | HeldOutScorer, hidden: Split) -> dict[str, Any]:
    """Figures on the hidden tracks; kept in a file."""
    return kept(path, lambda: evaluate(scorer, hidden.test, hidden.train).to_json())


def measure_seed(out: Path, seed: int, hidden: Split, epochs: int | None) -> dict[str, Any]:
    """Train with one model seed, and measure each variant."""
    folder = out / f"bundle-{seed}"
    if not folder.exists():
        stopped = (out / f"{folder.name}.training" / "checkpoint.safetensors").exists()
        options = ["--resume"] if stopped else []
        options += [] if epochs is None else ["--epochs", str(epochs)]
        segue("train", out / "seen", "--out", folder, "--rng-seed", seed, *options)
    bundle = Bundle.load(folder)
    return {
        "questions": dict(bundle.questions),
        "figures": {
            name: measured(out / f"seed-{seed}-{name.replace(' ', '-')}.json", scorer, hidden)
            for name, scorer in variants(bundle, hidden).items()
        },
    }


def measure_ease(out: Path, hidden: Split, num_trials: int) -> dict[str, Any]:
    split = split_by_default(hidden.train)
    tuning = tune("EASE", split, num_trials, TrialsFile(out / "trials-EASE.jsonl"))
    scorer = BASELINES["EASE"](hidden.train, **tuning.options)
    return {"options": tuning.options, "figures": measured(out / "EASE.json", scorer, hidden)}


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown: for each way to ask, the mean over model seeds by question."""
    heads = [f"{question}: {metric}" for question in ("fit", "next") for metric in SHOWN]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for name, runs in found.items():
        cells = []
        for question in ("fit", "next"):
            for metric in SHOWN:
                each = [run["by_question"][question]["values"][metric] for run in runs]
                cells.append(f"{sum(each) / len(each):.4f}".removeprefix("0"))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=tuple(DATA), default="titled")
    parser.add_argument("--k-core", type=int, default=10)
    parser.add_argument("--seeds", default="0", help="model seeds, separated by commas")
    parser.add_argument("--epochs", type=int, help="of each training; by default as `segue train`")
    parser.add_argument("--trials", type=int, default=8, help="of EASE; 0 leaves it out")
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "graph").exists():
        folder = os.environ.get("SEGUE_REALDATA")
        if not folder:
            parser.error(f"SEGUE_REALDATA must name the folder that holds {DATA[options.data]}")
        source = Path(folder, DATA[options.data])
        segue("build", source, "--out", out / "graph", "--k-core", options.k_core)
    hidden = split_graph(PlaylistGraph.load(out / "graph"), SplitRecipe("mixed", 0.2, 0.0))
    if not (out / "seen").exists():
        hidden.train.save(out / "seen")
    seeds = [int(seed) for seed in options.seeds.split(",")]
    runs = {seed: measure_seed(out, seed, hidden, options.epochs) for seed in seeds}
    figures = {name: [run["figures"][name] for run in runs.values()] for name in
               next(iter(runs.values()))["figures"]}  # fmt: skip
    content: dict[str, Any] = {
        "machine": machine(),
        "data": options.data,
        "k_core": options.k_core,
        "epochs": options.epochs,
        "questions": {seed: run["questions"] for seed, run in runs.items()},
    }
    if options.trials:
        ease = measure_ease(out, hidden, options.trials)
        figures[EASE] = [ease["figures"]]
        content["EASE"] = ease["options"]
    shown = {
        name: [{q: {m: of["values"][m] for m in SHOWN} for q, of in run["by_question"].items()}
               for run in each] for name, each in figures.items()
    }  # fmt: skip
    write_json(out / "questions.json", content | {"figures": shown})
    print(json.dumps(content["questions"]))
    print(table(figures))


if __name__ == "__main__":
    main()
