"""How long a comparison will take: estimated from a few timed steps, and from finished cells."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segue.baselines.tuning import TrialsFile
from segue.comparison.folder import trials_path
from segue.comparison.grid import Cell, Row
from segue.comparison.measure import OnProgress, RunSettings
from segue.evaluation.validation import validate, validation_rows
from segue.graph.split import Split
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.training.config import TrainConfig, default_epochs
from segue.training.device import device_named
from segue.training.objectives import CatalogueSoftmax, HardNegatives
from segue.training.train import train

# Timed steps of each row, after a first one; fewer once they have taken this long.
_TIMED_STEPS = 4
_TIMED_SECONDS = 8.0
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


class _EnoughError(Exception):
    """Enough steps have been timed."""


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
    validating, evaluating = _time_of_ranking(split, clock)
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


def _time_of_ranking(split: Split, clock: Callable[[], float]) -> tuple[float, float]:
    """Seconds of one validation, and of the evaluation at the end."""
    num_tracks = split.train.catalog.num_tracks
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((num_tracks, 64), dtype=np.float32)
    rows = validation_rows(split.validation)
    even = np.ones(num_tracks, dtype=np.float32)
    started = clock()
    validate(FirstStage(Centroid(vectors, even)), rows, split.train)
    seconds = clock() - started
    num_test = int((split.test.targets.lengths > 0).sum())
    # An evaluation also makes lists, which takes the same time again.
    return seconds, seconds * (1 + 2 * num_test / len(rows.query))


def _of_training(
    config: TrainConfig,
    split: Split,
    settings: RunSettings,
    validating: float,
    clock: Callable[[], float],
) -> float:
    """Seconds of a training, from a few steps of it."""
    times = [clock()]
    num_steps = 0

    def step(done: int, total: int, loss: float) -> None:
        nonlocal num_steps
        num_steps = total
        times.append(clock())
        if len(times) > _TIMED_STEPS + 1 or times[-1] - times[1] > _TIMED_SECONDS:
            raise _EnoughError

    with suppress(_EnoughError):
        device = device_named(settings.device)
        train(split.train, None, _in_the_middle(config), device=device, on_step=step)
    between = np.diff(times)
    # The first step also prepares the graph, and the ranking of hard negatives if there is one.
    per_step = float(np.median(between[1:] if len(between) > 1 else between))
    first = max(0.0, float(between[0]) - per_step)
    epochs = config.epochs or _epochs_of(config, split)
    hard = config.objective.negatives
    refreshes = math.ceil(epochs / hard.refresh_every) if isinstance(hard, HardNegatives) else 1
    validations = math.ceil(epochs / config.validate_every)
    return num_steps * per_step + first * refreshes + validations * validating


def _in_the_middle(config: TrainConfig) -> TrainConfig:
    """Hard negatives as halfway through their schedule: the smaller the share, the more draws."""
    objective = config.objective
    if isinstance(objective, CatalogueSoftmax) or not isinstance(
        objective.negatives, HardNegatives
    ):
        return config
    hard = objective.negatives
    share, mix = math.sqrt(math.prod(hard.share)), float(np.mean(hard.mix))
    on_average = replace(hard, share=(share, share), mix=(mix, mix))
    return replace(config, objective=replace(objective, negatives=on_average))


def _epochs_of(config: TrainConfig, split: Split) -> int:
    num_playlists = int((split.train.playlists.tracks.lengths >= 2).sum())
    return default_epochs(num_playlists, config.batch_size)


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
