"""Generated playlists compared with real ones: their shape, and how recommenders rank on them.

    [SEGUE_REALDATA=/path/to/folder] python benchmarks/generated_shape.py [--playlists 10000]
        [--rng-seed 0] [--processes 2] [--threads 1] [--only shape|titles|recommenders] [--dim 256]

First the shape, compared with the published figures of the Million Playlist Dataset and, if
SEGUE_REALDATA names a folder with playlists-50k.zip, with those playlists (a filtered set of
shorter ones, so only figures that the filter does not affect are comparable). Then the titles,
beside those of titled-4k.zip if it is in the folder, in as many playlists: how they are worded, how
often they repeat, and how many times more alike two playlists of the same title or with the same
word are than any two, by the cosine of their tracks. Then Recall@20 and
Recall@k on the held-out tracks of the 10-core, k = 2.5% of its tracks: the baselines tuned by
nDCG@20 on validation with four trials each, and the default LightGCN.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from segue import metrics
from segue.baselines import BASELINES
from segue.baselines.tuning import TrialsFile, tune
from segue.data.reading import read
from segue.data.title_words import title_words
from segue.evaluation.ranking import ranked_batches
from segue.evaluation.scorers import Scorer
from segue.evaluation.validation import validation_rows
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.synthetic.generate import generate
from segue.training.config import TrainConfig
from segue.training.train import train

NUM_TRIALS = 4

# For the Million Playlist Dataset: totals, and figures of a random 1,000 and another 7,071
# playlists (C.-W. Chen, P. Lamere, M. Schedl, H. Zamani: "RecSys Challenge 2018", RecSys 2018; the
# dataset's own README and stats.txt; its first slices).
PERCENTILES = (5, 25, 50, 75, 95)
PUBLISHED = {
    "length, 5 / 25 / 50 / 75 / 95%": "10 / 24 / 45 / 84 / 175",
    "length, least / mean / most": "5 / 62.0 / 250",
    "tracks and artists in 100": "4838, 2011",
    "tracks and artists in 300": "13524, 4437",
    "tracks and artists in 1000": "32804, 9598",
    "artists per track in a playlist, 5 / 50 / 95%": "0.22 / 0.69 / 1.00",
    "share of playlists with the top track": "0.050",
    "playlists of rank 1 / 10 / 100 / … / 100000 in 7071": "354 / 293 / 184 / 74 / 11 / 1",
    "tracks per artist in 7071, 50 / 90 / 99% / most": "1 / 10 / 55 / 360",
    "title words in 7071, distinct / in 5 titles": "2985 / 379",
}
# Of titled-4k.zip.
NUM_TITLED = 4071
FREQUENT = 5
TOTALS = "at 1,000,000: 66,346,428 pairs, 2,262,292 tracks, 295,860 artists, 734,684 albums"


def shape(graph: PlaylistGraph, rng: np.random.Generator) -> dict[str, str]:
    """The figures of `PUBLISHED`, measured on random playlists of a graph."""
    catalog, lists = graph.catalog, graph.playlists.tracks
    order = rng.permutation(len(lists))
    lengths = lists.lengths
    found = {
        "length, 5 / 25 / 50 / 75 / 95%": _row(np.percentile(lengths, PERCENTILES), 0),
        "length, least / mean / most": f"{lengths.min()} / {lengths.mean():.1f} / {lengths.max()}",
    }
    for count in (100, 300, 1000):
        tracks = np.unique(lists.rows(order[:count]).track_index)
        artists = np.unique(catalog.main_artist[tracks])
        found[f"tracks and artists in {count}"] = f"{len(tracks)}, {len(artists)}"
    pairs = lists.list_index() * len(catalog.artists) + catalog.main_artist[lists.track_index]
    artists = np.bincount(np.unique(pairs) // len(catalog.artists), minlength=len(lists))
    some = lengths > 0
    found["artists per track in a playlist, 5 / 50 / 95%"] = _row(
        np.percentile(artists[some] / lengths[some], (5, 50, 95)), 2
    )
    part = lists.rows(order[:7071])
    counts = np.bincount(part.track_index, minlength=catalog.num_tracks)
    found["share of playlists with the top track"] = f"{counts.max() / len(part):.3f}"
    if len(part) < 7071:
        return found
    ranked = np.append(np.sort(counts)[::-1], np.zeros(100_000, dtype=np.int64))
    found["playlists of rank 1 / 10 / 100 / … / 100000 in 7071"] = _row(
        ranked[10 ** np.arange(6) - 1], 0
    )
    by_artist = np.bincount(catalog.main_artist[counts > 0])
    found["tracks per artist in 7071, 50 / 90 / 99% / most"] = _row(
        np.percentile(by_artist[by_artist > 0], (50, 90, 99, 100)), 0
    )
    titles = [graph.playlists.titles[int(row)].as_py() or "" for row in order[:7071]]
    words = Counter(word for title in titles for word in set(title.lower().split()))
    often = sum(count >= 5 for count in words.values())
    found["title words in 7071, distinct / in 5 titles"] = f"{len(words)} / {often}"
    return found


def shape_of_titles(graph: PlaylistGraph) -> dict[str, str]:
    """How the titles of a graph's first playlists are worded, repeat, and say what is inside."""
    lists = graph.playlists.tracks.rows(np.arange(min(NUM_TITLED, len(graph.playlists))))
    words = [title_words(title) for title in graph.playlists.titles[: len(lists)].to_pylist()]
    number = np.array([*map(len, words)])
    titles = Counter(" ".join(some) for some in words if some)
    each = Counter(word for some in words for word in some)
    share = np.array([*titles.values()]) / titles.total()
    often = sum(count >= FREQUENT for count in each.values())
    rare = np.mean([all(each[word] < FREQUENT for word in some) for some in words])
    ones = np.ones(lists.num_pairs)
    shape = (len(lists), graph.catalog.num_tracks)
    unit = csr_array((ones, lists.track_index, lists.offsets), shape=shape)
    unit = csr_array(unit.multiply(1 / np.sqrt(np.maximum(lists.lengths, 1))[:, None]))
    any_two = _likeness(unit, range(len(lists)))
    found = {
        "playlists": str(len(lists)),
        "words per title: 1 / 2 / 3 / more": _row(
            np.bincount(np.clip(number, 1, 4), minlength=5)[1:] / len(lists), 2
        ),
        "distinct titles, share of the ten most frequent": f"{len(titles)}, "
        f"{sum(count for _, count in titles.most_common(10)) / len(lists):.3f}",
        "share with a title of their own": f"{list(titles.values()).count(1) / len(lists):.3f}",
        "entropy of titles, bits": f"{-(share * np.log2(share)).sum():.2f}",
        f"distinct words, in {FREQUENT} titles": f"{len(each)}, {often}",
        f"share without a word in {FREQUENT} titles": f"{rare:.3f}",
    }
    for what, groups in (("title", [[" ".join(some)] if some else [] for some in words]),
                         ("word", words)):  # fmt: skip
        mean, quantiles = _times_as_alike(unit, any_two, groups)
        found[f"times as alike by {what}, mean"] = f"{mean:.2f}"
        found[f"… of {what}s in {FREQUENT}, 10 / 25 / 50 / 75 / 90%"] = _row(quantiles, 2)
    return found


