"""How long it takes to find names among 2 million made-up tracks, compared with an empty SELECT.

    python benchmarks/name_search.py [--tracks 2000000] [--queries 200] [--folder FOLDER]

Makes a catalogue of the generator's world, best-known tracks first, writes the index of its names,
and runs queries of several kinds, each once, in random order. Prints the times of each kind and the
ratio of the median to the floor (`SELECT 1` on the same file). With --folder the index is kept
there and reused by the next run.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from segue.data.playlists import Catalog, Int64Array
from segue.errors import NameLookupError
from segue.names.lookup import NameLookup
from segue.names.name_file import NAMES_FILE, write_names
from segue.synthetic.names import MadeUpNames
from segue.synthetic.world import World


def made_up_catalog(num_tracks: int) -> tuple[Catalog, Int64Array]:
    """The best-known tracks of the generator's world, in random order, and their popularity."""
    world, names = World(0), MadeUpNames(0)
    kept = np.random.default_rng(0).permutation(np.argsort(-world.weight)[:num_tracks])
    by = world.track_artist[kept].astype(np.int64)
    artists, track_artist = np.unique(by, return_inverse=True)
    track_names = pa.chunked_array(
        [
            pa.array(names.tracks(kept[i : i + 100_000], by[i : i + 100_000]))
            for i in range(0, len(kept), 100_000)
        ]
    )
    nothing = pa.array([], pa.string())
    catalog = Catalog.of_columns(
        pa.array([f"segue:track:{track}" for track in kept]),
        track_names.combine_chunks(),
        pa.array([f"segue:artist:{artist}" for artist in artists]),
        pa.array(names.artists(artists)),
        nothing,
        nothing,
        track_artist.astype(np.int32),
        np.full(len(kept), -1, dtype=np.int32),
    )
    # The number of pairs in the Million Playlist Dataset.
    return catalog, np.round(world.weight[kept] * 66e6).astype(np.int64)


def queries_of(
    catalog: Catalog, popularity: Int64Array, number: int, rng: np.random.Generator
) -> dict[str, list[str]]:
    """Texts of each kind, about tracks drawn as often as playlists contain them."""
    share = (popularity + 1) / (popularity + 1).sum()
    rows = rng.choice(len(popularity), number, p=share)
    songs = [str(catalog.track_names[int(row)]) for row in rows]
    artists = [str(catalog.artists.names[int(catalog.main_artist[row])]) for row in rows]
    letters = "abcdefghijklmnopqrstuvwxyz"

    def cut(text: str) -> str:
        return " ".join(
            word[: max(1, int(rng.integers(1, len(word) + 1)))] for word in text.split()
        )

    def mistyped(text: str) -> str:
        at = int(rng.integers(0, max(1, len(text) - 1)))
        return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]

    pairs = list(zip(songs, artists, strict=True))
    return {
        "one letter": list(letters),
        "two letters": [f"{a}{b}" for a in letters[:8] for b in "aeiou"],
        "three letters": [song[:3] for song in songs],
        "letters as words: a b": [" ".join(rng.permutation(list(letters))[:2]) for _ in pairs],
        "letters as words: a b c d": [" ".join(rng.permutation(list(letters))[:4]) for _ in pairs],
        "a word of the title": [song.split()[0] for song in songs],
        "the title": songs,
        "beginnings of its words": [cut(song) for song in songs],
        "title and artist": [f"{song} {artist}" for song, artist in pairs],
        "beginnings of both": [cut(f"{song} {artist}") for song, artist in pairs],
        "the live remix of": ["the live remix of my"] * 5,
        "no match": [f"{a} {b} {c}" for a, b, c in zip(songs, songs[1:], songs[2:], strict=False)],
        "a letter and no match": [f"{letters[i % 26]} qzqzq" for i in range(number)],
        "mistyped": [mistyped(song) for song in songs],
        "mistyped, with artist": [mistyped(f"{song} {artist}") for song, artist in pairs],
        "ids": [str(catalog.track_ids[int(row)]) for row in rows],
    }


def milliseconds(ask: Callable[..., object], *args: object) -> tuple[float, float]:
    """Wall-clock time, and CPU time: other programs may be running here."""
    started, used = time.perf_counter(), time.thread_time()
    ask(*args)
    return (time.perf_counter() - started) * 1e3, (time.thread_time() - used) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=2_000_000)
    parser.add_argument("--queries", type=int, default=200, help="Queries of each kind.")
    parser.add_argument("--folder", type=Path, help="Where to keep the index.")
    options = parser.parse_args()

    catalog, popularity = made_up_catalog(options.tracks)
    print(
        f"{catalog.num_tracks} tracks, {len(catalog.artists)} artists, SQLite "
        f"{sqlite3.sqlite_version}, {platform.processor() or platform.machine()}"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / NAMES_FILE).exists():
            folder.mkdir(parents=True, exist_ok=True)
            clock, used = milliseconds(write_names, folder, catalog, popularity)
            print(f"written in {clock / 1e3:.0f} s ({used / 1e3:.0f} s of the processor)")
        print(f"{(folder / NAMES_FILE).stat().st_size / 2**20:.0f} MiB")
        measure(catalog, popularity, folder, options.queries)


def measure(catalog: Catalog, popularity: Int64Array, folder: Path, number: int) -> None:
    names = NameLookup(catalog, popularity, None, folder)
    rng = np.random.default_rng(1)
    queries = queries_of(catalog, popularity, number, rng)
    opening, _ = milliseconds(names.index.tracks, "a", 10)
    print(f"first search, opening the file: {opening:.1f} ms")

    def find(text: str) -> object:
        try:
            return names.find(text)
        except NameLookupError as error:
            return error

    connection = sqlite3.connect(folder / NAMES_FILE)
    floor = np.median(
        [milliseconds(lambda: connection.execute("SELECT 1").fetchall())[0] for _ in range(1000)]
    )
    connection.close()
    asks: dict[str, tuple[Callable[[str], object], list[str]]] = {
        kind: (lambda text: names.index.tracks(text, 10), texts) for kind, texts in queries.items()
    }
    asks["one letter, artists"] = (
        lambda text: names.index.artists(text, 10),
        queries["one letter"],
    )
    for kind in ("the title", "title and artist", "mistyped", "mistyped, with artist", "ids"):
        asks[f"`find`: {kind}"] = (find, queries[kind])
    del asks["ids"]
    order = [(kind, text) for kind, (_, texts) in asks.items() for text in texts]
    times: dict[str, list[tuple[float, float, str]]] = {kind: [] for kind in asks}
    for place in rng.permutation(len(order)):
        kind, text = order[place]
        times[kind].append((*milliseconds(asks[kind][0], text), text))
    print(f"floor: SELECT 1 takes {floor * 1e3:.1f} µs\n")
    print("Milliseconds by the clock and, in brackets, of the processor")
    print(f"{'':30s}{'p50':>16s} {'p99':>16s} {'max':>16s} {'p50/floor':>10s}  most work")
    everything = [taken for kind, taken in times.items() if "`" not in kind]
    times["all searches"] = [one for taken in everything for one in taken]
    for kind, taken in times.items():
        clock, used = np.array([(c, u) for c, u, _ in taken]).T
        cells = [
            f"{at(clock):7.2f} ({at(used):6.2f})"
            for at in (np.median, lambda values: np.percentile(values, 99), np.max)
        ]
        text = taken[int(used.argmax())][2]
        ratio = np.median(clock) / floor
        print(f"{kind:30s}{' '.join(cells)} {ratio:10.0f}  {text[:32]}")


if __name__ == "__main__":
    main()
