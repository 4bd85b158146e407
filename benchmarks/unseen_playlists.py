"""Unseen playlists with few tracks given: the flagship and baselines, on real playlists.

    SEGUE_REALDATA=/path/to/folder python benchmarks/unseen_playlists.py OUT [--trials 4]

Holds out 20% of the playlists of the 10-core entirely, runs `segue train` on the others with model
seeds 0, 1 and 2, tunes the baselines on validation playlists with five tracks given, and measures
all on the test playlists with 1, 2, 3, 5, 10 and 25 tracks given (a playlist counts if something is
left to find). An interrupted run resumes: each training, trial and measurement has its own file in
OUT; --seeds and --baselines select which of them to do. OUT/unseen.json summarises them and
contains no individual playlist.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from real_playlists import SEEDS, build, chosen, scorers_of, train

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

GIVEN = (1, 2, 3, 5, 10, 25)
NAMES = ("popularity", "item-kNN", "RP3beta", "EASE", "EASE+side", "iALS")
# What is shown of the system, and the files: as it answers, without holding back songs by the
# artists of those given, and its vectors alone.
BY_SCORE = "by the score alone"
SYSTEMS = {"flagship": "flagship", BY_SCORE: "score", "vectors, no recency": "vectors"}
SHOWN = ("recall@20", "recall@300", "ndcg@20", "auc", "artist share@10", "artist diversity@10")


def measure(path: Path, split: Split, scorer: Scorer | HeldOutScorer) -> dict[str, Any]:
    """All metrics by the number of tracks given; stored in a file."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for given in GIVEN:
        if str(given) not in found:
            test = split.given(given).test
            found[str(given)] = evaluate(scorer, test, split.train).to_json()
            write_json(path, found)
    return found


def baseline(out: Path, name: str, split: Split, num_trials: int) -> dict[str, Any]:
    path = out / f"unseen-{name}.json"
    if path.exists() and len(found := json.loads(path.read_text())) == len(GIVEN):
        return found
    tuning = tune(name, split, num_trials, TrialsFile(out / "unseen-trials.jsonl"))
    return measure(path, split, BASELINES[name](split.train, **tuning.options))


def table(models: dict[str, list[dict[str, Any]]], metric: str) -> str:
    """Markdown: numbers of tracks given as rows, the best of each in bold.

    Shares of artists are beside those of the held-out tracks, as no value is best by itself.
    """
    real = f"{metric.partition('@')[0]} of held-out"
    first = next(iter(models.values()))[0]
    of_artists = real in first[str(GIVEN[0])]["values"]
    columns = [*models, *(["held-out tracks"] if of_artists else [])]
    lines = [f"| {metric} | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    for given in map(str, GIVEN):
        runs = [[run[given]["values"][metric] for run in of] for of in models.values()]
        means = [statistics.mean(run) for run in runs]
        cells = [f"{mean:.4f}".removeprefix("0") for mean in means]
        if of_artists:
            cells.append(f"{first[given]['values'][real]:.4f}".removeprefix("0"))
        else:
            best = means.index(max(means))
            cells[best] = f"**{cells[best]}**"
        if len(runs[0]) > 1:
            cells[0] += f" ± {statistics.stdev(runs[0]):.4f}".replace("0.", ".")
        lines.append(f"| {given} given | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--baselines", default=",".join(NAMES))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    out = options.out
    build(out, parser)
    graph = PlaylistGraph.load(out / "graph")
    split = split_graph(graph, SplitRecipe("playlists"))
    for seed in chosen(options.seeds, tuple(map(str, SEEDS))):
        trained = train(
            out, f"unseen-{seed}", "--split", "playlists", "--rng-seed", seed,
            "--device", options.device,
        )  # fmt: skip
        bundle = Bundle.load(trained)
        measured = split_of(bundle, graph)
        scorers = scorers_of(bundle, measured)
        scorers[BY_SCORE] = SystemScorer.of_bundle(bundle, measured, variety=0.0)
        for name, file in SYSTEMS.items():
            measure(out / f"unseen-{file}-{seed}.json", split, scorers[name])
    models = {
        name: [json.loads(path.read_text()) for path in sorted(out.glob(f"unseen-{file}-?.json"))]
        for name, file in SYSTEMS.items()
    }
    for name in chosen(options.baselines, NAMES):
        models[name] = [baseline(out, name, split, options.trials)]
    models = {name: runs for name, runs in models.items() if runs}
    first = next(iter(models.values()))[0]
    counted = {given: first[str(given)]["num_scored"] for given in GIVEN}
    write_json(out / "unseen.json", {"playlists": counted, "machine": machine(), "models": models})
    print(f"Test playlists by tracks given: {counted}")
    for metric in SHOWN:
        print(f"\n{table(models, metric)}")


if __name__ == "__main__":
    main()
