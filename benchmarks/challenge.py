"""The RecSys Challenge 2018 on playlists that anybody can make, or on real ones.

    python benchmarks/challenge.py OUT [--data generated] [--playlists 10000]
    SEGUE_REALDATA=/path/to/folder python benchmarks/challenge.py OUT --data untitled | titled

Holds playlists out by `segue challenge make`, trains Segue with three model seeds on what is left,
fits the baselines on the same, submits, checks and scores all, and prints the tables.

- ``generated``: playlists of `segue generate`, whose titles carry meaning by construction.
- ``untitled``: playlists-50k.zip, real playlists without titles, 5,000 of them in a known order.
- ``titled``: titled-4k.zip, few real playlists with their titles.

Segue is scored as it answers, without its second stage, with the last tracks given counted more as
in completing a playlist, and where there are titles also asked without them, with the vectors of
their words alone, and trained without them. Baselines are tuned on the playlists that validate
Segue, until no point next to the best of their grids is better, or for --trials. On generated
playlists there is a row for about what can be known from a title: title-kNN of ten times as many
other playlists of the same world. An interrupted run resumes: each training, trial and score has
its own file in OUT, and --seeds and --systems select which to do. The summary, OUT/figures.json,
holds no individual playlist.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from real_playlists import chosen, kept, segue

from segue.baselines import BASELINES
from segue.baselines.title_neighbours import TitleKNN
from segue.baselines.tuning import TrialsFile, tune
from segue.bundle import Bundle
from segue.challenge.answering import known_tracks, query_of_set, submit, write_lists
from segue.challenge.challenge_set import Challenge, read_challenge
from segue.challenge.scoring import ALL, DEFINITIONS, METRICS, score
from segue.challenge.submission import LIST_LENGTH, check
from segue.data.playlists import Float32Array, Int32Array
from segue.data.title_words import title_words
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.machine import machine
from segue.recommend.recommender import Recommender
from segue.scoring.best import row_batches, top_tracks
from segue.synthetic.generate import SliceMaker
from segue.synthetic.sample import SLICE_SIZE

SEEDS = (0, 1, 2)
TITLE_KNN, MANY_TITLES = "title-kNN", "title-kNN of ten times as many"
WITH_RECENCY, BY_VECTORS = "the end counts more", "titles by vectors alone"
# Of Segue: by name whether the words of titles are trained, asked, and the second stage is used.
OURS = {
    "Segue": (True, True, True),
    "without second stage": (True, True, False),
    BY_VECTORS: (True, True, True),
    "asked without titles": (True, False, True),
    "trained without titles": (False, False, True),
    WITH_RECENCY: (True, True, True),
}
NAMES = ("popularity", TITLE_KNN, MANY_TITLES, "item-kNN", "EASE", "iALS")
# What validates: whole playlists, as they are held out.
VALIDATION_SHARE = 0.07
TEAM = {"team": "segue", "email": "nobody@example.com"}


@dataclass(frozen=True)
class Data:
    """A source, and how much of it is held out."""

    titled: bool
    per_kind: int
    k_core: int
    any_length: bool = False
    file: str | None = None


DATA = {
    "generated": Data(True, 100, 10),
    "untitled": Data(False, 150, 30, file="playlists-50k.zip"),
    "titled": Data(True, 40, 5, file="titled-4k.zip"),
}


def prepare(out: Path, data: Data, options: argparse.Namespace) -> None:
    """The challenge and the graphs of its training part."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "challenge").exists():
        if data.file is None:
            source = out / "playlists"
            if not source.exists():
                segue("generate", "--playlists", options.playlists, "--out", source)
        else:
            source = Path(os.environ["SEGUE_REALDATA"], data.file)
        cut = ("--per-kind", data.per_kind, "--k-core", data.k_core)
        segue("challenge", "make", source, "--out", out / "challenge", *cut)
    for name, words in (("graph", ()), ("titled", ("--title-words",))):
        if not (out / name).exists() and (data.titled or not words):
            segue("build", out / "challenge" / "training", "--out", out / name, *words)


def train(out: Path, seed: int, *, titles: bool, options: argparse.Namespace) -> Path:
    """A bundle, trained on all playlists but a few for validation, held out whole as in the set."""
    name = f"{'titled' if titles else 'plain'}-{seed}"
    bundle = out / name
    if not bundle.exists():
        stopped = (out / f"{name}.training" / "checkpoint.safetensors").exists()
        how = ["--split", "playlists", "--test-share", 0, "--validation-share", VALIDATION_SHARE]
        how += ["--dim", options.dim, "--epochs", options.epochs, "--rng-seed", seed]
        how += ["--resume"] if stopped else []
        started = time.perf_counter()
        graph = out / ("titled" if titles else "graph")
        segue("train", graph, "--out", bundle, "--no-refit", "--no-playlists", *how)
        write_json(out / f"{name}.seconds.json", round(time.perf_counter() - started))
    return bundle


