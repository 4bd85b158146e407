"""What titles add to lists, told apart from what tracks say, and how well titles are suggested.

    python benchmarks/titles.py OUT --data generated [--seeds 0 1 2]
    SEGUE_REALDATA=/path/to/folder python benchmarks/titles.py OUT --data real
    python benchmarks/titles.py OUT --data generated --table

*generated*: 100,000 playlists by `segue generate`. Its titles are shaped like real ones, by how
often they repeat and how much more alike playlists of the same title are, but their words are names
of what a playlist was drawn from, so figures from them prove that the way works, not how much it
gains. *real*: titled-4k.zip, 4,071 playlists of the Million Playlist Dataset.

Whole playlists are held out. Of each, no track or the first 1, 5, 10 or 25 are shown, the rest is
to be found; only playlists with more than 25 tracks and a known word in the title count, the same
for every kind. Two models are trained for each model seed, one with the words of titles and one
without; the first is asked with each title and without, so that what the words of a query add is
told apart from what words do to the vectors of tracks in training. No wide part, no second stage.
Beside them: popularity, and the tracks most frequent in training playlists of the same title.

Each training is a unit with its own file in OUT: an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import segue
from segue.bundle import Bundle
from segue.data.playlists import Float32Array
from segue.data.title_words import is_part, title_words
from segue.evaluation.ranking import rank
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe, split_graph
from segue.machine import machine
from segue.metrics import METRICS
from segue.pipeline.recipes import config_for
from segue.pipeline.system import SystemScorer
from segue.recommend.recommender import Recommender
from segue.scoring.two_stages import TwoStages

GIVEN = (0, 1, 5, 10, 25)
MEASURED = ("r-precision", "ndcg@20", "recall@20", "recall@300", "clicks")
# How each collection is made and trained. The generated one is cut down to what two cores train in
# a few minutes.
DATA: dict[str, dict[str, Any]] = {
    "generated": {
        "k_core": 60,
        "train": {"dim": 64, "num_layers": 2, "epochs": 4, "batch_size": 512},
    },
    "real": {"k_core": 5, "train": {}},
}
NUM_GENERATED = 100_000
ARMS = ("words", "none")


def graph_of(out: Path, data: str) -> PlaylistGraph:
    """The graph, built once."""
    folder = out / f"graph-{data}"
    if not folder.exists():
        if data == "generated":
            source = out / "generated"
            if not source.exists():
                segue.generate(source, NUM_GENERATED)
        else:
            source = Path(os.environ["SEGUE_REALDATA"], "titled-4k.zip")
        segue.build(source, k_core=DATA[data]["k_core"], title_words=True).save(folder)
    return PlaylistGraph.load(folder)


class Popularity:
    """The most popular tracks, whatever is asked."""

    def __init__(self, split: Split) -> None:
        self.popularity = split.train.popularity.astype(np.float32)

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        return np.tile(self.popularity, (len(held_out.query), 1))


class SameTitle(Popularity):
    """The tracks most frequent in training playlists with the same words in the title."""

    def __init__(self, split: Split) -> None:
        super().__init__(split)
        self.tracks = split.train.playlists.tracks
        titles = split.graph.playlists.titles.to_pylist()
        self.key = [frozenset(title_words(title)) for title in titles]
        self.rows: dict[frozenset[str], list[int]] = defaultdict(list)
        for row in np.flatnonzero(self.tracks.lengths > 0).tolist():
            self.rows[self.key[row]].append(row)

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        # Popularity orders what no playlist of that title has.
        scores = super().held_out_scores(held_out) / (1 + self.popularity.sum())
        for place, row in enumerate(held_out.playlist_index.tolist()):
            same = self.tracks.rows(np.array(self.rows[self.key[row]], dtype=np.int64))
            scores[place] += same.track_counts(len(self.popularity))
        return scores


def cut(split: Split, given: int) -> HeldOut:
    """The test playlists with that many tracks shown."""
    in_order = split.test.query.joined(split.test.targets)
    held_out = HeldOut.of_new_playlists(in_order, given, split.test.playlist_index)
    words = split.title_words(held_out)
    titled = np.zeros(len(in_order), dtype=bool) if words is None else words.lengths > 0
    return held_out.rows(np.flatnonzero((in_order.lengths > max(GIVEN)) & titled))


def measured(scorer: Scorer | HeldOutScorer, split: Split) -> dict[str, dict[str, float]]:
    """The figures of each kind."""
    found = {}
    for given in GIVEN:
        rankings = rank(scorer, cut(split, given), split.train, list_length=20)
        found[str(given)] = {
            metric.name: round(metric.value(rankings), 5)
            for metric in METRICS
            if metric.name in MEASURED
        }
    return found


def suggested(bundle: Bundle, split: Split) -> dict[str, float]:
    """How often a true word is among the first ten words suggested, and among the most common.

    Words count that some training playlist is called: the others, as "of", are no titles.
    """
    held_out = cut(split, 0)
    playlists = split.train.playlists.rows(np.flatnonzero(split.train.playlists.tracks.lengths))
    recommender = Recommender(replace(bundle, playlists=playlists), second_stage=False)
    titles = split.graph.playlists.titles
    ids = split.graph.catalog.nodes["word"].ids.to_pylist()
    called = {tuple(title_words(title)) for title in playlists.titles.to_pylist()}
    words = {word for word in ids if not is_part(word) and (word,) in called}
    degree = split.train.relations["word"].target_degree
    degree = np.where([word in words for word in ids], degree, 0)
    common = {ids[row] for row in np.argsort(-degree, kind="stable")[:10].tolist()}
    hits, by_frequency, count = 0, 0, 0
    for row in range(len(held_out.query)):
        true = words.intersection(title_words(titles[int(held_out.playlist_index[row])].as_py()))
        if not true:
            continue
        tracks = [split.graph.catalog.track_ids[t].as_py() for t in held_out.targets[row].tolist()]
        first: dict[str, None] = {}
        for found in recommender.title(tracks, 30).titles:
            first |= dict.fromkeys(word for word in title_words(found.title) if word in words)
        hits += bool(true.intersection(list(first)[:10]))
        by_frequency += bool(true & common)
        count += 1
    return {
        "playlists": count,
        "suggested": round(hits / count, 4),
        "most common words": round(by_frequency / count, 4),
    }


def unit(out: Path, data: str, arm: str, seed: int, split: Split) -> None:
    """Train one model and measure it, unless that is done."""
    path = out / f"{data}-{arm}-{seed}.json"
    if path.exists():
        return
    config = config_for("lightgcn", rng_seed=seed, **DATA[data]["train"])
    if arm == "words":
        config = replace(config, relations=(*config.relations, "word"))
    folder = out / f"{data}-{arm}-{seed}.training"
    bundle = segue.train(
        split, config=config, system=segue.SystemConfig(), refit=False, folder=folder, progress=True
    )
    stages = TwoStages.of(bundle, split.graph.catalog, None)
    content: dict[str, Any] = {
        "config": bundle.config,
        "machine": machine(),
        "num_playlists": len(cut(split, 0).query),
        "asked without": measured(SystemScorer(stages, split, titles=False), split),
    }
    if arm == "words":
        content["asked with"] = measured(SystemScorer(stages, split), split)
        content["titles"] = suggested(bundle, split)
    write_json(path, content)


def baselines(out: Path, data: str, split: Split) -> None:
    """Measure what needs no training."""
    path = out / f"{data}-baselines.json"
    if not path.exists():
        scorers: dict[str, HeldOutScorer] = {
            "popularity": Popularity(split),
            "same title": SameTitle(split),
        }
        write_json(path, {name: measured(scorer, split) for name, scorer in scorers.items()})


def table(out: Path, data: str, metric: str) -> str:
    """Means and standard deviations over the model seeds, as Markdown."""
    rows: dict[str, list[list[float]]] = defaultdict(list)
    named = {
        ("none", "asked without"): "trained without words",
        ("words", "asked without"): "trained with words, asked without title",
        ("words", "asked with"): "trained with words, asked with title",
    }
    for name, found in json.loads((out / f"{data}-baselines.json").read_text()).items():
        rows[name].append([found[str(given)][metric] for given in GIVEN])
    for (arm, asked), name in named.items():
        for path in sorted(out.glob(f"{data}-{arm}-[0-9]*.json")):
            found = json.loads(path.read_text())[asked]
            rows[name].append([found[str(given)][metric] for given in GIVEN])
    shown = ["title only", *(f"title + {given}" for given in GIVEN[1:])]
    lines = [f"| {metric} | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name, values in rows.items():
        columns = list(zip(*values, strict=True))
        cells = [
            f"{statistics.mean(each):.4f}"
            + (f" ± {statistics.stdev(each):.4f}" if len(each) > 1 else "")
            for each in columns
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=list(DATA), required=True)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS))
    parser.add_argument("--table", action="store_true", help="Only print what there is.")
    args = parser.parse_args()
    if args.data == "real" and not args.table and not os.environ.get("SEGUE_REALDATA"):
        parser.error("SEGUE_REALDATA must name the folder that holds titled-4k.zip")
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.table:
        split = split_graph(graph_of(args.out, args.data), SplitRecipe("playlists", 0.1, 0.1))
        baselines(args.out, args.data, split)
        for seed in args.seeds:
            for arm in args.arms:
                unit(args.out, args.data, arm, seed, split)
    for metric in MEASURED:
        print(table(args.out, args.data, metric), end="\n\n")


if __name__ == "__main__":
    main()
