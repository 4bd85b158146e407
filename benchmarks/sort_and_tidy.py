"""`segue sort` and `segue tidy` on playlists that training never saw.

    python benchmarks/sort_and_tidy.py OUT
    SEGUE_REALDATA=/path/to/folder python benchmarks/sort_and_tidy.py OUT --data titled-4k

Holds out playlists whole, trains on the others (vectors of 64, no second stage), and measures on
the test playlists; the constants of `segue.recommend.placing`, `outliers` and `parts` are fitted to
the validation playlists of titled-4k and printed beside those in use. `--data` is `generated`
(12,000 playlists), `titled-4k` (the 5-core, with title words) or `playlists-50k` (the 30-core). Ten
minutes on two cores. OUT/sort_and_tidy.json and the stored results hold no single playlist.

- Sorting: a person has 20 playlists (or 5), drawn at random. A fifth of the songs of each is taken
  out, and sorted back. *None fits* is right where the song's own playlist is taken away.
- Outliers: songs of another playlist are planted in each, one for ten of its own.
- Parts: one to five playlists of 20 to 120 songs become one list, and are cut apart again.
- Order: playlists of 20 to 500 songs; their songs in the given order, at random, and as proposed.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from real_playlists import segue
from scipy.optimize import minimize

from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.machine import machine
from segue.pipeline.evaluate import split_of
from segue.recommend import outliers, parts, placing
from segue.recommend.path import neighbour_score, path_through
from segue.recommend.titles import Titles
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.terms import first_stage_of

RESULTS = Path(__file__).with_name("results") / "sort_and_tidy.json"
# Source (None: generated), options of the build.
DATA: dict[str, tuple[str | None, tuple[object, ...]]] = {
    "generated": (None, ("--k-core", 10)),
    "titled-4k": ("titled-4k.zip", ("--k-core", 5, "--title-words")),
    "playlists-50k": ("playlists-50k.zip", ("--k-core", 30)),
}
SPLIT = ("--split", "playlists", "--test-share", 0.25, "--validation-share", 0.15)
SMALL = ("--dim", 64, "--no-refit", "--no-second-stage", "--threads", 1)
# Persons by the number of their playlists.
PERSONS = {20: 20, 5: 60}
CLOSEST = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


class Data:
    """A bundle, and the playlists held out of its training."""

    def __init__(self, out: Path, name: str) -> None:
        self.graph = PlaylistGraph.load(out / f"{name}-graph")
        bundle = Bundle.load(out / f"{name}-bundle")
        split = split_of(bundle, self.graph)
        self.first: FirstStage = first_stage_of(bundle, bundle.catalog)
        self.titles = Titles(bundle)
        self.artist = bundle.catalog.main_artist
        self.lists = self.graph.playlists.tracks
        self.validation, self.test = (
            held.playlist_index for held in (split.validation, split.test)
        )

    def of_length(self, rows: np.ndarray, least: int, most: int) -> np.ndarray:
        lengths = self.lists.lengths[rows]
        return rows[(lengths >= least) & (lengths <= most)]

    @property
    def vectors(self) -> np.ndarray:
        return self.first.centroid.track_vectors


def prepare(out: Path, name: str) -> None:
    """The graph and the bundle, made once."""
    out.mkdir(parents=True, exist_ok=True)
    file, how = DATA[name]
    if not (out / f"{name}-graph").exists():
        if file is None:
            source = out / "generated"
            if not source.exists():
                segue("generate", "--playlists", 12_000, "--out", source)
        else:
            source = Path(os.environ["SEGUE_REALDATA"], file)
        segue("build", source, "--out", out / f"{name}-graph", *how)
    if not (out / f"{name}-bundle").exists():
        graph, bundle = out / f"{name}-graph", out / f"{name}-bundle"
        segue("train", graph, "--out", bundle, *SPLIT, *SMALL)


def persons(
    data: Data, rows: np.ndarray, size: int, seed: int, *, titled: bool = False
) -> Iterator[tuple[Query, TrackLists]]:
    """Playlists of persons with a fifth of the songs taken out: those left, those taken."""
    rng, rows = np.random.default_rng(seed), data.of_length(rows, 5, 10**6)
    for _ in range(PERSONS[size]):
        chosen = rng.choice(rows, size, replace=False)
        own = data.lists.rows(chosen)
        keep = rng.random(own.num_pairs) >= 0.2
        keep[own.offsets[:-1]] = True
        titles = data.graph.playlists.titles.take(chosen).to_pylist() if titled else []
        yield (
            Query(own.keep(keep), words=data.titles.lists(titles) if titled else None),
            own.keep(~keep),
        )


def sorting(data: Data, rows: np.ndarray, size: int, *, titled: bool = False) -> dict[str, Any]:
    """Songs sorted back into the playlists that they were taken from."""
    found: dict[str, list[Any]] = {}
    said, right, seconds, trusted = [], [], [], []
    for query, taken in persons(data, rows, size, seed=1, titled=titled):
        given = query.tracks
        songs, own = taken.track_index.astype(np.int64), taken.list_index()
        began = time.perf_counter()
        placed = placing.Placing(data.first, query)
        likely, none = placed.probabilities(songs)
        seconds.append(time.perf_counter() - began)
        trusted.append(placed.own.share_right)
        is_open, each = placed.cases(songs).open, np.arange(len(songs))
        by = data.artist[songs][:, None]
        shared = [(by == data.artist[given[row]]).sum(axis=1) for row in range(size)]
        same_artist = np.stack(shared, axis=1)
        lengths = np.broadcast_to(given.lengths, same_artist.shape)
        rankings = {
            "segue": likely,
            "score alone": data.first.scores(query)[:, songs].T,
            "most songs of the artist": same_artist + 1e-6 * lengths,
            "largest playlist": lengths,
        }
        for name, values in rankings.items():
            first = np.where(is_open, values, -np.inf).argmax(axis=1)
            found.setdefault(name, []).append(first == own)
        answer = np.column_stack([likely, none])
        gone = answer.copy()
        gone[each, own] = 0
        gone /= gone.sum(axis=1, keepdims=True)
        for name, odds, expected in (("placed", answer, own), ("none", gone, size)):
            best = odds.argmax(axis=1)
            said.append(odds[each, best])
            right.append(best == expected)
            found.setdefault(name, []).append(best == expected)
            if name == "placed":
                found.setdefault("none wrongly", []).append(best == size)
    says, is_right = np.concatenate(said), np.concatenate(right)
    by_tenth = np.minimum((says * 10).astype(int), 9)
    groups = [by_tenth == tenth for tenth in range(10) if (by_tenth == tenth).any()]
    shares = {name: _mean(np.concatenate(values)) for name, values in found.items()}
    return {
        "songs": len(is_right) // 2,
        "accuracy@1": {name: shares[name] for name in rankings},
        "right playlist, where none is an answer": shares["placed"],
        "none, though the playlist is there": shares["none wrongly"],
        "none, where the playlist is taken away": shares["none"],
        "mean confidence": _mean(says),
        "share right": _mean(is_right),
        "calibration error": _mean(
            sum(abs(says[of].mean() - is_right[of].mean()) * of.mean() for of in groups)
        ),
        "by confidence": [
            {"said": _mean(says[of]), "right": _mean(is_right[of]), "cases": int(of.sum())}
            for of in groups
        ],
        "own songs' share, as told": _mean(np.array(trusted)),
        "milliseconds a person": round(1000 * float(np.median(seconds)), 1),
    }


def fitted_beta(data: Data) -> list[float]:
    """The prior of `placing`, fitted to validation persons."""
    cases = []
    for size in PERSONS:
        for query, _ in persons(data, data.validation, size, seed=2):
            rng, person = np.random.default_rng(0), placing.Placing(data.first, query)
            cases.append((*person.own_cases(rng), person))

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = 0.0, np.zeros_like(beta)
        for own, playlist, person in cases:
            elsewhere = person.from_elsewhere(len(playlist), np.random.default_rng(0))
            more, along = placing.loss(own, playlist, elsewhere, beta)
            value, slope = value + more, slope + along
        return value, slope

    found = minimize(loss, placing.BETA, jac=True, method="L-BFGS-B").x
    return [round(value, 2) for value in found.tolist()]


def planted(data: Data, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Playlists with songs of another one among them, and which are those."""
    rng, rows = np.random.default_rng(3), data.of_length(rows, 10, 10**6)
    for row in rows.tolist():
        own = data.lists[row]
        others = np.setdiff1d(data.lists[int(rng.choice(rows))], own)
        count = min(max(1, round(0.1 * len(own))), len(others))
        strange = rng.choice(others, count, replace=False)
        is_strange = np.arange(len(own) + count) >= len(own)
        yield np.concatenate([own, strange]).astype(np.int64), is_strange