def scored(out: Path, name: str, challenge: Challenge, write: Callable[[Path], Any]) -> Any:
    """The scores of what `write` submits, by definitions, kind and metric; stored in a file."""

    def made() -> dict[str, Any]:
        path = out / "submission.csv.gz"
        path.unlink(missing_ok=True)
        started = time.perf_counter()
        write(path)
        seconds = time.perf_counter() - started
        if found := check(path, challenge.asked):
            raise RuntimeError(f"{name}: {found[0]}")
        found = score(path, challenge)
        path.unlink()
        return {
            "seconds": round(seconds, 1),
            "num_playlists": found.num_playlists,
            "values": found.values,
        }

    return kept(out / f"scores-{name.replace(' ', '-')}.json", made)


def score_ours(out: Path, challenge: Challenge, name: str, seed: int, options: Any) -> None:
    trained, asked, second = OURS[name]
    bundle = train(out, seed, titles=trained and DATA[options.data].titled, options=options)

    def write(path: Path) -> None:
        loaded = Bundle.load(bundle)
        if name == BY_VECTORS:
            loaded = replace(loaded, terms={k: v for k, v in loaded.terms.items() if k != "words"})
        recommender = Recommender(loaded, second_stage=second and None)
        if name != WITH_RECENCY:
            submit(recommender, challenge.asked, path, titles=asked, **TEAM)
            return
        catalog = recommender.bundle.catalog
        query, _ = query_of_set(recommender, challenge.asked)
        write_lists(
            path,
            challenge.asked,
            catalog.track_ids,
            lambda rows: recommender.rank(query.rows(rows), LIST_LENGTH)[0],
            **TEAM,
        )

    scored(out, f"{name}-{seed}", challenge, write)


class ManyTitles:
    """As `TitleKNN`, of other generated playlists of the same world, asked for some titles only.

    It has no data that a recommender could have: it tells about how much there is to know.
    """

    def __init__(self, graph: PlaylistGraph, titles: list[str | None], first: int, count: int):
        self._rest = graph.popularity.astype(np.float32) / (1 + graph.popularity.max())
        self._counts = {key(title): np.zeros_like(self._rest) for title in titles if key(title)}
        index_of, maker = graph.catalog.tracks.index_of, SliceMaker(0)
        for start in range(first, first + count, SLICE_SIZE):
            for playlist in maker.playlists(start, SLICE_SIZE):
                counts = self._counts.get(key(playlist["name"]))
                if counts is not None:
                    rows = [index_of.get(track.track_uri, -1) for track in playlist["tracks"]]
                    counts[[row for row in rows if row >= 0]] += 1

    def scores(self, titles: list[str | None]) -> Float32Array:
        return np.stack([self._rest + self._counts.get(key(title), 0) for title in titles])


def key(title: str | None) -> str:
    """What titles have in common that are the same."""
    return " ".join(title_words(title))


