"""How long a comparison will take: estimated from a few timed steps, and from finished cells."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.baselines.tuning import TrialsFile
from segue.comparison.folder import trials_path
from segue.comparison.grid import Cell, Row
from segue.comparison.measure import OnProgress, RunSettings
from segue.evaluation.timing import time_of_ranking
from segue.graph.split import Split
from segue.training.config import TrainConfig
from segue.training.device import device_named
from segue.training.timing import time_steps

# Time for a process to start, read the graph and draw the split.
_STARTING_SECONDS = 5.0
# Seconds of a trial of each baseline at a million pairs and 11,000 tracks on one core, scaled to
# other sizes by pairs, or for EASE by tracks cubed. A first trial makes it exact.
_TRIAL_SECONDS = {
    "popularity": 8.0,
    "item-kNN": 25.0,
    "RP3beta": 25.0,
    "EASE": 45.0,
    "EASE+side": 45.0,
    "SLIM": 60.0,
    "GF-CF": 30.0,
    "spectral": 20.0,
    "iALS": 60.0,
}
_OTHER_TRIAL_SECONDS = 30.0


@dataclass(frozen=True)
class Estimate:
    """Expected seconds of a cell, and whether they were timed or are a rule of thumb."""

    seconds: float
    timed: bool


def estimate_cells(
    cells: Iterable[Cell],
    split: Split,
    settings: RunSettings,
    on_progress: OnProgress,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Estimate]:
    """Time a few steps of each row, and one validation.

    Parameters
    ----------
    cells
        The cells to do; each row is timed once.
    split
    settings
    on_progress
    clock
        Returns seconds since some moment.

    Returns
    -------
    dict
        By name of the cell.
    """
    cells = list(cells)
    validating, evaluating = time_of_ranking(split, clock=clock)
    trials = TrialsFile(trials_path(settings.folder))
    by_row: dict[str, Estimate] = {}
    for at, cell in enumerate(cells):
        on_progress(at / len(cells), cell.row.name)
        name = cell.row.name
        if name in by_row:
            continue
        if cell.config is None:
            by_row[name] = _of_baseline(cell, split, trials, evaluating)
        else:
            seconds = _of_training(cell.config, split, settings, validating, clock)
            by_row[name] = Estimate(seconds + evaluating + _STARTING_SECONDS, True)
    return {cell.name: by_row[cell.row.name] for cell in cells}


def estimate_from(records: Iterable[Mapping[str, Any]], cells: Iterable[Cell]) -> dict[str, float]:
    """Seconds by name, for cells whose row is finished with another seed: the time that took."""
    by_row: dict[Row, list[float]] = {}
    for record in records:
        row = Row(record["model"], record["objective"], record["negatives"])
        seconds = record["seconds"]
        # Trials are not repeated for another seed.
        spent = seconds["training"] + seconds["evaluation"] + _STARTING_SECONDS
        by_row.setdefault(row, []).append(spent)
    found = {}
    for cell in cells:
        if cell.row in by_row:
            found[cell.name] = float(np.mean(by_row[cell.row]))
    return found


def _of_training(
    config: TrainConfig,
    split: Split,
    settings: RunSettings,
    validating: float,
    clock: Callable[[], float],
) -> float:
    """Seconds of a training, from a few steps of it."""
    steps = time_steps(split.train, config, device_named(settings.device), clock=clock)
    return steps.total + math.ceil(steps.epochs / config.validate_every) * validating


def _of_baseline(cell: Cell, split: Split, trials: TrialsFile, evaluating: float) -> Estimate:
    """Its unfinished trials and the fitting, estimated from finished trials or by rule of thumb."""
    seconds = trials.seconds(split, cell.row.model)
    if cell.row.model.startswith("EASE"):
        size = (split.train.catalog.num_tracks / 11_412) ** 3
    else:
        size = split.train.playlists.tracks.num_pairs / 770_000
    by_rule = _TRIAL_SECONDS.get(cell.row.model, _OTHER_TRIAL_SECONDS) * size
    one = float(np.mean(seconds)) if seconds else by_rule
    left = max(0, cell.num_trials - len(seconds)) if cell.num_trials > 1 else 0
    if cell.row.model == "popularity":
        left = 0
    return Estimate((left + 1) * one + evaluating + _STARTING_SECONDS, bool(seconds))
