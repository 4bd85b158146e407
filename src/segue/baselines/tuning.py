"""Options chosen on validation within a stated number of trials: of baselines, and of encoders.

A search space is a grid: some values for each option. The first trial is the default point; each
further one is next to the best so far (one step up or down in one option), until no such point is
left or the trials are used up. The search is coarse far from the best point and fine near it, draws
nothing at random, and reuses the trials of earlier runs.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from segue.baselines import BASELINES
from segue.baselines.baseline import SearchSpace
from segue.errors import InputError
from segue.evaluation.validation import BEST_BY, validate, validation_rows
from segue.files import write_json_lines
from segue.graph.split import HeldOut, Split

Options = dict[str, float]


@dataclass(frozen=True)
class Trial:
    """One point of a grid, and how good it is.

    Attributes
    ----------
    options
    validation
        Recall@20, Recall@300, nDCG@20 and AUC on the split's validation part.
    seconds
        Time for fitting or training, and scoring.
    """

    options: Options
    validation: dict[str, float]
    seconds: float


class TrialsFile:
    """Finished trials, one JSON object per line: an interrupted tuning resumes after the last.

    A line holds the fingerprint of the split, the baseline, and the fields of a `Trial`. One file
    may hold trials of several splits.

    Parameters
    ----------
    path
        Read if it exists, and rewritten atomically after each trial; None stores nothing.

    Raises
    ------
    InputError
        If the file cannot be read, or a line is not a trial.
    ArtefactError
        From `trial`, if the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._entries = _read(path) if path is not None and path.exists() else []

    def trial(
        self,
        split: Split,
        name: str,
        options: Options,
        measure: Callable[[Options], Trial],
    ) -> Trial:
        """The finished trial of these options; if there is none, run it and add it to the file.

        Parameters
        ----------
        split, name
            What is tuned, and on which split.
        options, measure
            ``measure(options)`` runs the trial.
        """
        for entry in self._entries:
            found = (entry["split"], entry["baseline"], entry["options"])
            if found == (split.fingerprint, name, options):
                return Trial(options, entry["validation"], entry["seconds"])
        trial = measure(options)
        self._entries.append({"split": split.fingerprint, "baseline": name, **asdict(trial)})
        if self._path is not None:
            write_json_lines(self._path, self._entries)
        return trial

    def seconds(self, split: Split, name: str) -> list[float]:
        """Seconds taken by each finished trial."""
        return [
            float(entry["seconds"])
            for entry in self._entries
            if (entry["split"], entry["baseline"]) == (split.fingerprint, name)
        ]


@dataclass(frozen=True)
class Tuning:
    """The options to fit a baseline with, or to train an encoder with.

    Attributes
    ----------
    options
        Those of the best trial, the first among equals; the defaults if nothing was tried.
    trials
        In the order in which they were run. Empty if there was no choice: one trial allowed, or a
        baseline without options.
    """

    options: Options
    trials: tuple[Trial, ...] = ()


def tune(
    name: str,
    split: Split,
    num_trials: int,
    finished: TrialsFile | None = None,
    starting: Callable[[int, Options], None] | None = None,
) -> Tuning:
    """Fit a baseline with several options on the training graph, and compare on validation.

    Parameters
    ----------
    name
        In `BASELINES`.
    split
        Its test part is not used.
    num_trials
        Maximum number, including those in `finished`. With 1 nothing is tried.
    finished
        Provides the trials already run, and stores new ones.
    starting
        Called before each trial with its number, from 1, and its options.

    Raises
    ------
    ResourceError
        If the baseline cannot run on this machine.
    InputError
        If the split holds nothing out for validation.
    """
    space = BASELINES[name].search_space
    if num_trials == 1 or not space:
        return Tuning({option: values[0] for option, values in space.items()})
    finished = finished or TrialsFile(None)
    held_out = validation_rows(split.validation)
    if not held_out.targets.num_pairs:
        raise InputError(
            "the split holds nothing out for validation, so no options can be chosen on it"
        )
    return search(
        space,
        num_trials,
        lambda options: finished.trial(
            split, name, options, partial(_measure, name, split, held_out)
        ),
        starting,
    )


def search(
    space: SearchSpace,
    num_trials: int,
    measure: Callable[[Options], Trial],
    starting: Callable[[int, Options], None] | None = None,
) -> Tuning:
    """Walk on a grid from its default point to ever better ones.

    Parameters
    ----------
    space
        The values of each option, the default first.
    num_trials
        Maximum number.
    measure
        Runs the trial of a point.
    starting
        As for `tune`.
    """
    best = {option: values[0] for option, values in space.items()}
    moves = [(option, step) for option in space for step in (1, -1)]
    trials: list[Trial] = []
    point: Options | None = best
    value = -math.inf
    while point is not None and len(trials) < num_trials:
        if starting is not None:
            starting(len(trials) + 1, point)
        trial = measure(point)
        trials.append(trial)
        if trial.validation[BEST_BY] > value:
            value = trial.validation[BEST_BY]
            # Continue in the direction of the improvement.
            moves.sort(key=lambda move: _step(space, best, move) != point)
            best = point
        tried = [trial.options for trial in trials]
        around = (_step(space, best, move) for move in moves)
        point = next((near for near in around if near is not None and near not in tried), None)
    return Tuning(best, tuple(trials))


def _measure(name: str, split: Split, held_out: HeldOut, options: Options) -> Trial:
    started = time.perf_counter()
    scorer = BASELINES[name](split.train, **options)
    values = validate(scorer, held_out, split.train)
    return Trial(options, values, round(time.perf_counter() - started, 3))


def _step(space: SearchSpace, options: Options, move: tuple[str, int]) -> Options | None:
    """The point one step away, None beyond the edge of the grid."""
    option, step = move
    values = sorted(space[option])
    place = values.index(options[option]) + step
    return {**options, option: values[place]} if 0 <= place < len(values) else None


def _read(path: Path) -> list[dict[str, Any]]:
    """The lines of a trials file, checked."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a file of trials ({error})") from error
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            options, validation = dict(entry["options"]), dict(entry["validation"])
            known = isinstance(entry["split"], str) and isinstance(entry["baseline"], str)
            figures = [entry["seconds"], validation[BEST_BY], *options.values()]
        except (ValueError, KeyError, TypeError):
            known, figures = False, []
        if not (known and all(isinstance(figure, int | float) for figure in figures)):
            raise InputError(f"{path}, line {number}: is not a tuning trial")
        entries.append(entry)
    return entries
