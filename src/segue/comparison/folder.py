"""The folder of a comparison: where its files are, and reading finished cells.

``cells/NAME.json`` is a finished cell, ``training/NAME`` a training under way, ``trials.jsonl``
the finished trials of baselines; the report is next to these.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segue.comparison.grid import Cell
from segue.errors import ArtefactError, MismatchError

_WORDS = ("name", "identity", "model", "objective", "negatives")


def claim(folder: Path) -> None:
    """Make the folder of a comparison.

    Raises
    ------
    ArtefactError
        If it cannot be made, or contains something that no comparison wrote.
    """
    make_folder(folder)
    try:
        inside = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be read ({error.strerror or error})") from error
    if inside and not inside & {"cells", "training", "trials.jsonl"}:
        raise ArtefactError(
            f"{folder}: contains files that `segue compare` did not write; choose another folder"
        )


def make_folder(folder: Path) -> None:
    """Make a folder (ArtefactError if that fails)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be made ({error.strerror or error})") from error


def training_folder(folder: Path, cell: Cell) -> Path:
    """Where a running training keeps its checkpoint."""
    return folder / "training" / cell.name


def trials_path(folder: Path) -> Path:
    """The finished trials of baselines: see `segue.baselines.tuning.TrialsFile`."""
    return folder / "trials.jsonl"


def cell_path(folder: Path, cell: Cell) -> Path:
    """The file of a finished cell."""
    return folder / "cells" / f"{cell.name}.json"


def read_cell(path: Path) -> dict[str, Any]:
    """A finished cell, as written by `measure_cell`; metrics may be missing.

    Raises
    ------
    ArtefactError
        If it is not one.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        values, curve = record["test"]["values"], record["test"]["recall_curve"]
        figures = [*values.values(), *curve.values(), *record["validation"].values()]
        whole = (
            all(figure is None or isinstance(figure, int | float) for figure in figures)
            and all(isinstance(record[name], str) for name in _WORDS)
            and all(isinstance(record[name], dict) for name in ("config", "data", "seconds"))
            and isinstance(record["history"], list)
            and record["name"] == path.stem
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ArtefactError(
            f"{path}: is not a finished cell of this version's `segue compare`; remove it to "
            "measure it again"
        )
    return dict(record)


def finished_cell(folder: Path, cell: Cell, split_fingerprint: str) -> dict[str, Any] | None:
    """The contents of a cell's file, None if there is none.

    Raises
    ------
    ArtefactError
        If it cannot be read.
    MismatchError
        If it has another configuration, split or graph.
    """
    path = cell_path(folder, cell)
    if not path.exists():
        return None
    record = read_cell(path)
    if record["identity"] == cell.identity(split_fingerprint):
        return record
    if record["data"].get("split") != split_fingerprint:
        what = "another graph or split"
    else:
        # As in JSON, where tuples are lists.
        ours, theirs = json.loads(json.dumps(cell.to_json())), record["config"]
        names = [n for n in {**ours, **theirs} if ours.get(n) != theirs.get(n)]
        differences = (f"{n} {theirs.get(n)}, not {ours.get(n)}" for n in names)
        what = f"another configuration ({'; '.join(differences)})"
    raise MismatchError(f"{path}: is of {what}; --overwrite replaces it, another --out keeps it")
