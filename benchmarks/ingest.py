"""`segue build` compared with a bare parse of the same files, in one run.

    python benchmarks/ingest.py OUT [--playlists 10000] [--zip] [--repeats 3]

Generates playlists into OUT unless they are there, then times on one thread, in a process each: a
bare parse, which reads every slice and decodes it with msgspec into typed objects and drops them;
`segue.read`; and `segue.build` with writing the graph. The ratio of a stage is its CPU seconds to
those of the bare parse. With --zip all three read the slices from one zip. Written to
benchmarks/results/ingest.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
from real_playlists import segue
from threadpoolctl import threadpool_limits

from segue.data.reading import read
from segue.files import write_json
from segue.machine import machine, peak_memory
from segue.pipeline.build import build

RESULTS = Path(__file__).parent / "results" / "ingest.json"


class Track(msgspec.Struct):
    pos: int
    track_uri: str
    track_name: str
    artist_uri: str
    artist_name: str
    album_uri: str
    album_name: str


class Playlist(msgspec.Struct):
    pid: int
    name: str
    tracks: list[Track]


class Slice(msgspec.Struct):
    playlists: list[Playlist]


def bare_parse(source: Path) -> int:
    """Decode every slice; returns the number of pairs."""
    decode = msgspec.json.Decoder(Slice).decode
    num_pairs = 0

    def add(content: bytes) -> int:
        return sum(len(playlist.tracks) for playlist in decode(content).playlists)

    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                num_pairs += add(archive.read(name))
    else:
        for path in sorted(source.glob("*.json")):
            num_pairs += add(path.read_bytes())
    return num_pairs


def run(way: str, source: Path, graph: Path) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    if way == "bare parse":
        num_pairs = bare_parse(source)
    elif way == "segue.read":
        num_pairs = read(str(source)).playlists.tracks.num_pairs
    else:
        made = build(str(source))
        made.save(graph)
        num_pairs = made.playlists.tracks.num_pairs
        shutil.rmtree(graph)
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_bytes": peak_memory(),
        "num_pairs": num_pairs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--playlists", type=int, default=10_000)
    parser.add_argument("--zip", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", metavar="WAY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    source = options.out / f"slices-{options.playlists}"
    archive = source.with_suffix(".zip")
    if options.one:
        with threadpool_limits(1):
            found = run(options.one, archive if options.zip else source, options.out / "graph")
        print(json.dumps(found))
        return
    if not source.exists():
        segue("generate", "--playlists", options.playlists, "--out", source)
    if options.zip and not archive.exists():
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            for path in sorted(source.glob("*.json")):
                made.write(path, path.name)
    content: dict[str, Any] = {}
    for way in ("bare parse", "segue.read", "segue build"):
        runs = []
        for _ in range(options.repeats):
            ran = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--one", way],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            runs.append(json.loads(ran.stdout))
        found = {
            "num_pairs": runs[0]["num_pairs"],
            "cpu_seconds": round(statistics.median(each["cpu_seconds"] for each in runs), 3),
            "seconds": round(statistics.median(each["seconds"] for each in runs), 3),
            "peak_bytes": max(each["peak_bytes"] for each in runs),
        }
        content[way] = found
        found["ratio"] = round(found["cpu_seconds"] / content["bare parse"]["cpu_seconds"], 2)
        print(way, found, flush=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    name = f"{options.playlists} playlists, {'zip' if options.zip else 'folder'}"
    results[name] = {"machine": machine(), "ways": content}
    write_json(RESULTS, results)


if __name__ == "__main__":
    main()
