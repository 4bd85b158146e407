"""New music without retraining: `segue update` compared with waiting for a retraining.

    SEGUE_REALDATA=/path/to/folder python benchmarks/new_tracks.py OUT [--threads 1]

Takes the 10-core of playlists-50k.zip and the default split of benchmarks/real_playlists.py (with
the same OUT its graph and bundles are reused), removes a random tenth of the tracks entirely and
trains the default LightGCN without them: the old model. Then the training pairs of those tracks
arrive. Compares the old model, which knows nothing of them, `update` with its fitted weights,
updates by one source alone or all with equal weights, and the model trained with them.

An interrupted run resumes. Writes OUT/new_tracks.json, which contains no individual playlist.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import real_playlists

from segue import metrics
from segue.bundle import Bundle
from segue.data.collection import Collection
from segue.data.playlists import (
    BoolArray,
    Catalog,
    Float32Array,
    Int64Array,
    Playlists,
    TrackLists,
)
from segue.evaluation.ranking import ranked_batches
from segue.evaluation.scorers import Scorer
from segue.evaluation.validation import validation_rows
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.machine import limit_threads
from segue.scoring.best import top_tracks
from segue.scoring.centroid import Centroid, unit_rows
from segue.scoring.first_stage import FirstStage
from segue.training.checkpoint import CHECKPOINT
from segue.training.config import TrainConfig
from segue.training.train import train
from segue.updating.mix import SOURCES, MixWeights
from segue.updating.update import update

NEW_SHARE, NEW_RNG_SEED = 0.1, 0
SEEDS = (0, 1, 2)
SHOWN = ("recall@20", "recall@300", "ndcg@20")


def draw_new_tracks(split: Split) -> BoolArray:
    """A tenth of the tracks in training playlists: bool [num_tracks]."""
    standing = np.flatnonzero(split.train.popularity)
    rng = np.random.default_rng(NEW_RNG_SEED)
    new = np.zeros(split.train.catalog.num_tracks, dtype=bool)
    new[rng.choice(standing, round(len(standing) * NEW_SHARE), replace=False)] = True
    return new


def without(lists: TrackLists, new: BoolArray) -> TrackLists:
    """The lists, with rows of the catalogue without the new tracks."""
    old_row = np.cumsum(~new, dtype=np.int32) - np.int32(1)
    kept = lists.keep(~new[lists.track_index])
    return TrackLists(kept.offsets, old_row[kept.track_index])


def old_model(out: Path, split: Split, new: BoolArray) -> Bundle:
    """The default LightGCN, trained on the training graph as if the new tracks did not exist."""
    path = out / "bundle-old"
    if path.exists():
        return Bundle.load(path)
    playlists = split.train.playlists
    old = PlaylistGraph(
        playlists.with_tracks(without(playlists.tracks, new)),
        split.train.catalog.keep_tracks(~new),
    )
    train_pairs, held_out = old.playlists.tracks, split.validation
    validation = HeldOut(
        train_pairs,
        train_pairs,
        without(held_out.targets, new),
        held_out.playlist_index,
        held_out.asks_next,
    )
    folder = out / "bundle-old.training"
    folder.mkdir(exist_ok=True)
    config = TrainConfig()
    result = train(
        old,
        validation_rows(validation),
        config,
        folder=folder,
        identity=old.fingerprint,
        resume=(folder / CHECKPOINT).exists(),
        on_epoch=lambda entry: print(
            f"epoch {entry['epoch']}/{entry['epochs']}: loss {entry['loss']:.4f}, "
            f"nDCG@20 {entry['ndcg@20']:.4f}, {entry['seconds']:.0f} s",
            flush=True,
        ),
    )
    bundle = Bundle(
        catalog=old.catalog,
        vectors={"track": result.track_vectors, "artist": result.structural_vectors["artist"]},
        query_weight=result.query_weight,
        popularity=old.popularity.astype(np.int64),
        playlists=old.playlists,
        config={**config.to_json(), "epochs": len(result.history), "best_epoch": result.best_epoch},
        metrics={},
        split={},
        graph_fingerprint=old.fingerprint,
        history=result.history,
    )
    bundle.save(path)
    return bundle


@dataclass(frozen=True, eq=False)
class FoundOnly:
    """Scores of a bundle with rows of the whole graph; tracks that it lacks come last."""

    scorer: FirstStage
    lacking: Int64Array

    def scores(self, query: TrackLists) -> Float32Array:
        scores = self.scorer.scores(query)
        scores[:, self.lacking] = -2
        return scores


def scorer_of(bundle: Bundle, graph: PlaylistGraph) -> FoundOnly:
    found = pc.index_in(graph.catalog.track_ids, value_set=bundle.catalog.track_ids)
    row = found.fill_null(-1).to_numpy()
    lacking = np.flatnonzero(row < 0)
    vectors, weight = bundle.track_vectors[row], bundle.query_weight[row]
    vectors[lacking], weight[lacking] = 0, 0
    return FoundOnly(FirstStage(Centroid(vectors, weight)), lacking)


def arriving(split: Split, new: BoolArray, most: int | None = None) -> Playlists:
    """The training playlists with the new tracks, each in at most `most` of its playlists."""
    playlists = split.train.playlists
    if most is None:
        return playlists
    tracks = playlists.tracks
    random = np.random.default_rng(NEW_RNG_SEED).random(tracks.num_pairs)
    order = np.lexsort((random, tracks.track_index))
    degree = split.train.popularity
    place = np.empty(tracks.num_pairs, dtype=np.int64)
    place[order] = np.arange(tracks.num_pairs) - np.repeat(np.cumsum(degree) - degree, degree)
    return playlists.with_tracks(tracks.keep(~new[tracks.track_index] | (place < most)))


def with_artist_vectors(old: Bundle, playlists: Playlists, catalog: Catalog) -> Bundle:
    """An update by the artist alone, using the old model's trained vector instead of the mean."""
    fitted, report = update(old, Collection(playlists, catalog), sources=["artist"])
    mean, _ = update(old, Collection(playlists, catalog), weights=MixWeights.equal(["artist"]))
    num_old = old.catalog.num_tracks
    trained = old.vectors["artist"][fitted.catalog.main_artist[num_old:]]
    share = report.weights.cosine[1, 0]
    vectors = fitted.track_vectors.copy()
    vectors[num_old:] += share * (trained - mean.track_vectors[num_old:])
    return replace(fitted, vectors={**fitted.vectors, "track": unit_rows(vectors)})


