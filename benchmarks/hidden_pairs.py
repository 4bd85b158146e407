"""Scores a file of recommendations on pairs that training and tuning never saw.

    segue recommend BUNDLE --all -n 500 --out lists.parquet
    python benchmarks/hidden_pairs.py lists.parquet ANSWERS

LISTS is a table that `segue recommend` wrote (CSV or Parquet: playlist_id, rank, track_id). ANSWERS
is a table (CSV or Parquet) with a row for each pair that was hidden: the playlist in a column
playlist_id or pid, the track in one called track_id or track_uri. Figures are means over the
playlists of ANSWERS, as Segue defines them (docs/concepts.md); a track that a list does not hold
counts as never found, so the lists must be at least 500 long for the clicks.

A competition kept such pairs of the real playlists that docs/findings.md is about. Nobody tunes on
them: the figures there come from this script, run by whoever has the answers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from segue import metrics
from segue.errors import InputError, SegueError

PLAYLIST, TRACK = ("playlist_id", "pid"), ("track_id", "track_uri")
# The rank of a track that the list does not hold: below every cutoff.
NEVER = 1_000_000


def table(path: Path, *columns: tuple[str, ...]) -> list[list[str]]:
    """Columns of a CSV or Parquet file as text, each under one of its names."""
    try:
        content = pq.read_table(path) if path.suffix == ".parquet" else pacsv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from error
    found = []
    for names in columns:
        name = next((name for name in names if name in content.column_names), None)
        if name is None:
            raise InputError(f"{path}: has no column {' or '.join(names)}")
        found.append(content[name].cast(pa.string()).to_pylist())
    return found


def ranks_of(lists: Path, answers: Path) -> metrics.HeldOutRanks:
    """The rank of each hidden track in its playlist's list."""
    rank_of: dict[tuple[str, str], int] = {}
    asked = set()
    for playlist, track, rank in zip(
        *table(lists, ("playlist_id",), ("track_id",), ("rank",)), strict=True
    ):
        rank_of[playlist, track] = int(rank)
        asked.add(playlist)
    hidden: dict[str, set[str]] = {}
    for playlist, track in zip(*table(answers, PLAYLIST, TRACK), strict=True):
        hidden.setdefault(playlist, set()).add(track)
    for playlist in hidden:
        if playlist not in asked:
            raise InputError(f"{lists}: has no list for playlist {playlist} of {answers}")
    ranks = [
        rank_of.get((playlist, track), NEVER)
        for playlist, tracks in hidden.items()
        for track in sorted(tracks)
    ]
    offsets = np.cumsum([0, *map(len, hidden.values())], dtype=np.int64)
    return metrics.HeldOutRanks(
        offsets, np.array(ranks, dtype=np.int64), np.full(len(hidden), np.nan)
    )


def figures(lists: Path, answers: Path) -> dict[str, float]:
    """Means over the playlists with hidden tracks."""
    ranks = ranks_of(lists, answers)
    values = {
        "map@10": metrics.average_precision(ranks, 10),
        "ndcg@20": metrics.ndcg(ranks, 20),
        "r-precision": metrics.r_precision(ranks),
        "recall@20": metrics.recall(ranks, 20),
        "recall@300": metrics.recall(ranks, 300),
        "clicks": metrics.clicks(ranks),
    }
    return {name: float(value.mean()) for name, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lists", type=Path)
    parser.add_argument("answers", type=Path)
    options = parser.parse_args()
    try:
        for name, value in figures(options.lists, options.answers).items():
            print(f"{name:12} {value:.4f}")
    except SegueError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
