"""A small world of playlists, and every command that writes something."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from forks import Forks

from segue.files import read_manifest

# What differs between two runs that are equal: time and memory, and checksums of such files.
_VARIES = {
    *("seconds", "refit_seconds", "date", "generated_on", "machine", "peak_memory"),
    *("training_seconds", "tuning_seconds", "evaluation_seconds"),
    *("bytes", "sha256", "checksum"),
}


@dataclass(frozen=True)
class Command:
    """A command that writes `target`, where an older one may be."""

    args: tuple[str, ...]
    target: str
    # What it starts from and replaces: a file or folder of the world, copied to `target`.
    older: str = ""
    # Whether it is a folder that is filled file by file, each of them whole.
    by_file: bool = False


def _listing(ending: str, *command: str) -> Command:
    target = f"list.{ending}"
    return Command((*command, "--out", f"{{out}}/{target}", "--overwrite"), target, "older")


COMMANDS = {
    "generate": Command(
        ("generate", "--playlists", "20", "--processes", "1", "--out", "{out}/made"), "made"
    ),
    "build": Command(
        (
            *("build", "{world}/lists.csv", "--skip-bad", "--k-core", "4"),
            *("--out", "{out}/graph", "--overwrite"),
        ),
        "graph",
        "graph",
    ),
    "train": Command(
        (
            *("train", "{world}/graph", "--out", "{out}/bundle", "--overwrite"),
            *("--dim", "4", "--epochs", "2", "--threads", "1", "--split", "random"),
            *("--rng-seed", "1"),
        ),
        "bundle",
        "bundle",
    ),
    "index": Command(("index", "{out}/bundle", "--threads", "1"), "bundle", "bundle"),
    "update": Command(
        (
            *("update", "{world}/bundle", "{world}/new.csv", "--threads", "1"),
            *("--out", "{out}/bundle", "--overwrite"),
        ),
        "bundle",
        "bundle",
    ),
    "recommend": _listing("parquet", "recommend", "{world}/bundle", "--all", "--threads", "1"),
    **{
        f"complete-{ending}": _listing(ending, "complete", "{world}/bundle", "3")
        for ending in ("m3u8", "xspf", "jspf", "csv", "json", "mpd.json", "txt")
    },
    "sort": _listing(
        "csv", "sort", "{world}/bundle", "{world}/liked.csv", "--into", "{world}/new.csv"
    ),
    "tidy": _listing("csv", "tidy", "{world}/bundle", "--playlist", "3", "--apply", "dedupe,order"),
    "challenge-make": Command(
        (
            *("challenge", "make", "{world}/lists.csv", "--per-kind", "1", "--any-length"),
            *("--skip-bad", "--out", "{out}/challenge", "--overwrite"),
        ),
        "challenge",
        "challenge",
    ),
    "challenge-submit": _listing(
        "csv.gz",
        *("challenge", "submit", "{world}/large", "{world}/large-challenge/challenge_set.json"),
        *("--threads", "1"),
    ),
    **{
        f"draw-{ending}": _listing(
            ending, "draw", "snowball", "{world}/bundle", "--from", "3", "--kind", "playlist"
        )
        for ending in ("svg", "png", "pdf", "html")
    },
    "draw-training": _listing("html", "draw", "training", "{world}/bundle"),
    "compare": Command(
        (
            *("compare", "{world}/graph", "--out", "{out}/report", "--models", "none"),
            *("--only", "popularity", "--threads", "1"),
        ),
        "report",
        by_file=True,
    ),
}


def times(name: str, usual: int) -> int:
    """How often a long test tries: from the environment."""
    return int(os.environ.get(f"SEGUE_FAULTS_{name}", usual))


def make_world(folder: Path, forks: Forks) -> None:
    """Write sources, a graph, a trained bundle and what commands replace."""
    rng = np.random.default_rng(3)
    _write_lists(folder / "lists.csv", _draw_lists(rng, range(90)), bad=True)
    _write_lists(folder / "new.csv", _draw_lists(rng, range(200, 204)))
    _write_lists(folder / "liked.csv", _draw_lists(rng, range(300, 301)))
    (folder / "older").write_text("older", encoding="utf-8")
    _make(
        folder,
        forks,
        "build {}/lists.csv --skip-bad --out {}/graph",
        "train {}/graph --out {}/bundle --dim 4 --epochs 2 --threads 1 --split random",
        "challenge make {}/lists.csv --per-kind 1 --any-length --skip-bad --rng-seed 1 "
        "--out {}/challenge",
    )


def make_large_world(folder: Path, forks: Forks) -> None:
    """A bundle and a challenge set with tracks enough for a submission."""
    rng = np.random.default_rng(4)
    lists = [(number, rng.permutation(700)[:60].tolist()) for number in range(120)]
    _write_lists(folder / "large.csv", lists)
    _make(
        folder,
        forks,
        "challenge make {}/large.csv --per-kind 1 --any-length --out {}/large-challenge",
        "build {}/large-challenge/training --out {}/large-graph",
        "train {}/large-graph --out {}/large --dim 4 --epochs 1 --threads 1 --no-wide --no-refit "
        "--no-second-stage",
    )


def _make(folder: Path, forks: Forks, *commands: str) -> None:
    for command in commands:
        done = forks.run(command.replace("{}", str(folder)).split())
        assert done.status == 0, done.err


def prepare(command: Command, world: Path, out: Path) -> list[str]:
    """An `out` with the older artefact, and the command's arguments."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if command.older:
        source, target = world / command.older, out / command.target
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return [arg.format(world=world, out=out) for arg in command.args]


def content(path: Path) -> dict[str, Any]:
    """What is in a file or folder, by name, without what differs between equal runs."""
    if path.is_dir():
        # Without those that have a temporary name.
        files = {
            file.relative_to(path).as_posix(): file
            for file in sorted(path.rglob("*"))
            if file.is_file() and not file.name.startswith(".")
        }
    else:
        files = {"": path} if path.exists() else {}
    found = {name: _content_of(file) for name, file in files.items()}
    if "manifest.json" in found:
        read_manifest(path, found["manifest.json"]["kind"])  # with checksums
    return found


def _content_of(file: Path) -> Any:
    data = file.read_bytes()
    if file.suffix == ".jsonl":
        return [_steady(json.loads(line)) for line in data.splitlines()]
    if file.suffix == ".json" and not file.name.startswith("list."):
        return _steady(json.loads(data))
    if file.name == "report.csv":
        return _steady(list(csv.DictReader(data.decode().splitlines())))
    if file.name == "report.md":
        before, _, rest = data.partition(b"## Cost")
        data = before + rest.partition(b"## Configuration")[2]
    return hashlib.sha256(data).hexdigest()


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(inner) for key, inner in value.items() if key not in _VARIES}
    return [_steady(inner) for inner in value] if isinstance(value, list) else value


def _draw_lists(rng: np.random.Generator, ids: range) -> list[tuple[int, list[int]]]:
    return [
        (number, (20 * (number % 3) + rng.permutation(20)[: rng.integers(6, 14)]).tolist())
        for number in ids
    ]


def _write_lists(path: Path, lists: list[tuple[int, list[int]]], *, bad: bool = False) -> None:
    lines = ["playlist_id,playlist_name,track_id,track_name,artist_id,artist_name"]
    lines += [
        f"{number},night {number % 3},t:{track},Song {track},a:{track // 5},Band {track // 5}"
        for number, tracks in lists
        for track in tracks
    ]
    lines += ["7,bad"] if bad else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