def outlying(data: Data, rows: np.ndarray) -> dict[str, Any]:
    """Planted songs found, others suspected."""
    doubt, strange = [], []
    for tracks, is_strange in planted(data, rows):
        doubt.append(outliers.doubts(data.first, tracks)[1])
        strange.append(is_strange)
    flagged, is_strange = np.concatenate(doubt) > outliers.THRESHOLD, np.concatenate(strange)
    untouched = [
        outliers.doubts(data.first, data.lists[row].astype(np.int64))[1] > outliers.THRESHOLD
        for row in data.of_length(rows, 10, 10**6).tolist()
    ]
    return {
        "songs": len(flagged),
        "planted": int(is_strange.sum()),
        "recall": _mean(flagged[is_strange]),
        "precision": _mean(is_strange[flagged]),
        "other songs flagged, of 100": round(100 * flagged[~is_strange].mean(), 2),
        "flagged in untouched playlists, of 100": round(100 * np.concatenate(untouched).mean(), 2),
    }


def fitted_doubt(data: Data) -> dict[str, Any]:
    """The weights of `outliers` fitted to validation playlists, and the threshold for 2 of 100."""
    rows, strange = [], []
    for tracks, is_strange in planted(data, data.validation):
        score, _ = outliers.doubts(data.first, tracks)
        rows.append(outliers.features(data.first, tracks, score))
        strange.append(is_strange)
    features, is_strange = np.concatenate(rows), np.concatenate(strange)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logit = features @ weights
        slope = 1 / (1 + np.exp(-logit)) - is_strange
        value = np.logaddexp(0, logit).sum() - logit[is_strange].sum()
        return value / len(logit), features.T @ slope / len(logit)

    weights = minimize(loss, outliers.WEIGHTS, jac=True, method="L-BFGS-B").x
    doubt = 1 / (1 + np.exp(-features @ weights))
    return {
        "weights": [round(value, 2) for value in weights.tolist()],
        "threshold": round(float(np.quantile(doubt[~is_strange], 0.98)), 3),
    }