def figures_of(
    scorer: Scorer, held_out: HeldOut, new: BoolArray, *, shares: bool = False
) -> dict[str, dict[str, float]]:
    """Means over playlists with such tracks held out, by full ranking over all tracks.

    For new tracks alone, the other held-out tracks stay candidates. With `shares` also the share of
    new tracks in the top twenty.
    """
    ranked, num_new, num_places = [], 0, 0
    for _, part, scores, ranks in ranked_batches(scorer, held_out, len(new)):
        ranked.append(ranks)
        if shares:
            first, _ = top_tracks(scores, part.known, 20)
            num_new, num_places = num_new + int(new[first].sum()), num_places + first.size
    every = metrics.concatenate(ranked)
    asked = new[held_out.targets.track_index]
    lists = held_out.targets.keep(asked)
    nothing = np.full(len(lists), np.nan)
    found = {}
    for name, ranks in (
        ("new tracks", metrics.HeldOutRanks(lists.offsets, every.rank[asked], nothing)),
        ("all tracks", every),
    ):
        values = {
            "recall@20": metrics.recall(ranks, 20),
            "recall@300": metrics.recall(ranks, 300),
            "ndcg@20": metrics.ndcg(ranks, 20),
        }
        found[name] = {metric: metrics.mean_over_scored(v)[0] for metric, v in values.items()}
        found[name]["playlists"] = int((ranks.num_held_out > 0).sum())
    if shares:
        found["new tracks"]["share of the first twenty places"] = num_new / num_places
    return found