def _likeness(unit: csr_array, rows: Sequence[int]) -> float:
    """The mean cosine of any two of some playlists."""
    total = np.asarray(unit[list(rows)].sum(axis=0)).ravel()
    return (total @ total - len(rows)) / (len(rows) * (len(rows) - 1))


def _times_as_alike(
    unit: csr_array, any_two: float, groups: Sequence[Iterable[str]]
) -> tuple[float, np.ndarray]:
    """How many times more alike two playlists of the same group are than any two.

    The mean over the playlists that share a group, and quantiles over those of frequent ones.
    """
    rows_of = defaultdict(list)
    for row, names in enumerate(groups):
        for name in names:
            rows_of[name].append(row)
    shared = [rows for rows in rows_of.values() if len(rows) > 1]
    times = np.array([_likeness(unit, rows) for rows in shared]) / any_two
    size = np.array([*map(len, shared)])
    frequent = np.repeat(times[size >= FREQUENT], size[size >= FREQUENT])
    return float(np.average(times, weights=size)), np.percentile(frequent, (10, 25, 50, 75, 90))


def _row(values: np.ndarray, decimals: int) -> str:
    return " / ".join(f"{value:.{decimals}f}" for value in values)


def graph_of(folder: Path) -> PlaylistGraph:
    """The playlists of a folder of slices, or of a zip, as a graph."""
    found = read(folder)
    return PlaylistGraph(found.playlists, found.catalog, {"source": str(folder)})


