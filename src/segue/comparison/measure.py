"""Measuring one cell of a comparison: train or tune it, evaluate it, and write its file."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.baselines import BASELINES
from segue.baselines.tuning import TrialsFile, tune
from segue.comparison.folder import cell_path, make_folder, training_folder, trials_path
from segue.comparison.grid import Cell
from segue.errors import ArtefactError, MismatchError
from segue.evaluation.evaluate import evaluate
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.evaluation.validation import validate, validation_rows
from segue.files import write_json
from segue.graph.split import Split
from segue.machine import machine, peak_memory
from segue.training.checkpoint import CHECKPOINT, METRICS_FILE
from segue.training.device import device_named
from segue.training.train import train

# Called with the share of the work done, from 0 to 1, and a short status.
OnProgress = Callable[[float, str], None]
# Share of the work that is training; the rest is evaluation.
_TRAINING_SHARE = 0.95


class OutOfTimeError(Exception):
    """The deadline has passed: partial work on the cell is kept, and the next call resumes it."""


@dataclass(frozen=True)
class RunSettings:
    """Settings for measuring cells that do not affect their figures.

    Attributes
    ----------
    folder
        The comparison's folder: see `segue.comparison.folder`.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: a GPU if PyTorch finds one.
    threads
        CPU threads of each process; None: all cores.
    deadline
        In terms of `time.monotonic`, which all processes share: a training then stops at the end of
        its epoch, a tuning at the end of its trial.
    overwrite
        Start over if a training of another configuration was interrupted.
    """

    folder: Path
    device: str = "cpu"
    threads: int | None = None
    deadline: float = math.inf
    overwrite: bool = False

    def check_time(self) -> None:
        """Raise `OutOfTimeError` after the deadline."""
        if time.monotonic() >= self.deadline:
            raise OutOfTimeError


def measure_cell(
    cell: Cell, split: Split, settings: RunSettings, on_progress: OnProgress
) -> dict[str, Any]:
    """Train or tune, measure on validation and test, and write the cell's file.

    Parameters
    ----------
    cell
    split
    settings
    on_progress

    Returns
    -------
    dict
        The file's contents.

    Raises
    ------
    OutOfTimeError
        If the deadline passes; the next call resumes there.
    SegueError
        As for `segue.training.train.train`, `segue.baselines.tuning.tune` and the baselines.
    """
    settings.check_time()
    make_folder(cell_path(settings.folder, cell).parent)
    scorer, facts = (
        _tuned(cell, split, settings, on_progress)
        if cell.row.is_baseline
        else _trained(cell, split, settings, on_progress)
    )
    on_progress(_TRAINING_SHARE, "evaluating")
    started = time.perf_counter()
    record = {
        "name": cell.name,
        "identity": cell.identity(split.fingerprint),
        "model": cell.row.model,
        "objective": cell.row.objective,
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
    write_json(cell_path(settings.folder, cell), record)
    # Only now that the file is complete are the intermediate files no longer needed.
    shutil.rmtree(training_folder(settings.folder, cell), ignore_errors=True)
    with suppress(OSError):  # it stays if another training is running
        training_folder(settings.folder, cell).parent.rmdir()
    on_progress(1.0, "")
    return record


def _trained(
    cell: Cell, split: Split, settings: RunSettings, on_progress: OnProgress
) -> tuple[Scorer | HeldOutScorer, dict[str, Any]]:
    folder = training_folder(settings.folder, cell)
    config = cell.config
    if config is None:
        raise ValueError(f"{cell.name} has no configuration")
    make_folder(folder)
    device = device_named(settings.device)

    def step(done: int, total: int, loss: float) -> None:
        on_progress(_TRAINING_SHARE * done / total, f"step {done}/{total}, loss {loss:.3f}")

    def epoch(entry: dict[str, Any]) -> None:
        if entry["epoch"] < entry["epochs"]:
            settings.check_time()

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
        if not settings.overwrite:
            raise type(error)(f"{error}; --overwrite starts over") from None
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


def _tuned(
    cell: Cell, split: Split, settings: RunSettings, on_progress: OnProgress
) -> tuple[Scorer, dict[str, Any]]:
    def starting(number: int, options: dict[str, float]) -> None:
        settings.check_time()
        words = ", ".join(f"{option} {value:g}" for option, value in options.items())
        on_progress(
            _TRAINING_SHARE * (number - 1) / (cell.num_trials + 1),
            f"trial {number}/{cell.num_trials}: {words}",
        )

    trials = TrialsFile(trials_path(settings.folder))
    tuning = tune(cell.row.model, split, cell.num_trials, trials, starting)
    on_progress(_TRAINING_SHARE * cell.num_trials / (cell.num_trials + 1), "fitting")
    settings.check_time()
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
            # Including those of earlier calls.
            "tuning": round(sum(trial.seconds for trial in tuning.trials), 3),
        },
        "device": "cpu",
    }
