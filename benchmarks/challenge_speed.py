"""Seconds that a submission to 10,000 incomplete playlists takes, from a bundle of 300,000 tracks.

    python benchmarks/challenge_speed.py [--tracks 300000] [--threads 2] [--json FILE]

The bundle is made up: vectors around 4,000 random directions, a wide part with as many weights as
a trained one has (to each of the 25,000 best known tracks), 5,000 words of titles with odds of as
many tracks as a trained one has, boosted trees of the usual size fitted to noise. The challenge set
has 1,000 playlists of each kind, with tracks drawn by popularity and titles of two words. Measures
`segue challenge submit` without and with the second stage, and `check`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array

from segue.bundle import Bundle
from segue.challenge.kinds import KINDS
from segue.data.playlists import Catalog
from segue.data.relations import Nodes
from segue.files import write_json
from segue.machine import machine
from segue.scoring.features import FEATURES
from segue.scoring.wide import WidePart
from segue.scoring.word_odds import WordOdds
from segue.training.config import SecondStageConfig
from segue.training.second_stage import trees_of
from segue.training.terms import WideConfig
from segue.training.word_odds import USUAL_ODDS, WordOddsConfig

PER_KIND, PER_ARTIST, PER_ALBUM = 1000, 8, 3
# Tracks that have weights, the best-known.
WIDE_TRACKS = 25_000
WORDS = [f"word{number}" for number in range(5000)]


def made_up(num_tracks: int, dim: int, rng: np.random.Generator) -> Bundle:
    """A bundle whose tracks are in order of popularity."""
    artists, albums = num_tracks // PER_ARTIST, num_tracks // PER_ALBUM
    track_ids = pa.array([f"spotify:track:{row:022d}" for row in range(num_tracks)])
    artist_ids = pa.array([f"spotify:artist:{row}" for row in range(artists)])
    album_ids = pa.array([f"spotify:album:{row}" for row in range(albums)])
    centres = rng.standard_normal((4000, dim), dtype=np.float32)
    vectors = {}
    for kind, rows in (("track", num_tracks), ("artist", artists), ("word", len(WORDS))):
        around = rng.standard_normal((rows, dim), dtype=np.float32)
        around += 1.5 * centres[rng.integers(0, len(centres), rows)]
        vectors[kind] = around / np.linalg.norm(around, axis=1, keepdims=True)
    catalog = Catalog.of_columns(
        track_ids, track_ids, artist_ids, artist_ids, album_ids, album_ids,
        rng.integers(0, artists, num_tracks).astype(np.int32),
        rng.integers(0, albums, num_tracks).astype(np.int32),
    )  # fmt: skip
    words = pa.array(WORDS)
    return Bundle(
        catalog=catalog.with_nodes("word", Nodes(words, words)),
        vectors=vectors,
        query_weight=np.ones(num_tracks, dtype=np.float32),
        popularity=(40_000 / np.arange(1, num_tracks + 1) ** 0.8).astype(np.int64) + 1,
        playlists=None,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
        terms={
            "wide": wide(num_tracks, rng).arrays(),
            "words": odds(num_tracks, rng).arrays(),
        },
        word_weight=np.ones(len(WORDS), dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
    )


def wide(num_tracks: int, rng: np.random.Generator) -> WidePart:
    """Weights to each of the best known tracks from others of them."""
    known, each = min(WIDE_TRACKS, num_tracks), WideConfig().num_neighbours
    key = np.unique(rng.integers(0, known, known * each) * known + np.repeat(range(known), each))
    row, column = np.divmod(key, known)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=num_tracks))])
    weight = rng.normal(0, 0.02, len(key)).astype(np.float32)
    return WidePart(offsets.astype(np.int64), column.astype(np.int32), weight)


def odds(num_tracks: int, rng: np.random.Generator) -> WordOdds:
    """Odds of tracks under each word, of better known ones more often."""
    each = WordOddsConfig().max_tracks
    drawn = (num_tracks * rng.random(len(WORDS) * each) ** 2).astype(np.int64)
    key = np.unique(drawn + num_tracks * np.repeat(np.arange(len(WORDS)), each))
    at = np.divmod(key, num_tracks)
    values = rng.random(len(key), dtype=np.float32)
    return WordOdds.from_matrix(csr_array((values, at), (len(WORDS), num_tracks)), *USUAL_ODDS)


def trees(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A second stage of the usual size."""
    config = SecondStageConfig()
    data = lightgbm.Dataset(rng.normal(size=(20_000, len(FEATURES))), rng.random(20_000) < 0.1)
    options = {"objective": "binary", "verbose": -1, "num_leaves": config.num_leaves}
    return trees_of(lightgbm.train(options, data, config.num_trees[-1])).arrays()


def challenge_set(bundle: Bundle, rng: np.random.Generator) -> dict[str, Any]:
    share = bundle.popularity / bundle.popularity.sum()
    ids = bundle.catalog.track_ids
    playlists = []
    for kind in KINDS:
        for _ in range(PER_KIND):
            length = int(rng.integers(max(kind.shortest, kind.num_given + 1), kind.longest + 1))
            tracks = rng.choice(len(share), 2 * kind.num_given + 1, p=share)
            tracks = np.unique(tracks)[: kind.num_given]
            places = np.sort(rng.choice(length, len(tracks), replace=False))
            playlists.append(
                {
                    "pid": 1_000_000 + len(playlists),
                    **({"name": " ".join(rng.choice(WORDS, 2))} if kind.titled else {}),
                    "num_tracks": length,
                    "num_samples": len(tracks),
                    "num_holdouts": length - len(tracks),
                    "tracks": [
                        {
                            "pos": int(at) if kind.at_random else place,
                            "track_uri": ids[int(t)].as_py(),
                        }
                        for place, (at, t) in enumerate(zip(places, tracks, strict=True))
                    ],
                }
            )
    return {"version": "v1", "playlists": playlists}


def seconds(*args: object) -> dict[str, float]:
    """Of one command, its start included: by the clock, and of all cores together."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    started, before = time.perf_counter(), used()
    program = Path(sys.executable).with_name("segue")
    subprocess.run([program, "challenge", *map(str, args)], check=True)
    clock = time.perf_counter() - started
    return {"clock": round(clock, 1), "processor": round(used() - before, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tracks", type=int, default=300_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = made_up(options.tracks, options.dim, rng)
        replace(bundle, second_stage=trees(rng)).save(folder / "bundle")
        asked, out = folder / "challenge_set.json", folder / "submission.csv.gz"
        asked.write_text(json.dumps(challenge_set(bundle, rng)))
        ask = ("submit", folder / "bundle", asked, "--threads", options.threads, "--out", out)
        found = {
            "submit": seconds(*ask, "--no-second-stage"),
            "with second stage": seconds(*ask, "--overwrite"),
            "check": seconds("check", out, asked),
            "MB": round(out.stat().st_size / 1e6, 1),
        }
    print(found)
    if options.json:
        write_json(options.json, {"machine": machine(), **vars(options), **found, "json": None})


if __name__ == "__main__":
    main()
