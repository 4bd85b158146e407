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
without; the first is asked with each title, with the vectors of its words alone, and without, so
that what the words of a query add is told apart from what words do to the vectors of tracks in
training. No wide part, no second stage.
Beside them: popularity, and the tracks most frequent in training playlists of the same title. By a
title alone all are also measured by how many training playlists have it.

Each training is a unit with its own file in OUT: an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import segue
from segue.bundle import Bundle
from segue.data.playlists import Float32Array
from segue.data.title_words import is_shown, title_words
from segue.evaluation.ranking import rank
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.machine import machine
from segue.metrics import METRICS
from segue.pipeline.recipes import config_for
from segue.pipeline.system import SystemScorer
from segue.recommend.recommender import Recommender
from segue.scoring.two_stages import TwoStages

GIVEN = (0, 1, 5, 10, 25)
# The fewest training playlists of the same title, for each class of titles.
CLASSES = (0, 1, 5, 20)
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
        self.key = keys(split)
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


def keys(split: Split) -> list[frozenset[str]]:
    """For each playlist what its title has in common with those that are the same."""
    return [frozenset(title_words(title)) for title in split.graph.playlists.titles.to_pylist()]


def cut(split: Split, given: int) -> HeldOut:
    """The test playlists with that many tracks shown."""
    in_order = split.test.query.joined(split.test.targets)
    held_out = HeldOut.of_new_playlists(in_order, given, split.test.playlist_index)
    words = split.title_words(held_out)
    titled = np.zeros(len(in_order), dtype=bool) if words is None else words.lengths > 0
    return held_out.rows(np.flatnonzero((in_order.lengths > max(GIVEN)) & titled))


def measured(scorer: Scorer | HeldOutScorer, split: Split) -> dict[str, dict[str, float]]:
    """The figures of each kind."""
    return {str(given): figures(scorer, split, cut(split, given)) for given in GIVEN}


def figures(scorer: Scorer | HeldOutScorer, split: Split, held_out: HeldOut) -> dict[str, float]:
    """The figures of some playlists."""
    rankings = rank(scorer, held_out, split.train, list_length=20)
    return {m.name: round(m.value(rankings), 5) for m in METRICS if m.name in MEASURED}


def by_class(scorer: Scorer | HeldOutScorer, split: Split) -> dict[str, dict[str, float]]:
    """The figures by a title alone, by the number of training playlists of the same title."""
    key, held_out, found = keys(split), cut(split, 0), {}
    trained = Counter(key[row] for row in np.flatnonzero(split.train.playlists.tracks.lengths))
    number = np.array([trained[key[row]] for row in held_out.playlist_index.tolist()])
    for least, end in zip(CLASSES, (*CLASSES[1:], np.inf), strict=True):
        rows = np.flatnonzero((number >= least) & (number < end))
        if len(rows):
            some = figures(scorer, split, held_out.rows(rows))
            found[str(least)] = {"playlists": len(rows), **some}
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
    words = {word for word in ids if is_shown(word) and (word,) in called}
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
    system = segue.SystemConfig({"words": segue.WordOddsConfig()} if arm == "words" else {})
    folder = out / f"{data}-{arm}-{seed}.training"
    bundle = segue.train(
        split, config=config, system=system, refit=False, folder=folder, progress=True
    )
    stages = TwoStages.of(bundle, split.graph.catalog, None)
    content: dict[str, Any] = {
        "config": bundle.config,
        "machine": machine(),
        "num_playlists": len(cut(split, 0).query),
        "asked without": measured(SystemScorer(stages, split, titles=False), split),
    }
    if arm == "words":
        alone = TwoStages.of(replace(bundle, terms={}), split.graph.catalog, None)
        content["asked with vectors alone"] = measured(SystemScorer(alone, split), split)
        content["asked with"] = measured(SystemScorer(stages, split), split)
        content["by class"] = by_class(SystemScorer(stages, split), split)
        content["titles"] = suggested(bundle, split)
    write_json(path, content)


def baselines(out: Path, data: str, split: Split) -> None:
    """Measure what needs no training."""
    path = out / f"{data}-baselines.json"
    if path.exists():
        return
    scorers: dict[str, HeldOutScorer] = {
        "popularity": Popularity(split),
        "same title": SameTitle(split),
    }
    found = {name: measured(scorer, split) for name, scorer in scorers.items()}
    classes = {name: by_class(scorer, split) for name, scorer in scorers.items()}
    write_json(path, {"by kind": found, "by class": classes})


def table_by_class(out: Path, data: str, metric: str) -> str:
    """Means and standard deviations by a title alone, as Markdown."""
    rows = {
        name: [found]
        for name, found in json.loads((out / f"{data}-baselines.json").read_text())[
            "by class"
        ].items()
    }
    paths = sorted(out.glob(f"{data}-words-[0-9]*.json"))
    rows["trained with words"] = [json.loads(path.read_text())["by class"] for path in paths]
    classes = rows["popularity"][0]
    ends = [f"to {int(end) - 1}" for end in [*classes][1:]] + ["and more"]
    shown = [
        f"{least} {end} ({of['playlists']})"
        for (least, of), end in zip(classes.items(), ends, strict=True)
    ]
    lines = [f"| {metric} | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name, runs in rows.items():
        cells = [spread([run[least][metric] for run in runs]) for least in classes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    text = f"{statistics.mean(values):.4f}"
    return text + (f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else "")


def table(out: Path, data: str, metric: str) -> str:
    """Means and standard deviations over the model seeds, as Markdown."""
    rows: dict[str, list[list[float]]] = defaultdict(list)
    named = {
        ("none", "asked without"): "trained without words",
        ("words", "asked without"): "trained with words, asked without title",
        ("words", "asked with vectors alone"): "asked with title, by vectors alone",
        ("words", "asked with"): "asked with title",
    }
    kinds = json.loads((out / f"{data}-baselines.json").read_text())["by kind"]
    for name, found in kinds.items():
        rows[name].append([found[str(given)][metric] for given in GIVEN])
    for (arm, asked), name in named.items():
        for path in sorted(out.glob(f"{data}-{arm}-[0-9]*.json")):
            found = json.loads(path.read_text())[asked]
            rows[name].append([found[str(given)][metric] for given in GIVEN])
    shown = ["title only", *(f"title + {given}" for given in GIVEN[1:])]
    lines = [f"| {metric} | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name, values in rows.items():
        cells = [spread(list(column)) for column in zip(*values, strict=True)]
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
    print(table_by_class(args.out, args.data, "ndcg@20"))


if __name__ == "__main__":
    main()
