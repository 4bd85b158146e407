"""The cells of `segue compare` measured one after the other, with the time that is left."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from segue.console import count, progress_bar, say

if TYPE_CHECKING:
    from segue.compare.cells import Terms
    from segue.compare.grid import Cell
    from segue.compare.process import Apart
    from segue.console import ProgressBar

OUT_OF_TIME = "the time was over; the same command goes on"


def measure_cells(
    cells: Sequence[Cell], fingerprint: str, apart: Apart, terms: Terms, title: str
) -> dict[str, str]:
    """Measure what is not finished; gives the names of cells that are missing still, and why."""
    from segue.compare.cells import OutOfTimeError
    from segue.errors import ResourceError, TrainingError

    waiting = _waiting(cells, fingerprint, terms)
    if not waiting:
        return {}
    expected = _expected(cells, waiting, apart, terms)
    missing: dict[str, str] = {}
    done, spent = 0.0, 0.0  # of the seconds that were expected, and in truth
    total = sum(expected.values())
    with progress_bar(title, math.ceil(total), "") as bar:
        for at, cell in enumerate(waiting, start=1):
            place = f"{at}/{len(waiting)} {cell.name}"
            started = time.time()
            try:
                watch = _watch(bar, expected[cell.name], place)
                record = apart.measure(cell, terms, watch)
            except OutOfTimeError:
                missing[cell.name] = OUT_OF_TIME
                continue
            except (ResourceError, TrainingError) as error:
                kind = "left out" if isinstance(error, ResourceError) else "failed"
                missing[cell.name] = f"{kind}: {error}"
                bar.say(f"{place} {missing[cell.name]}")
                continue
            spent += time.time() - started
            done += expected[cell.name]
            left = (total - done) * spent / done
            figures = record["validation"]
            bar.say(
                f"{place}: on validation recall@20 {figures['recall@20']:.4f}, "
                f"nDCG@20 {figures['ndcg@20']:.4f}; {_duration(time.time() - started)}"
                + (f", about {_duration(left)} left" if at < len(waiting) else "")
            )
    late = [name for name, why in missing.items() if why == OUT_OF_TIME]
    if late:
        say(f"The time is over: {count(len(late), 'cell')} not finished; the same command goes on")
    return missing


def _waiting(cells: Sequence[Cell], fingerprint: str, terms: Terms) -> list[Cell]:
    """The cells that are not finished; all files are looked at before anything is done."""
    from segue.compare.cells import finished_cell
    from segue.errors import ArtefactError, MismatchError

    waiting = []
    for cell in cells:
        try:
            if finished_cell(terms.folder, cell, fingerprint) is None:
                waiting.append(cell)
        except (ArtefactError, MismatchError):
            if not terms.overwrite:
                raise
            waiting.append(cell)
    return waiting


def _expected(
    cells: Sequence[Cell], waiting: Sequence[Cell], apart: Apart, terms: Terms
) -> dict[str, float]:
    """Seconds that each waiting cell will take, said before it starts."""
    from segue.compare.cells import cell_path, read_cell
    from segue.compare.estimate import estimate_from

    names = {cell.name for cell in waiting}
    paths = [cell_path(terms.folder, cell) for cell in cells if cell.name not in names]
    expected = estimate_from(map(read_cell, paths), waiting)
    unknown = [cell for cell in waiting if cell.name not in expected]
    rules_of_thumb = False
    if unknown:
        with progress_bar("Timing a few steps of each", 1, "") as bar:
            estimates = apart.estimate(unknown, terms, _watch(bar, 1, ""))
        expected |= {name: estimate.seconds for name, estimate in estimates.items()}
        rules_of_thumb = any(not estimate.timed for estimate in estimates.values())
    if paths:
        say(f"{len(paths)} of {count(len(cells), 'cell')} are finished already")
    parts = []
    for thing, part in (
        ("training", [cell for cell in waiting if not cell.row.is_baseline]),
        ("baseline", [cell for cell in waiting if cell.row.is_baseline]),
    ):
        if part:
            each = sum(expected[cell.name] for cell in part) / len(part)
            rule = ", by rule of thumb" if thing == "baseline" and rules_of_thumb else ""
            parts.append(f"{count(len(part), thing)} × {_duration(each)}{rule}")
    say(f"{' + '.join(parts)}: about {_duration(sum(expected.values()))}")
    return expected


def _watch(bar: ProgressBar, seconds: float, place: str) -> Any:
    """Moves a bar on by the share of `seconds` that is done."""
    position = 0.0

    def watch(share: float, note: str) -> None:
        nonlocal position
        words = f"{place}: {note}" if place and note else place or note
        bar.advance((share - position) * seconds, note=words)
        position = share

    return watch


def _duration(seconds: float) -> str:
    """``40 s``, ``3.5 min``, ``2 h 5 min``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 5970:
        return f"{seconds / 60:.1f} min" if seconds < 595 else f"{seconds / 60:.0f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def repeated_cells(
    cells: Iterable[Cell], num_seeds: int, missing: dict[str, str], terms: Terms
) -> list[Cell]:
    """Further seeds of the best rows and baselines; none until the grid is finished."""
    from segue.compare.cells import cell_path, read_cell
    from segue.compare.grid import best_cells
    from segue.evaluation.validation import BEST_BY

    waits = [name for name, why in missing.items() if not why.startswith("left out")]
    if waits:
        say("The best rows are repeated once the whole grid is finished")
        return []
    first = [cell for cell in cells if not cell.rng_seed and cell.name not in missing]
    figures = {
        cell.name: read_cell(cell_path(terms.folder, cell))["validation"][BEST_BY] for cell in first
    }
    best = list(best_cells(first, figures))
    fixed = [cell.row.name for cell in best if cell.rng_seed is None]
    if fixed:
        say(f"{' and '.join(fixed)}: draws nothing at random, so there is no seed to repeat it by")
    return [
        cell.with_seed(seed)
        for seed in range(1, num_seeds)
        for cell in best
        if cell.rng_seed is not None
    ]