def joined(data: Data, rows: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Playlists made one: tracks, the playlist of each, and how many."""
    rng, rows = np.random.default_rng(seed), data.of_length(rows, 20, 120)
    for number in range(1, 6):
        for _ in range(40):
            chosen = data.lists.rows(rng.choice(rows, number, replace=False))
            tracks, first = np.unique(chosen.track_index, return_index=True)
            yield tracks, chosen.list_index()[first], number


def rand_index(found: np.ndarray, expected: np.ndarray) -> float:
    """Adjusted Rand index (Hubert and Arabie, 1985); 1 where both are one part."""
    table = np.zeros((found.max() + 1, expected.max() + 1))
    np.add.at(table, (found, expected), 1)
    pairs = [(counts * (counts - 1) / 2).sum() for counts in (table, table.sum(0), table.sum(1))]
    both, one, other = pairs
    chance = one * other / (len(found) * (len(found) - 1) / 2)
    most = (one + other) / 2
    return 1.0 if most == chance else float((both - chance) / (most - chance))


def cutting(
    data: Data, rows: np.ndarray, seed: int = 4, closest: float = parts.CLOSEST
) -> dict[str, Any]:
    """Joined playlists cut apart."""
    rng, found = np.random.default_rng(5), {}
    for tracks, playlist, number in joined(data, rows, seed):
        vectors = parts.apart(data.first, tracks)
        part = parts.cut(vectors, closest=closest)
        of = found.setdefault(number, {"index": [], "parts": [], "told": [], "random": []})
        of["index"].append(rand_index(part, playlist))
        of["parts"].append(part.max() + 1)
        of["told"].append(rand_index(parts.cut(vectors, number), playlist))
        of["random"].append(rand_index(rng.permutation(playlist), playlist))
    names = {
        "index": "adjusted Rand index", "parts": "mean number of parts",
        "told": "adjusted Rand index, number told", "random": "adjusted Rand index at random",
    }  # fmt: skip
    return {
        str(number): {names[name]: _mean(np.array(values)) for name, values in of.items()}
        for number, of in found.items()
    }


def fitted_closest(data: Data) -> dict[str, float]:
    """The mean adjusted Rand index on validation playlists by the criterion's cosine."""
    found = {}
    for closest in CLOSEST:
        by_number = cutting(data, data.validation, 6, closest)
        indices = [of["adjusted Rand index"] for of in by_number.values()]
        found[str(closest)] = _mean(np.array(indices))
    return found


def ordering(data: Data, rows: np.ndarray) -> dict[str, Any]:
    """Mean neighbour scores over playlists."""
    rng, scores, seconds = np.random.default_rng(7), [], []
    for row in data.of_length(rows, 20, 500)[:200].tolist():
        vectors = data.vectors[data.lists[row]]
        count = len(vectors)
        began = time.perf_counter()
        order = path_through(vectors)
        seconds.append(time.perf_counter() - began)
        at_random = [neighbour_score(vectors, rng.permutation(count)) for _ in range(10)]
        given = neighbour_score(vectors, np.arange(count))
        scores.append([given, np.mean(at_random), neighbour_score(vectors, order)])
    given, random, proposed = np.array(scores).mean(axis=0).tolist()
    many = data.vectors[rng.choice(len(data.vectors), min(1000, len(data.vectors)), replace=False)]
    began = time.perf_counter()
    path_through(many)
    return {
        "playlists": len(scores),
        "given": _mean(given),
        "random": _mean(random),
        "proposed": _mean(proposed),
        "seconds for 1,000 songs": round(time.perf_counter() - began, 2),
    }


def _mean(values: Any) -> float:
    return round(float(np.mean(values)), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=DATA, default="generated")
    parser.add_argument(
        "--store", action="store_true", help="put the results into the repository's"
    )
    options = parser.parse_args()
    if DATA[options.data][0] and not os.environ.get("SEGUE_REALDATA"):
        parser.error("SEGUE_REALDATA must name the folder that holds the real playlists")
    prepare(options.out, options.data)
    data = Data(options.out, options.data)
    found = {
        "playlists": {"validation": len(data.validation), "test": len(data.test)},
        "sort": {str(size): sorting(data, data.test, size) for size in PERSONS},
        "outliers": outlying(data, data.test),
        "parts": cutting(data, data.test),
        "order": ordering(data, data.test),
        "on validation": {
            "sort": {"beta": fitted_beta(data), "in use": placing.BETA.tolist()},
            "outliers": fitted_doubt(data)
            | {"in use": [*outliers.WEIGHTS.tolist(), outliers.THRESHOLD]},
            "parts": fitted_closest(data) | {"in use": parts.CLOSEST},
        },
        "machine": machine(),
    }
    if data.titles.known:
        found["sort with titles"] = {
            str(size): sorting(data, data.test, size, titled=True) for size in PERSONS
        }
    write_json(options.out / "sort_and_tidy.json", found)
    print(json.dumps(found, indent=1))
    if options.store:
        stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        write_json(RESULTS, {**stored, options.data: found})


if __name__ == "__main__":
    main()
