"""How well songs as other services spell them are matched, and how fast.

    python benchmarks/matching.py [--wrong]
    python benchmarks/matching.py --speed [--tracks 2200000] [--songs 10000] [--folder FOLDER]

Without options: matches the spellings in ``matching.tsv``, written for this purpose, with the
songs of the shipped sample, and prints recall and precision by kind. *Recall* is the share of songs
of the sample that the right track was taken for; *precision* the share of tracks taken that are
right. In ``absent``, and for some ``versions``, none is right. The rows of kind ``catalogue`` are
further tracks that the songs could be mistaken for. With --wrong each mistake is printed.

With --speed: makes a catalogue of the generator's world, writes its index of names, and matches
songs drawn from it as often as playlists hold them, spelt in several ways, some not in it.
Writes `results/matching.json`.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from name_search import made_up_catalog

from segue.data.playlists import Catalog
from segue.files import write_json
from segue.machine import commit, machine, peak_memory
from segue.names.lookup import NameLookup
from segue.names.name_file import NAMES_FILE, write_names
from segue.synthetic.sample import load_songs

TABLE = Path(__file__).with_name("matching.tsv")
RESULTS = Path(__file__).with_name("results") / "matching.json"


@dataclass(frozen=True)
class Spelling:
    """One line of the table: a song as somebody spells it, and the track that it is."""

    kind: str
    artist: str
    title: str
    track_id: str

    @property
    def asked(self) -> Any:
        """As `match` takes it: a line of text if there is no artist."""
        return (self.artist, self.title) if self.artist else self.title


def spellings() -> list[Spelling]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Spelling(*row) for row in rows]


def sample_names(further: list[Spelling]) -> NameLookup:
    """The songs of the sample, the first the best known, then the further tracks."""
    songs = load_songs()
    tracks = [(song.track_id, song.track, song.artist) for song in songs]
    tracks += [(track.track_id, track.title, track.artist) for track in further]
    artists = list(dict.fromkeys(artist for _, _, artist in tracks))
    row_of = {artist: row for row, artist in enumerate(artists)}
    nothing, names = pa.array([], pa.string()), pa.array(artists)
    catalog = Catalog.of_columns(
        pa.array([an_id for an_id, _, _ in tracks]),
        pa.array([title for _, title, _ in tracks]),
        names,
        names,
        nothing,
        nothing,
        np.array([row_of[artist] for _, _, artist in tracks], dtype=np.int32),
        np.full(len(tracks), -1, dtype=np.int32),
    )
    return NameLookup(catalog, np.arange(len(tracks), 0, -1))


@dataclass(frozen=True)
class Quality:
    """Counts of one kind."""

    asked: int
    there: int
    right: int
    taken: int

    @property
    def recall(self) -> float:
        return self.right / self.there if self.there else float("nan")

    @property
    def precision(self) -> float:
        return self.right / self.taken if self.taken else 1.0


def measure_quality(*, wrong: bool = False) -> dict[str, Quality]:
    """Recall and precision by kind, and of all kinds together."""
    table = spellings()
    names = sample_names([row for row in table if row.kind == "catalogue"])
    table = [row for row in table if row.kind != "catalogue"]
    matches = names.match([row.asked for row in table])
    asked, there, right, taken = Counter(), Counter(), Counter(), Counter()
    for row, match in zip(table, matches, strict=True):
        found = "none" if match.track is None else names.catalog.track_ids[match.track].as_py()
        if wrong and found != row.track_id:
            print(f"{row.kind}: {row.asked} is {row.track_id}, {match.status} {found}")
        for kind in (row.kind, "all"):
            asked[kind] += 1
            there[kind] += row.track_id != "none"
            taken[kind] += found != "none"
            right[kind] += found == row.track_id != "none"
    return {kind: Quality(n, there[kind], right[kind], taken[kind]) for kind, n in asked.items()}


def print_quality(*, wrong: bool) -> None:
    print("| kind | spellings | recall | precision |\n|---|---|---|---|")
    for kind, of in sorted(measure_quality(wrong=wrong).items(), key=lambda item: item[0] == "all"):
        recall = f"{of.recall:.3f}" if of.there else "–"
        print(f"| {kind} | {of.asked} | {recall} | {of.precision:.3f} |")


def songs_of(catalog: Catalog, weight: np.ndarray, number: int) -> list[Any]:
    """Songs as lists from elsewhere have them: (artist, title) in several spellings."""
    rng = np.random.default_rng(1)
    rows = rng.choice(len(weight), number, p=(weight + 1) / (weight + 1).sum())
    songs: list[Any] = []
    for at, row in enumerate(rows.tolist()):
        title = str(catalog.track_names[row])
        artist = str(catalog.artists.names[int(catalog.main_artist[row])])
        middle = len(title) // 2
        songs.append(
            [
                (artist, title),
                (artist.upper(), f"{title} - Remastered 2011"),
                f"{artist} - {title}",
                (f"{artist} feat. Somebody", f"{title} (Live)"),
                (artist, title[:middle] + title[middle + 1 :]),
                f"{title} by {artist}",
                title,
                (f"Not {artist}", title),
                (artist, f"Nothing Called {at}"),
                f"Nobody {at} - Nothing {at}",
            ][at % 10]
        )
    return songs


def measure_speed(num_tracks: int, num_songs: int, folder: Path | None) -> dict[str, Any]:
    catalog, popularity = made_up_catalog(num_tracks)
    with tempfile.TemporaryDirectory() as temporary:
        where = folder or Path(temporary)
        where.mkdir(parents=True, exist_ok=True)
        if not (where / NAMES_FILE).exists():
            started = time.perf_counter()
            write_names(where, catalog, popularity)
            print(f"index written in {time.perf_counter() - started:.0f} s")
        songs = songs_of(catalog, popularity, num_songs)
        names = NameLookup(catalog, popularity, None, where)
        started, used = time.perf_counter(), time.process_time()
        matches = names.match(songs)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        size = (where / NAMES_FILE).stat().st_size
    return {
        "tracks": catalog.num_tracks,
        "songs": len(songs),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "index_mib": round(size / 2**20),
        "peak_memory": peak_memory(),
        **matches.counts,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wrong", action="store_true", help="Print each mistake.")
    parser.add_argument("--speed", action="store_true", help="Measure the time instead.")
    parser.add_argument("--tracks", type=int, default=2_200_000)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="Where to keep the index.")
    options = parser.parse_args()
    if not options.speed:
        print_quality(wrong=options.wrong)
        return
    found = measure_speed(options.tracks, options.songs, options.folder)
    print(found)
    write_json(RESULTS, {"machine": machine(), "commit": commit(), **found})


if __name__ == "__main__":
    main()