def print_shape(graph: PlaylistGraph, real: PlaylistGraph | None) -> None:
    """Generated, published and, if available, real figures side by side."""
    rng = np.random.default_rng(0)
    here = shape(graph, rng)
    there = shape(real, rng) if real is not None else {}
    there.pop("title words in 7071, distinct / in 5 titles", None)  # placeholders
    print(f"{'':52} {'generated':30} {'published':30} playlists-50k.zip")
    for name, published in PUBLISHED.items():
        print(f"{name:52} {here.get(name, '–'):30} {published:30} {there.get(name, '–')}")
    print(TOTALS)


def print_titles(graph: PlaylistGraph, real: PlaylistGraph | None) -> None:
    """Generated and, if available, real titles side by side."""
    there = shape_of_titles(real) if real is not None else {}
    print(f"\n{'':52} {'generated':38} titled-4k.zip")
    for name, value in shape_of_titles(graph).items():
        print(f"{name:52} {value:38} {there.get(name, '–')}")


def compare_recommenders(name: str, graph: PlaylistGraph, dim: int) -> None:
    """Recall of four recommenders on the held-out tracks of the 10-core."""
    core = graph.k_core(10)
    split = split_graph(core, SplitRecipe())
    num_tracks = core.catalog.num_tracks
    k = round(0.025 * num_tracks)
    sizes = f"{len(core.playlists.tracks)} playlists, {num_tracks} tracks"
    print(f"{name}, 10-core: {sizes}, {core.playlists.tracks.num_pairs} pairs; k = {k}", flush=True)

    def report(who: str, scorer: Scorer, started: float) -> None:
        batches = ranked_batches(scorer, split.test, num_tracks)
        ranks = metrics.concatenate([ranked for *_, ranked in batches])
        short, long = (metrics.mean_over_scored(metrics.recall(ranks, c))[0] for c in (20, k))
        seconds = time.perf_counter() - started
        print(f"  {who:12} Recall@20 {short:.4f}   Recall@{k} {long:.4f}   {seconds:.0f} s")

    for who in ("popularity", "item-kNN", "RP3beta", "EASE"):
        started = time.perf_counter()
        tuning = tune(who, split, NUM_TRIALS, TrialsFile(None))
        report(who, BASELINES[who](split.train, **tuning.options), started)
    started = time.perf_counter()
    result = train(
        split.train,
        validation_rows(split.validation),
        TrainConfig(dim=dim),
    )
    report(f"LightGCN {dim}", result.scorer, started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--playlists", type=int, default=10_000)
    parser.add_argument("--rng-seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("shape", "titles", "recommenders"))
    parser.add_argument("--dim", type=int, default=256)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    threadpool_limits(limits=options.threads)

    with tempfile.TemporaryDirectory() as folder:
        generate(
            Path(folder, "slices"),
            options.playlists,
            rng_seed=options.rng_seed,
            processes=options.processes,
        )
        graph = graph_of(Path(folder, "slices"))
    at = os.environ.get("SEGUE_REALDATA")
    real = graph_of(Path(at, "playlists-50k.zip")) if at and options.only != "titles" else None
    if options.only in (None, "shape"):
        print_shape(graph, real)
    if options.only in (None, "titles"):
        print_titles(graph, graph_of(Path(at, "titled-4k.zip")) if at else None)
    if options.only in (None, "recommenders"):
        compare_recommenders(f"Generated from seed {options.rng_seed}", graph, options.dim)
        if real is not None:
            lists = real.playlists.tracks
            some = np.random.default_rng(0).permutation(len(lists)) < options.playlists
            real = real.with_tracks(lists.keep(some[lists.list_index()]))
            compare_recommenders(f"{options.playlists} real playlists", real, options.dim)


if __name__ == "__main__":
    main()
