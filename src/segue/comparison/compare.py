"""A whole comparison: every unfinished cell of a grid, then the report."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from rapidfuzz import process

from segue.comparison.folder import cell_path, claim, read_cell
from segue.comparison.grid import Cell, Grid, best_cells
from segue.comparison.measure import RunSettings
from segue.comparison.presets import ARTICLE_RECIPE, QUICK_K_CORE
from segue.comparison.process import ProcessRunner
from segue.comparison.report import write_report
from segue.comparison.results import Comparison
from segue.comparison.schedule import OUT_OF_TIME, measure_unfinished
from segue.comparison.source import Source
from segue.console import Progress, count, progress_of
from segue.errors import InputError, NameLookupError, ResourceError
from segue.evaluation.validation import BEST_BY
from segue.files import scratch_folder
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe


def compare(
    graph: str | Path | PlaylistGraph,
    folder: str | Path,
    grid: Grid | None = None,
    *,
    k_core: int | None = None,
    split_rng_seed: int = 0,
    num_seeds: int = 1,
    repeat_best: int = 1,
    only: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    max_minutes: float = math.inf,
    overwrite: bool = False,
    progress: bool | Progress = False,
) -> Comparison | None:
    """Train every architecture with every objective on one split, with tuned baselines.

    Each cell (a row of the grid with one seed) is measured in its own process and stored as a file,
    so the same call resumes an interrupted comparison. A script must make the call under ``if
    __name__ == "__main__":``, as `multiprocessing` requires.

    Parameters
    ----------
    graph
        The graph, or its folder.
    folder
        For the cells and the report.
    grid
        What to compare; by default everything.
    k_core
        Take the k-core of the graph; by default 30 with the quick preset, and none otherwise.
    split_rng_seed
        Seed of the split.
    num_seeds
        Number of model seeds of every row.
    repeat_best
        Number of model seeds of each architecture's best row and of the two best baselines.
    only
        Measure only this cell, or this row.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: a GPU if PyTorch finds one.
    threads
        CPU threads; None: all cores.
    max_minutes
        Stop after that time.
    overwrite
        Replace cells with another configuration or split.
    progress
        True for lines and bars on standard error.

    Returns
    -------
    Comparison or None
        All finished cells of the folder; None if there are none, as time ran out.

    Raises
    ------
    InputError
        If the graph is too small, or after the report if cells failed.
    ResourceError
        If every cell was left out, as its process was killed or it does not fit into memory.
    ArtefactError, MismatchError
        If the folder holds other files, damaged cells, or cells of another configuration.
    NameLookupError
        If `only` names no cell.

    Examples
    --------
    >>> grid = segue.Grid("quick", models=("lightgcn",), baselines=("popularity",))
    >>> segue.compare("graph", "report", grid, k_core=3)  # doctest: +SKIP
    """
    grid, folder, console = grid or Grid(), Path(folder), progress_of(progress)
    if not max_minutes > 0:
        raise InputError(f"max_minutes is {max_minutes:g}, expected more than 0")
    settings = RunSettings(folder, device, threads, time.monotonic() + 60 * max_minutes, overwrite)
    with ExitStack() as stack:
        if isinstance(graph, PlaylistGraph):
            path = stack.enter_context(scratch_folder("segue-compare")) / "graph"
            graph.save(path)
        else:
            path = Path(graph)
        source = _source(path, grid, k_core, split_rng_seed)
        claim(folder)
        split = source.load()
        cells = _named(grid.cells(split.train, num_seeds), only)
        fingerprint = split.fingerprint
        _say_data(split, console)
        del split  # each process reads its own
        runner = ProcessRunner(source, settings)
        missing = measure_unfinished(cells, fingerprint, runner, console, "Comparing")
        if repeat_best > 1 and not only:
            repeats = _repeats(cells, repeat_best, missing, settings, console)
            # Including finished ones, which tell how long another seed of a row takes.
            finished = [cell for cell in cells if cell.name not in missing]
            missing |= measure_unfinished(
                [*finished, *repeats], fingerprint, runner, console, "Repeating"
            )
    comparison = None
    if any(cell_path(folder, cell).exists() for cell in cells):
        comparison = write_report(folder, missing)
    failed = [cell for cell, why in missing.items() if why.startswith("failed")]
    if failed:
        raise InputError(f"{count(len(failed), 'cell')} failed: {', '.join(failed)} (see above)")
    if comparison is None and missing and OUT_OF_TIME not in missing.values():
        raise ResourceError("no cell could be measured, so there is no report (see above)")
    return comparison


def _source(path: Path, grid: Grid, k_core: int | None, split_rng_seed: int) -> Source:
    recipe = ARTICLE_RECIPE if grid.preset == "article" else SplitRecipe()
    recipe = SplitRecipe(**{**recipe.to_json(), "rng_seed": split_rng_seed})
    if k_core is None:
        k_core = QUICK_K_CORE if grid.preset == "quick" else 0
    return Source(path, recipe, k_core)


def _named(cells: tuple[Cell, ...], only: str | None) -> tuple[Cell, ...]:
    """The cells with a name, or with a row's name."""
    if only is None:
        return cells
    found = tuple(
        cell for cell in cells if only.lower() in (cell.name.lower(), cell.row.name.lower())
    )
    if not found:
        names = [cell.name for cell in cells]
        near = [name for name, *_ in process.extract(only, names, limit=5)]
        raise NameLookupError(f"no cell of this comparison is called {only!r}, but there are", near)
    return found


def _say_data(split: Split, console: Progress) -> None:
    nodes, tracks = split.train.num_nodes, split.train.playlists.tracks
    console.say(
        f"{count(nodes['playlist'], 'playlist')}, {count(nodes['track'], 'track')}; "
        f"{count(tracks.num_pairs, 'training pair')}, {split.validation.targets.num_pairs} held "
        f"out for validation, {split.test.targets.num_pairs} for test"
    )


def _repeats(
    cells: Iterable[Cell],
    num_seeds: int,
    missing: dict[str, str],
    settings: RunSettings,
    console: Progress,
) -> list[Cell]:
    """Further seeds of the best rows and baselines; none until the grid is finished."""
    waits = [name for name, why in missing.items() if not why.startswith("left out")]
    if waits:
        console.say("The best rows are repeated once the whole grid is finished")
        return []
    first = [cell for cell in cells if not cell.rng_seed and cell.name not in missing]
    figures = {
        cell.name: read_cell(cell_path(settings.folder, cell))["validation"][BEST_BY]
        for cell in first
    }
    best = list(best_cells(first, figures))
    fixed = [cell.row.name for cell in best if cell.rng_seed is None]
    if fixed:
        console.say(f"{' and '.join(fixed)}: deterministic, so not repeated with other seeds")
    return [
        cell.with_seed(seed)
        for seed in range(1, num_seeds)
        for cell in best
        if cell.rng_seed is not None
    ]
