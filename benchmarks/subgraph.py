"""How long extraction takes at the size of the whole Million Playlist Dataset, on generated lists.

    python benchmarks/subgraph.py [--playlists 1000000] [--tracks 2262292] [--repeats 3]

Prints the fastest time of each kind of subgraph, by a pass over the pairs and with the transpose
kept. Lengths and popularity are drawn to the shape of that dataset; no list holds a track twice.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable

import numpy as np

from segue.data.playlists import TrackLists
from segue.data.relations import Relation
from segue.graph.subgraph import Neighbours, Subgraph, links_between, snowball


def random_lists(num_playlists: int, num_tracks: int, rng: np.random.Generator) -> TrackLists:
    """Lists of 5 to 250 tracks, about 62 a list; track popularity (rank + 277)^-1.05."""
    lengths = np.clip(rng.lognormal(np.log(49), 0.86, num_playlists), 5, 250).astype(np.int64)
    row = rng.permutation(num_tracks).astype(np.int32)
    low, high = 277.0**-0.05, (num_tracks + 277.0) ** -0.05
    counts, columns = [], []
    for start in range(0, num_playlists, 50_000):  # in parts, to bound memory
        part = lengths[start : start + 50_000]
        rank = (low + rng.random(int(part.sum())) * (high - low)) ** -20.0 - 277.0
        list_index = np.repeat(np.arange(len(part)), part)
        pair = list_index * num_tracks + row[np.clip(rank.astype(np.int64), 0, num_tracks - 1)]
        pair = np.unique(pair)
        counts.append(np.bincount(pair // num_tracks, minlength=len(part)))
        columns.append((pair % num_tracks).astype(np.int32))
    return TrackLists.from_lengths(np.concatenate(counts), np.concatenate(columns))


def fastest(grow: Callable[[], Subgraph], repeats: int) -> tuple[float, Subgraph]:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        subgraph = grow()
        times.append(time.perf_counter() - started)
    return min(times), subgraph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--playlists", type=int, default=1_000_000)
    parser.add_argument("--tracks", type=int, default=2_262_292)
    parser.add_argument("--artists", type=int, default=295_860)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    lists = random_lists(options.playlists, options.tracks, rng)
    share = 1 / np.arange(1, options.artists + 1) ** 0.7
    artist = rng.choice(options.artists, options.tracks, p=share / share.sum()).astype(np.int32)
    print(
        f"{len(lists)} playlists, {options.tracks} tracks, {lists.num_pairs} pairs, "
        f"NumPy {np.__version__}, {platform.processor() or platform.machine()}"
    )
    neighbours = Neighbours(
        lists, Relation.single("by", "track", "artist", artist, options.artists)
    )
    by_popularity = np.argsort(-neighbours.prominence["track"], kind="stable")
    seeds, found = by_popularity[[0, 50, 500]], by_popularity[1:9]
    kinds: dict[str, Callable[[], Subgraph]] = {
        "snowball of a playlist, 3 waves": lambda: snowball(neighbours, [("playlist", 7)]),
        "snowball of the top track, 3 waves": lambda: snowball(
            neighbours, [("track", int(by_popularity[0]))]
        ),
        "snowball, 3 waves of 60, at random": lambda: snowball(
            neighbours, [("playlist", 7)], limit=60, rng=np.random.default_rng(0)
        ),
        "artist, 2 waves": lambda: snowball(neighbours, [("artist", 0)], waves=2),
        "links between 3 seeds and 8 tracks": lambda: links_between(
            neighbours, seeds, found, np.ones((8, 3))
        ),
    }
    for way in ("one pass over the pairs", "the transpose kept"):
        if way == "the transpose kept":
            started = time.perf_counter()
            neighbours.keep_transpose()
            print(f"building the transpose: {time.perf_counter() - started:.2f} s, once")
        for name, grow in kinds.items():
            seconds, subgraph = fastest(grow, options.repeats)
            print(f"{way:24s} {name:36s} {len(subgraph):4d} nodes {seconds * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
