"""One cell of a comparison: trained or tuned, measured, and kept as a file of its own."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.baselines.baselines import BASELINES
from segue.baselines.tuning import TrialsFile, tune
from segue.compare.grid import Cell
from segue.compare.machine import machine, peak_memory
from segue.errors import ArtefactError, MismatchError
from segue.evaluation.evaluate import evaluate
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.evaluation.validation import validate, validation_rows
from segue.files import write_json
from segue.graph.split import Split
from segue.training.checkpoint import CHECKPOINT, METRICS_FILE
from segue.training.device import device_named
from segue.training.train import train

TRIALS_FILE = "trials.jsonl"
# Called with the share of a cell that is done, and a few words on where it stands.
Watch = Callable[[float, str], None]
# Of a training; the rest is evaluation.
_TRAINING_SHARE = 0.95


class OutOfTimeError(Exception):
    """The time is over: what is done of the cell is kept, and goes on the next time."""


@dataclass(frozen=True)
class Terms:
    """How cells are measured, apart from what determines their figures.

    Attributes
    ----------
    folder
        Of the report: trainings under way and finished trials are kept in it.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: a GPU if PyTorch finds one.
    deadline
        By `time.time`: a training then stops at the end of its epoch, a tuning at that of its
        trial.
    overwrite
        Begin anew where another configuration's training was stopped.
    """

    folder: Path
    device: str = "cpu"
    deadline: float = math.inf
    overwrite: bool = False

    def check_time(self) -> None:
        """Raise `OutOfTimeError` once it is."""
        if time.time() >= self.deadline:
            raise OutOfTimeError


def cell_path(folder: Path, cell: Cell) -> Path:
    """The file of a finished cell."""
    return folder / "cells" / f"{cell.name}.json"


def read_cell(path: Path) -> dict[str, Any]:
    """What a finished cell came to.

    Raises
    ------
    ArtefactError
        If it is no such file.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        values, curve = record["test"]["values"], record["test"]["recall_curve"]
        figures = [*values.values(), *curve.values(), *record["validation"].values()]
        whole = (
            all(figure is None or isinstance(figure, int | float) for figure in figures)
            and all(isinstance(record[name], str) for name in ("name", "identity", "model"))
            and all(isinstance(record[name], dict) for name in ("config", "data", "seconds"))
            and isinstance(record["history"], list)
            and record["name"] == path.stem
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ArtefactError(
            f"{path}: is not a finished cell of `segue compare`; remove it, and it is measured anew"
        )
    return dict(record)


def finished_cell(folder: Path, cell: Cell, split_fingerprint: str) -> dict[str, Any] | None:
    """The file of a cell if it is there, None if it is not.

    Raises
    ------
    ArtefactError
        If it cannot be read.
    MismatchError
        If it is of another configuration, or of another split or graph.
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
        # As JSON has them: tuples are lists there.
        ours, theirs = json.loads(json.dumps(cell.to_json())), record["config"]
        names = [n for n in {**ours, **theirs} if ours.get(n) != theirs.get(n)]
        differences = (f"{n} {theirs.get(n)}, not {ours.get(n)}" for n in names)
        what = f"another configuration ({'; '.join(differences)})"
    raise MismatchError(
        f"{path}: is of {what}; --overwrite measures it anew, another --out keeps it"
    )


def measure_cell(cell: Cell, split: Split, terms: Terms, watch: Watch) -> dict[str, Any]:
    """Train or tune, measure on validation and test, and write the cell's file.

    Parameters
    ----------
    cell
    split
    terms
    watch
        Told how far it is.

    Returns
    -------
    dict
        What the file holds.

    Raises
    ------
    OutOfTimeError
        If the deadline passes; the next call goes on from there.
    SegueError
        As `segue.training.train.train`, `segue.baselines.tuning.tune` and the baselines.
    """
    terms.check_time()
    _make(cell_path(terms.folder, cell).parent)
    scorer, facts = (
        _tuned(cell, split, terms, watch)
        if cell.row.is_baseline
        else _trained(cell, split, terms, watch)
    )
    watch(_TRAINING_SHARE, "evaluating")
    started = time.perf_counter()
    record = {
        "name": cell.name,
        "identity": cell.identity(split.fingerprint),
        "model": cell.row.model,
        "loss": cell.row.loss,
        "negatives": cell.row.negatives,
        "rng_seed": cell.rng_seed,
        "preset": cell.preset,
        "config": cell.to_json(),
        "validation": validate(scorer, validation_rows(split.validation), split.train),
        "test": evaluate(scorer, split.test, split.train).to_json(),
        **facts,
        "data": {
            "graph": split.graph.fingerprint,
            "split": split.fingerprint,
            "recipe": split.recipe.to_json(),
            "nodes": split.train.num_nodes,
            "pairs": {
                "train": split.train.playlists.tracks.num_pairs,
                "validation": split.validation.targets.num_pairs,
                "test": split.test.targets.num_pairs,
            },
            "options": {
                name: value
                for name, value in split.train.options.items()
                if name in ("k_core", "order", "input_fingerprint")
            },
        },
        "machine": machine(),
        "peak_memory": peak_memory(),
    }
    record["seconds"]["evaluation"] = round(time.perf_counter() - started, 3)
    write_json(cell_path(terms.folder, cell), record)
    # Only now that the file is whole is the way there no longer needed.
    shutil.rmtree(training_folder(terms.folder, cell), ignore_errors=True)
    with suppress(OSError):  # it stays where another training is under way
        training_folder(terms.folder, cell).parent.rmdir()
    watch(1.0, "")
    return record


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be made ({error.strerror or error})") from error


def training_folder(folder: Path, cell: Cell) -> Path:
    """Where a training under way keeps its checkpoint."""
    return folder / "training" / cell.name


def _trained(
    cell: Cell, split: Split, terms: Terms, watch: Watch
) -> tuple[Scorer | HeldOutScorer, dict[str, Any]]:
    folder = training_folder(terms.folder, cell)
    config = cell.config
    if config is None:
        raise ValueError(f"{cell.name} has no configuration")
    _make(folder)
    device = device_named(terms.device)

    def step(done: int, total: int, loss: float) -> None:
        watch(_TRAINING_SHARE * done / total, f"step {done}/{total}, loss {loss:.3f}")

    def epoch(entry: dict[str, Any]) -> None:
        if entry["epoch"] < entry["epochs"]:
            terms.check_time()

    def run(resume: bool) -> Any:
        return train(
            split.train,
            validation_rows(split.validation),
            config,
            folder=folder,
            identity=split.fingerprint,
            resume=resume,
            device=device,
            on_step=step,
            on_epoch=epoch,
        )

    try:
        result = run((folder / CHECKPOINT).exists())
    except (MismatchError, ArtefactError) as error:
        if not terms.overwrite:
            raise type(error)(f"{error}; --overwrite begins it anew") from None
        for name in (CHECKPOINT, METRICS_FILE):
            (folder / name).unlink(missing_ok=True)
        result = run(False)
    return result.scorer, {
        "history": result.history,
        "best_epoch": result.best_epoch,
        "parameters": result.num_learned,
        "seconds": {"training": round(result.seconds, 3)},
        "device": device,
    }


def _tuned(cell: Cell, split: Split, terms: Terms, watch: Watch) -> tuple[Scorer, dict[str, Any]]:
    def starting(number: int, options: dict[str, float]) -> None:
        terms.check_time()
        words = ", ".join(f"{option} {value:g}" for option, value in options.items())
        watch(
            _TRAINING_SHARE * (number - 1) / (cell.num_trials + 1),
            f"trial {number}/{cell.num_trials}: {words}",
        )

    trials = TrialsFile(terms.folder / TRIALS_FILE)
    tuning = tune(cell.row.model, split, cell.num_trials, trials, starting)
    watch(_TRAINING_SHARE * cell.num_trials / (cell.num_trials + 1), "fitting")
    terms.check_time()
    fitting = time.perf_counter()
    options: dict[str, Any] = dict(tuning.options)
    if cell.rng_seed is not None:
        options["rng_seed"] = cell.rng_seed
    scorer: Scorer = BASELINES[cell.row.model](split.train, **options)
    return scorer, {
        "history": [],
        "options": tuning.options,
        "num_trials": len(tuning.trials),
        "parameters": None,
        "seconds": {
            "training": round(time.perf_counter() - fitting, 3),
            # Those of earlier calls included.
            "tuning": round(sum(trial.seconds for trial in tuning.trials), 3),
        },
        "device": "cpu",
    }