def table(systems: dict[str, dict[str, Any]]) -> str:
    """Markdown: systems as rows, the three metrics on test for new tracks and for all."""
    parts = ("new tracks", "all tracks")
    header = [f"{metric}, {part}" for part in parts for metric in SHOWN]
    lines = ["| test | " + " | ".join(header) + " |", "|---" * (1 + len(header)) + "|"]
    for name, values in systems.items():
        cells = [values["test"][part][metric] for part in parts for metric in SHOWN]
        numbers = [f"{cell:.4f}".removeprefix("0") for cell in cells]
        lines.append(f"| {name} | " + " | ".join(numbers) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    out: Path = options.out
    limit_threads(options.threads)
    real_playlists.build(out, parser)
    graph = PlaylistGraph.load(out / "graph")
    split = split_graph(graph, SplitRecipe())
    new = draw_new_tracks(split)
    old, catalog = old_model(out, split, new), graph.catalog
    results = out / "new_tracks"
    results.mkdir(exist_ok=True)
    systems: dict[str, dict[str, Any]] = {}

    def run(name: str, make: Callable[[], tuple[Bundle, dict[str, Any]]]) -> None:
        path = results / f"{name}.json"
        if not path.exists():
            bundle, facts = make()
            scorer = scorer_of(bundle, graph)
            validation = validation_rows(split.validation)
            facts["validation"] = figures_of(scorer, validation, new, shares=True)
            facts["test"] = figures_of(scorer, split.test, new)
            write_json(path, facts)
            print(name, facts["test"], flush=True)
        systems[name] = json.loads(path.read_text())

    def updated(
        most: int | None = None, **options: Any
    ) -> Callable[[], tuple[Bundle, dict[str, Any]]]:
        def make() -> tuple[Bundle, dict[str, Any]]:
            started = time.perf_counter()
            bundle, report = update(old, Collection(arriving(split, new, most), catalog), **options)
            facts = {
                "seconds": round(time.perf_counter() - started, 1),
                "placed_by": report.placed_by,
                "left_out": len(report.left_out),
            }
            as_it_is = not options and most is None
            return bundle, facts | ({"weights": report.weights.to_json()} if as_it_is else {})

        return make

    run("nothing done", lambda: (old, {}))
    run("update", updated())
    for seed in SEEDS:
        trained = partial(
            Bundle.load,
            real_playlists.train(
                out,
                f"bundle-{seed}",
                "--rng-seed",
                seed,
                "--split",
                "random",
                *real_playlists.VECTORS_ALONE,
            ),
        )
        run(f"trained with them, seed {seed}", lambda trained=trained: (trained(), {}))
    run("plain mean of the three", updated(weights=MixWeights.equal()))
    fitted = update(old, Collection(arriving(split, new), catalog))[1].weights
    nothing_open = replace(fitted, cosine=np.ones_like(fitted.cosine))
    run("fitted, without a part of its own", updated(weights=nothing_open))
    plain = replace(fitted, ridge=np.full_like(fitted.ridge, np.inf))
    run("fitted, playlists by their plain mean", updated(weights=plain))
    for source in SOURCES:
        run(f"fitted, {source} alone", updated(sources=[source]))
    run(
        "fitted, artist alone, its trained vector",
        lambda: (with_artist_vectors(old, arriving(split, new), catalog), {}),
    )
    for most in (1, 3):
        run(f"update, in {most} of their playlists", updated(most))

    pairs = split.train.playlists.tracks.track_index
    figures = {
        "graph": graph.num_nodes,
        "new": {
            "tracks": int(new.sum()),
            "artists": len(catalog.artists) - len(old.catalog.artists),
            "albums": len(catalog.albums) - len(old.catalog.albums),
            "training pairs": int(new[pairs].sum()),
            "test pairs": int(new[split.test.targets.track_index].sum()),
        },
        "processor": platform.processor() or platform.machine(),
        "systems": systems,
    }
    write_json(out / "new_tracks.json", figures)
    print(table(systems))


if __name__ == "__main__":
    main()
