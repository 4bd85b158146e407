"""`segue build` compared with a bare parse of the same files, in one run.

    python benchmarks/ingest.py OUT [--playlists 20000] [--zip] [--workers 1 2] [--repeats 3]

Generates playlists into OUT unless they are there. Each way is a process of its own, with as many
workers as are asked for: a bare parse, which reads every slice, decodes it with msgspec into typed
objects and drops them; `segue.read`; and `segue build`, from its start until the graph is written.
What counts is processor seconds of the process and its workers; the ratios are to the bare parse
with as many workers. Memory is the sum over the processes, looked at ten times a second. With --zip
all read the slices from one zip. Written to benchmarks/results/ingest.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from process_memory import memory_of

from segue.files import write_json
from segue.machine import machine

RESULTS = Path(__file__).parent / "results" / "ingest.json"
READ = "import segue, sys; segue.read(sys.argv[1], workers=int(sys.argv[2]))"


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


def parsed(source: Path, names: Sequence[str]) -> int:
    """Decode some slices of a folder or zip; returns the number of pairs."""
    decode = msgspec.json.Decoder(Slice).decode
    num_pairs = 0

    def add(content: bytes) -> int:
        return sum(len(playlist.tracks) for playlist in decode(content).playlists)

    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            for name in names:
                num_pairs += add(archive.read(name))
    else:
        for name in names:
            num_pairs += add((source / name).read_bytes())
    return num_pairs


def bare_parse(source: Path, workers: int) -> int:
    """Decode every slice; returns the number of pairs."""
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
    else:
        names = sorted(path.name for path in source.glob("*.json"))
    if workers == 1:
        return parsed(source, names)
    parts = [(source, names[first::workers]) for first in range(workers)]
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return sum(pool.starmap(parsed, parts))


def measured(command: Sequence[str | Path | int]) -> dict[str, Any]:
    """Seconds, processor seconds with those of workers, and peak memory of a command."""
    began, peak = time.perf_counter(), 0
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, memory_of(child.pid))
        time.sleep(0.1)
    if status:
        raise SystemExit(f"{command} ended with status {status}")
    child.returncode = 0  # it has been waited for
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": peak,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--playlists", type=int, default=20_000)
    parser.add_argument("--zip", action="store_true")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bare", type=int, metavar="WORKERS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    source = options.out / f"slices-{options.playlists}"
    archive = source.with_suffix(".zip")
    given = archive if options.zip else source
    if options.bare:
        bare_parse(given, options.bare)
        return
    if not source.exists():
        generate = ("generate", "--playlists", str(options.playlists), "--out", str(source))
        subprocess.run([sys.executable, "-m", "segue", *generate], check=True)
    if options.zip and not archive.exists():
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            for path in sorted(source.glob("*.json")):
                made.write(path, path.name)
    graph = options.out / "graph"
    content: dict[str, Any] = {}
    for workers in options.workers:
        ways: dict[str, tuple[str | Path | int, ...]] = {
            "bare parse": (__file__, *sys.argv[1:], "--bare", workers),
            "segue.read": ("-c", READ, given, workers),
            "segue build": ("-m", "segue", "build", given, "--out", graph, "--workers", workers),
        }
        # In turns, so that a machine that becomes busy is so for both.
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(options.repeats):
            for way, command in ways.items():
                runs[way].append(measured(command))
                shutil.rmtree(graph, ignore_errors=True)
        found = {
            way: {
                "cpu_seconds": round(statistics.median(run["cpu_seconds"] for run in of), 3),
                "seconds": round(statistics.median(run["seconds"] for run in of), 3),
                "peak_bytes": max(run["peak_bytes"] for run in of),
            }
            for way, of in runs.items()
        }
        bare = found["bare parse"]["cpu_seconds"]
        ratios = {way: round(of["cpu_seconds"] / bare, 2) for way, of in found.items()}
        name = f"{workers} worker" + ("" if workers == 1 else "s")
        content[name] = {**found, "ratios": ratios}
        print(name, content[name], flush=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    name = f"{options.playlists} playlists, {'zip' if options.zip else 'folder'}"
    results[name] = {"machine": machine(), "bytes": given_size(given), "ways": content}
    write_json(RESULTS, results)


def given_size(source: Path) -> int:
    if source.is_file():
        return source.stat().st_size
    return sum(path.stat().st_size for path in source.iterdir())


if __name__ == "__main__":
    main()
