"""The cells of a comparison, one after the other, with the time that each will take."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from segue.comparison.estimate import estimate_from
from segue.comparison.folder import cell_path, finished_cell, read_cell
from segue.comparison.grid import Cell
from segue.comparison.measure import OnProgress, OutOfTimeError, RunSettings
from segue.comparison.process import ProcessRunner
from segue.console import Progress, ProgressBar, count, duration
from segue.errors import ArtefactError, MismatchError, ResourceError, TrainingError

OUT_OF_TIME = "out of time; the same command resumes it"


def measure_unfinished(
    cells: Sequence[Cell],
    fingerprint: str,
    runner: ProcessRunner,
    console: Progress,
    title: str,
) -> dict[str, str]:
    """Measure unfinished cells; returns the names of those still missing, and why."""
    waiting = _waiting(cells, fingerprint, runner.settings)
    if not waiting:
        return {}
    expected = _expected(cells, waiting, runner, console)
    missing: dict[str, str] = {}
    done, spent = 0.0, 0.0  # seconds for finished cells: expected and actual
    total = sum(expected.values())
    with console.bar(title, math.ceil(total), "") as bar:
        for at, cell in enumerate(waiting, start=1):
            place = f"{at}/{len(waiting)} {cell.name}"
            started = time.monotonic()
            try:
                record = runner.measure(cell, _moving(bar, expected[cell.name], place))
            except OutOfTimeError:
                missing[cell.name] = OUT_OF_TIME
                continue
            except (ResourceError, TrainingError) as error:
                kind = "left out" if isinstance(error, ResourceError) else "failed"
                missing[cell.name] = f"{kind}: {error}"
                bar.say(f"{place} {missing[cell.name]}")
                continue
            spent += time.monotonic() - started
            done += expected[cell.name]
            left = (total - done) * spent / done
            figures = record["validation"]
            bar.say(
                f"{place}: on validation recall@20 {figures['recall@20']:.4f}, "
                f"nDCG@20 {figures['ndcg@20']:.4f}; {duration(time.monotonic() - started)}"
                + (f", about {duration(left)} left" if at < len(waiting) else "")
            )
    late = [name for name, why in missing.items() if why == OUT_OF_TIME]
    if late:
        console.say(f"Out of time: {count(len(late), 'cell')} not finished; run it again to resume")
    return missing


def _waiting(cells: Sequence[Cell], fingerprint: str, settings: RunSettings) -> list[Cell]:
    """The unfinished cells; all files are checked before any work is done."""
    waiting = []
    for cell in cells:
        try:
            if finished_cell(settings.folder, cell, fingerprint) is None:
                waiting.append(cell)
        except (ArtefactError, MismatchError):
            if not settings.overwrite:
                raise
            waiting.append(cell)
    return waiting


def _expected(
    cells: Sequence[Cell], waiting: Sequence[Cell], runner: ProcessRunner, console: Progress
) -> dict[str, float]:
    """Seconds that each waiting cell will take, announced before it starts."""
    names = {cell.name for cell in waiting}
    paths = [cell_path(runner.settings.folder, cell) for cell in cells if cell.name not in names]
    expected = estimate_from(map(read_cell, paths), waiting)
    unknown = [cell for cell in waiting if cell.name not in expected]
    rules_of_thumb = False
    if unknown:
        with console.bar("Timing a few steps of each", 1, "") as bar:
            estimates = runner.estimate(unknown, _moving(bar, 1, ""))
        expected |= {name: estimate.seconds for name, estimate in estimates.items()}
        rules_of_thumb = any(not estimate.timed for estimate in estimates.values())
    if paths:
        console.say(f"{len(paths)} of {count(len(cells), 'cell')} are finished already")
    parts = []
    for thing, part in (
        ("training", [cell for cell in waiting if not cell.row.is_baseline]),
        ("baseline", [cell for cell in waiting if cell.row.is_baseline]),
    ):
        if part:
            each = sum(expected[cell.name] for cell in part) / len(part)
            rule = ", by rule of thumb" if thing == "baseline" and rules_of_thumb else ""
            parts.append(f"{count(len(part), thing)} × {duration(each)}{rule}")
    console.say(f"{' + '.join(parts)}: about {duration(sum(expected.values()))}")
    return expected


def _moving(bar: ProgressBar, seconds: float, place: str) -> OnProgress:
    """Advances a bar by the share of `seconds` that is done."""
    position = 0.0

    def on_progress(share: float, note: str) -> None:
        nonlocal position
        words = f"{place}: {note}" if place and note else place or note
        bar.advance((share - position) * seconds, note=words)
        position = share

    return on_progress
