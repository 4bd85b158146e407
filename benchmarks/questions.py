"""What fits a playlist, and what comes next: both questions, with and without each part.

    SEGUE_REALDATA=/path/to/folder python benchmarks/questions.py OUT [--data titled] [--k-core 10]

Hides 20% of the tracks of playlists, the last ones of some and random ones of as many others, and
leaves the rest to `segue train` with its defaults, which holds out, chooses and measures in it as
for anybody. The bundle as it ships then ranks the hidden tracks: asked the right question, the
wrong one, or either; and with parts of it left out. EASE, tuned on the same validation part, is
asked the same. A second table shows how far one list can serve both questions: ordered playlists
ask for either, and their lists are put in order with more and more weight on what comes next.

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

import numpy as np
from real_playlists import kept, segue

from segue.baselines import BASELINES
from segue.baselines.tuning import TrialsFile, tune
from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.evaluation.evaluate import evaluate
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.machine import machine
from segue.metrics import HeldOutRanks, average_precision, ndcg, recall
from segue.pipeline.recipes import split as split_by_default
from segue.pipeline.system import SystemScorer
from segue.scoring.query import EITHER, FIT, NEXT
from segue.scoring.recency import Recency
from segue.training.cases import Cases

DATA = {"titled": "titled-4k.zip", "50k": "playlists-50k.zip"}
SHOWN = ("map@10", "recall@20", "recall@300", "ndcg@20")
RECENCIES = (0, 2, 8)
EASE = "EASE, tuned"
# Of the front: the share of what comes next in the weights of both questions, and what is measured.
SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FRONT_METRICS = {
    "map@10": lambda ranks: average_precision(ranks, 10),
    "recall@20": lambda ranks: recall(ranks, 20),
    "ndcg@20": lambda ranks: ndcg(ranks, 20),
}


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
        "by default, no second stage": replace(first, question="either"),
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
        "front": kept(
            out / f"front-{seed}.json",
            lambda: front(variants(bundle, hidden)["asked its question"], hidden),
        ),
    }


def front(whole: SystemScorer, hidden: Split) -> dict[str, Any] | None:
    """Figures of ordered playlists by question, for each weight of what comes next in their lists.

    Under ``"own"`` each is asked its own question: what the others are to be compared with. None
    without a second stage, or if only one question is asked of ordered playlists.
    """
    first, second, found = whole.stages.first, whole.stages.second, {}
    rows = np.flatnonzero(hidden.order_known(hidden.test) & (hidden.test.targets.lengths > 0))
    own = Cases.of(hidden, hidden.test.rows(rows), titles=first.centroid.words is not None)
    if second is None or not {FIT, NEXT} <= set(own.asks.tolist()):
        return None
    either = replace(own, asks=np.full(len(own), EITHER, dtype=np.int8))
    orders = {"own": np.ones(1)} | {
        f"{share:.2f}": np.array([1 - share, share]) for share in SHARES
    }
    for cases, names in ((own, ["own"]), (either, list(orders)[1:])):
        query = cases.query(whole.stages.questions)
        pool, _ = first.best(query, second.pool_size, excluded=own.held_out.known)
        odds = second.odds(query, pool, np.arange(len(pool)))
        for name in names:
            by = [orders[name] @ np.exp(of_list) for of_list in odds]
            ranks = ranks_in(pool, by, own.held_out.targets)
            found[name] = {
                question: {name: float(metric(ranks)[own.asks == code].mean())
                           for name, metric in FRONT_METRICS.items()}
                for question, code in (("fit", FIT), ("next", NEXT))
            }  # fmt: skip
    return found


def ranks_in(pool: np.ndarray, by: list[np.ndarray], targets: TrackLists) -> HeldOutRanks:
    """Ranks of targets in pools that are put in an order; of others one far below."""
    ranks = np.full(targets.num_pairs, 10**6)
    for row, values in enumerate(by):
        ordered = pool[row, np.argsort(-values, kind="stable")]
        at = slice(targets.offsets[row], targets.offsets[row + 1])
        hit = ordered[:, None] == targets.track_index[at]
        place, which = np.nonzero(hit)
        ranks[at][which] = place + 1
    return HeldOutRanks(targets.offsets, ranks, np.full(len(targets), np.nan))


def front_table(fronts: list[dict[str, Any]]) -> str:
    """Markdown: means over model seeds, as shares of what each question has by itself."""
    columns = [(question, name) for question in ("fit", "next") for name in FRONT_METRICS]
    heads = [f"{question}: {name}" for question, name in columns]
    lines = ["| weight of what comes next | " + " | ".join(heads) + " |", "|---" * 7 + "|"]
    for share in fronts[0]:
        cells = [np.mean([of[share][q][name] / of["own"][q][name] for of in fronts])
                 for q, name in columns]  # fmt: skip
        lines.append(f"| {share} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")
    return "\n".join(lines)


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
    fronts = [run["front"] for run in runs.values() if run["front"]]
    write_json(out / "questions.json", content | {"figures": shown, "front": fronts})
    print(json.dumps(content["questions"]))
    print(table(figures))
    if fronts:
        print(front_table(fronts))


if __name__ == "__main__":
    main()