def tuned(out: Path, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The options of a baseline that are best on validation, and how many trials that took."""

    def made() -> dict[str, Any]:
        graph = PlaylistGraph.load(out / "graph")
        split = split_graph(graph, SplitRecipe("playlists", 0, VALIDATION_SHARE))
        path = out / f"trials-{name}.jsonl"
        tuning = tune(name, split, options.trials, TrialsFile(path))
        return {"options": tuning.options, "num_trials": len(tuning.trials)}

    found: dict[str, Any] = kept(out / f"tuned-{name}.json", made)
    return found


def score_baseline(out: Path, challenge: Challenge, name: str, options: argparse.Namespace) -> None:
    def write(path: Path) -> None:
        graph = PlaylistGraph.load(out / "graph")
        shown, _ = known_tracks(challenge.asked, graph.catalog)
        titled = [each.name for each in challenge.asked]
        titles: TitleKNN | ManyTitles | None = None
        if name == TITLE_KNN:
            titles = TitleKNN(graph)
        elif name == MANY_TITLES:
            titles = ManyTitles(graph, titled, options.playlists, 10 * options.playlists)
        tracks = None if titles else BASELINES[name](graph, **tuned(out, name, options)["options"])

        def scores(rows: slice) -> Float32Array:
            if titles is not None:
                return titles.scores(titled[rows])
            query = shown.rows(rows)
            found = tracks.scores(query)
            # Where nothing is given, every baseline answers by popularity.
            found[query.lengths == 0] = graph.popularity
            return found

        def best(rows: slice) -> Int32Array:
            found = []
            for part in row_batches(rows.stop - rows.start, graph.catalog.num_tracks):
                those = slice(rows.start + part.start, rows.start + part.stop)
                found.append(top_tracks(scores(those), shown.rows(those), LIST_LENGTH)[0])
            return np.concatenate(found)

        write_lists(path, challenge.asked, graph.catalog.track_ids, best, **TEAM)

    scored(out, name, challenge, write)


def summed_up(out: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All scores so far: for each system the values of each model seed."""

    def read(name: str) -> Any:
        path = out / f"scores-{name.replace(' ', '-')}.json"
        if not path.exists():
            return None
        found = json.loads(path.read_text())
        # By the other definitions only over all kinds, which keeps the file small.
        found["values"] = {
            by: {
                kind: {metric: round(value, 5) for metric, value in values.items()}
                for kind, values in kinds.items()
                if by == DEFINITIONS[0] or kind == ALL
            }
            for by, kinds in found["values"].items()
        }
        return found

    runs = {name: [read(f"{name}-{seed}") for seed in SEEDS] for name in OURS}
    runs |= {name: [read(name)] for name in NAMES}
    systems = {name: [run for run in found if run] for name, found in runs.items()}
    graph = PlaylistGraph.load(out / "graph")
    return {
        "machine": machine(),
        "data": options.data,
        "playlists": options.playlists if options.data == "generated" else None,
        "dim": options.dim,
        "epochs": options.epochs,
        "training": dict(graph.num_nodes),
        "made": json.loads((out / "challenge" / "manifest.json").read_text())["kinds"],
        "seconds": {path.name: json.loads(path.read_text()) for path in out.glob("*.seconds.json")},
        "tuned": {
            name: json.loads(path.read_text())
            for name in NAMES
            if (path := out / f"tuned-{name}.json").exists()
        },
        "systems": {name: found for name, found in systems.items() if found},
    }


def cell(runs: list[dict[str, Any]], by: str, kind: str, metric: str) -> str:
    found = [run["values"][by][kind][metric] for run in runs]
    return spread(found, ".2f" if metric == "clicks" else ".4f")


def spread(values: list[float], form: str) -> str:
    """Mean and standard deviation."""
    text = f"{statistics.mean(values):{form}}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):{form.removeprefix('+')}}"
    return re.sub(r"\b0\.", ".", text)


def table(systems: dict[str, Any], by: str) -> str:
    """Markdown: systems as rows, the three metrics over all kinds."""
    lines = ["| all kinds | R-precision | nDCG | clicks |", "|---|---|---|---|"]
    for name, runs in systems.items():
        cells = [cell(runs, by, ALL, metric) for metric in METRICS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def table_by_kind(systems: dict[str, Any], by: str, metric: str) -> str:
    """Markdown: kinds as rows, systems as columns, and what the second stage adds."""
    first = next(iter(systems.values()))[0]["num_playlists"]
    ours, plain = (systems.get(name, []) for name in list(OURS)[:2])
    shown = [*systems, *(["second stage adds"] if len(ours) == len(plain) else [])]
    lines = [f"| {metric} | " + " | ".join(shown) + " |", "|---" * (1 + len(shown)) + "|"]
    for kind, number in first.items():
        cells = [cell(runs, by, kind, metric) for runs in systems.values()]
        if len(shown) > len(systems):
            pairs = zip(ours, plain, strict=True)
            added = [
                a["values"][by][kind][metric] - b["values"][by][kind][metric] for a, b in pairs
            ]
            cells.append(spread(added, "+.2f" if metric == "clicks" else "+.4f"))
        lines.append(f"| {kind} ({number}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=DATA, default="generated")
    parser.add_argument("--playlists", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--trials", type=int, default=12, help="At most, for each baseline.")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--systems", default=",".join((*OURS, *NAMES)))
    options = parser.parse_args()
    out, data = options.out, DATA[options.data]
    if data.file is not None and not os.environ.get("SEGUE_REALDATA"):
        parser.error(f"SEGUE_REALDATA must name the folder that holds {data.file}")
    prepare(out, data, options)
    challenge = read_challenge(out / "challenge")
    for name in chosen(options.systems, NAMES):
        wanted = {TITLE_KNN: data.titled, MANY_TITLES: options.data == "generated"}
        if wanted.get(name, True):
            score_baseline(out, challenge, name, options)
    for seed in chosen(options.seeds, tuple(map(str, SEEDS))):
        for name in chosen(options.systems, tuple(OURS)):
            if data.titled or "titles" not in name:
                score_ours(out, challenge, name, int(seed), options)
    figures = summed_up(out, options)
    write_json(out / "figures.json", figures)
    for by in DEFINITIONS:
        print(f"\nBy {by}:\n\n{table(figures['systems'], by)}")
    for metric in METRICS:
        print(f"\n{table_by_kind(figures['systems'], DEFINITIONS[0], metric)}")


if __name__ == "__main__":
    main()
