"""Titles in the wide part and in the second stage: what was tried, and adds nothing.

    SEGUE_REALDATA=/path/to/folder python benchmarks/title_trials.py OUT --data real [--seed 0]
    python benchmarks/title_trials.py OUT --data generated

OUT is a folder of `benchmarks/titles.py`, whose split, data and model with words (of the model
seed) are used; a training that is missing is done. All figures are of validation playlists, as what
to keep is chosen by them.

*Wide part*: the words of titles as further columns of EASE, multiplied by γ, beside the 6,000 most
popular tracks; its scores, times the factor of the wide part, are added to the first stage. γ 0 is
the wide part without words. nDCG@20 with 0, 1, 5, 10 and 25 songs beside the title.

*Second stage*: boosted trees over the best 200 of the first stage, for half of the validation
playlists with a random number of their first songs beside the title, learned from the other half
and the other way round. MAP@10 of the first stage, with the features as they are, and with further
ones: the cosine of a track with the title alone, the number of its words, and how much more
frequent the track is under those words than elsewhere (logarithm).
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
from scipy.sparse import csr_array, hstack
from titles import DATA, GIVEN, graph_of

import segue
from segue.baselines.cooccurrence import pair_matrix
from segue.baselines.ease import ease_weights
from segue.bundle import Bundle
from segue.data.playlists import Float32Array, TrackLists
from segue.data.title_words import parts_among
from segue.evaluation.ranking import rank
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.machine import machine
from segue.metrics import METRICS
from segue.pipeline.recipes import config_for
from segue.scoring.features import FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query, title_shares
from segue.scoring.second_stage import POOL_SIZE
from segue.scoring.terms import first_stage_of
from segue.training.terms import WideConfig

NDCG = next(metric for metric in METRICS if metric.name == "ndcg@20")
FACTORS = (0.0, 0.5, 1.0, 2.0, 4.0)
MOST_TRACKS = 6000
NUM_TREES, CUTOFF = 100, 10
# Counts under words are smoothed as if popularity had this many more songs there.
SMOOTHING = 1000.0


def model(out: Path, data: str, seed: int, split: Split) -> Bundle:
    """The model with words of `benchmarks/titles.py`."""
    config = config_for("lightgcn", rng_seed=seed, **DATA[data]["train"])
    return segue.train(
        split,
        config=replace(config, relations=(*config.relations, "word")),
        system=segue.SystemConfig(),
        refit=False,
        folder=out / f"{data}-words-{seed}.training",
        progress=True,
    )


class Titles:
    """The words of titles as weighted rows."""

    def __init__(self, split: Split) -> None:
        self.is_part = parts_among(split.graph.catalog.nodes["word"])
        titled = split.train.relations["word"]
        self.of_training = self.matrix(TrackLists(titled.offsets, titled.target_index))

    def matrix(self, titles: TrackLists) -> csr_array:
        """1 for each word, and all parts together as one word: [num_titles, num_words]."""
        shares = title_shares(titles, self.is_part)
        shape = (len(titles), len(self.is_part))
        return csr_array((shares, titles.track_index, titles.offsets), shape=shape)


class WithWords:
    """The first stage and an EASE that knows words."""

    def __init__(self, first: FirstStage, split: Split, titles: Titles, factor: float) -> None:
        self.first, self.split, self.titles, self.factor = first, split, titles, factor
        popularity = split.train.popularity
        order = np.lexsort((np.arange(len(popularity)), -popularity))
        self.tracks = np.sort(order[:MOST_TRACKS])
        pairs = pair_matrix(split.train.playlists.tracks, len(popularity))
        columns = hstack([pairs[:, self.tracks], np.float32(factor) * titles.of_training])
        options = WideConfig()
        weights = ease_weights(csr_array(columns), options.regularization)
        self.weights = np.float32(options.weight) * weights[:, : len(self.tracks)]

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        words = self.split.title_words(held_out)
        scores = self.first.scores(Query(held_out.query, words=words))
        shown = pair_matrix(held_out.query, scores.shape[1])[:, self.tracks]
        asked = hstack([shown, np.float32(self.factor) * self.titles.matrix(words)])
        scores[:, self.tracks] += csr_array(asked) @ self.weights
        return scores


def validation(split: Split, given: int) -> HeldOut:
    """Validation playlists of more than 25 songs with a known word, that many songs shown."""
    in_order = split.validation.query.joined(split.validation.targets)
    held_out = HeldOut.of_new_playlists(in_order, given, split.validation.playlist_index)
    titled = split.title_words(held_out).lengths > 0
    return held_out.rows(np.flatnonzero(titled & (in_order.lengths > max(GIVEN))))


def wide_part(first: FirstStage, split: Split, titles: Titles) -> dict[str, list[float]]:
    """nDCG@20 by γ, for each number of songs."""
    found = {}
    for factor in FACTORS:
        scorer = WithWords(first, split, titles, factor)
        rankings = (rank(scorer, validation(split, n), split.train, list_length=0) for n in GIVEN)
        found[f"{factor:g}"] = [round(NDCG.value(each), 4) for each in rankings]
        print(f"γ {factor:g}: {found[f'{factor:g}']}", flush=True)
    return found


def second_stage(first: FirstStage, split: Split, titles: Titles, seed: int) -> dict[str, float]:
    """MAP@10 of the first stage and of trees with and without the features of titles."""
    rng = np.random.default_rng(seed)
    in_order = split.validation.query.joined(split.validation.targets)
    rows = split.validation.playlist_index
    given = np.floor(np.exp(rng.random(len(rows)) * np.log(in_order.lengths))).astype(np.int64)
    shown = in_order.positions() < np.repeat(given.clip(1), in_order.lengths)
    query = in_order.keep(shown)
    held_out = HeldOut(query, query, in_order.keep(~shown), rows)
    words = split.title_words(held_out)
    some = np.flatnonzero((words.lengths > 0) & (held_out.targets.lengths > 0))
    held_out, words = held_out.rows(some), words.rows(some)
    asked = Query(held_out.query, words=words)
    pool, _ = first.best(asked, POOL_SIZE, excluded=held_out.known)
    alone = replace(asked, tracks=held_out.query.keep(np.zeros(held_out.query.num_pairs, bool)))
    cosine = first.centroid.prepare(alone) @ first.centroid.track_vectors.T
    popularity = split.train.popularity
    share = popularity / popularity.sum()
    under = titles.of_training.T @ pair_matrix(split.train.playlists.tracks, len(popularity))
    counts = np.asarray((titles.matrix(words) @ under).todense(), dtype=np.float64)
    odds = np.log(counts + SMOOTHING * share) - np.log(
        (counts.sum(axis=1, keepdims=True) + SMOOTHING) * np.maximum(share, 1e-12)
    )
    maker = FeatureMaker(first, split.train.catalog, popularity)
    plain, titled, belongs = [], [], []
    for row, (tracks, features) in enumerate(zip(pool, maker.features(asked, pool), strict=True)):
        plain.append(features)
        of_title = [
            cosine[row, tracks],
            odds[row, tracks],
            np.full(len(tracks), words.lengths[row]),
        ]
        titled.append(np.column_stack([features, *of_title]))
        belongs.append(np.isin(tracks, held_out.targets[row]))
    half = rng.permutation(len(pool)) % 2
    hidden = held_out.targets.lengths
    found = {"first stage": _map([-np.arange(POOL_SIZE)] * len(pool), belongs, hidden)}
    for name, features in (("features as they are", plain), ("and of titles", titled)):
        odds_of = [np.empty(0)] * len(pool)
        for part in (0, 1):
            learned, predicted = np.flatnonzero(half != part), np.flatnonzero(half == part)
            trees = _trees(features, belongs, learned, seed)
            for row in predicted:
                odds_of[row] = trees.predict(features[row], num_threads=1)
        found[name] = _map(odds_of, belongs, hidden)
    print(found, flush=True)
    return found | {"playlists": len(pool)}


def _trees(features: list, belongs: list, rows: np.ndarray, seed: int) -> lightgbm.Booster:
    """As the second stage's, in a smaller number."""
    options = {
        "objective": "binary", "learning_rate": 0.06, "num_leaves": 31, "min_data_in_leaf": 200,
        "feature_fraction": 0.7, "max_bin": 63, "seed": seed, "deterministic": True,
        "force_row_wise": True, "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    examples = np.concatenate([features[row] for row in rows])
    labels = np.concatenate([belongs[row] for row in rows])
    return lightgbm.train(options, lightgbm.Dataset(examples, labels), NUM_TREES)


def _map(scores: list, belongs: list, hidden: np.ndarray) -> float:
    """Mean average precision of the first ten."""
    found = []
    for score, right, number in zip(scores, belongs, hidden, strict=True):
        hits = right[np.argsort(-score, kind="stable")[:CUTOFF]]
        precision = hits * hits.cumsum() / np.arange(1, len(hits) + 1)
        found.append(precision.sum() / min(CUTOFF, number))
    return round(float(np.mean(found)), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=list(DATA), required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.data == "real" and not os.environ.get("SEGUE_REALDATA"):
        parser.error("SEGUE_REALDATA must name the folder that holds titled-4k.zip")
    args.out.mkdir(parents=True, exist_ok=True)
    split = split_graph(graph_of(args.out, args.data), SplitRecipe("playlists", 0.1, 0.1))
    first = first_stage_of(model(args.out, args.data, args.seed, split), split.train.catalog)
    titles = Titles(split)
    write_json(
        args.out / f"{args.data}-trials-{args.seed}.json",
        {
            "second stage": second_stage(first, split, titles, args.seed),
            "wide part": wide_part(first, split, titles),
            "machine": machine(),
        },
    )


if __name__ == "__main__":
    main()
