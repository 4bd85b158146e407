"""`segue compare`: architectures, losses, negatives and baselines in one report."""

from __future__ import annotations

import difflib
import math
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from segue.cli.compare_progress import measure_cells, repeated_cells
from segue.cli.output import (
    DEVICE,
    SPLIT_RNG_SEED,
    THREADS,
    comma_names,
    limit_threads,
    print_table,
)
from segue.console import count, say

if TYPE_CHECKING:
    from segue.compare.grid import Cell, Grid, Preset
    from segue.compare.report import Comparison
    from segue.graph.split import Split

DEFAULT_TRIALS, QUICK_TRIALS = 8, 3


class Names(click.ParamType[tuple[str, ...]]):
    """``gcn,rgcn``: names with commas between them; ``none`` is no name."""

    name = "NAMES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Parse; what is known is checked by `segue.compare.grid.Grid`."""
        names = comma_names(str(value))
        return () if names == ("none",) else names


@click.command(short_help="Architectures and baselines in one report.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The folder of the report."
)
@click.option(
    "--models",
    type=Names(),
    help="Only these architectures: lightgcn, gcn, graphsage, gat, rgcn; or none.",
)
@click.option("--loss", "losses", type=Names(), help="Only these losses: full, sampled, bpr.")
@click.option(
    "--negatives",
    type=Names(),
    help="Only these: all, random, hard; hardest, too, if it is named.",
)
@click.option(
    "--baselines/--no-baselines",
    default=None,
    help="Tuned baselines beside them.  [default: yes, but not with --preset article]",
)
@click.option("--quick", is_flag=True, help="The 30-core, small vectors.")
@click.option(
    "--preset",
    type=click.Choice(["article"]),
    help="The protocol of the article: ten models, trained and split as there.",
)
@click.option("--k-core", type=click.IntRange(min=0), metavar="K", help="Take the K-core of GRAPH.")
@click.option("--dim", type=int, help="Length of a vector.  [default: 128; quick: 32; article: 64]")
@click.option(
    "--relations",
    type=Names(),
    help="Structural relations that carry messages: artist, album, both, or none.  "
    "[default: artist]",
)
@click.option(
    "--readout",
    type=click.Choice(["centroid", "node"]),
    help="The vector of a playlist: of its tracks, or its own, learned.  [default: centroid; "
    "article: node]",
)
@click.option("--num-layers", type=int, help="How many times messages are passed.")
@click.option(
    "--epochs", type=int, help="Passes over the playlists.  [default: 12, bpr 24; article: 300]"
)
@click.option("--batch-size", type=int, help="Playlists per step.")
@click.option("--learning-rate", type=float, help="At the start of the schedule.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help=f"Options tried for each baseline.  [default: {DEFAULT_TRIALS}; quick: {QUICK_TRIALS}]",
)
@click.option(
    "--rng-seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Train every row with N model seeds.",
)
@click.option(
    "--repeat-best",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="N model seeds of each architecture's best row and the two best baselines.",
)
@SPLIT_RNG_SEED
@click.option("--only", metavar="NAME", help="Only this cell, or this row: gcn-bpr-hard.")
@click.option(
    "--max-minutes", type=float, metavar="M", help="Stop after M minutes; the next call goes on."
)
@DEVICE
@THREADS
@click.option("--report-only", is_flag=True, help="Write the report again from finished cells.")
@click.option("--overwrite", is_flag=True, help="Measure cells of another configuration anew.")
def compare(
    graph: Path,
    out: Path,
    models: tuple[str, ...] | None,
    losses: tuple[str, ...] | None,
    negatives: tuple[str, ...] | None,
    baselines: bool | None,
    quick: bool,
    preset: str | None,
    k_core: int | None,
    trials: int | None,
    rng_seeds: int,
    repeat_best: int,
    split_rng_seed: int,
    only: str | None,
    max_minutes: float | None,
    device: str,
    threads: int | None,
    report_only: bool,
    overwrite: bool,
    **changes: Any,
) -> None:
    """Train every architecture with every loss on GRAPH, beside tuned baselines, and report.

    \b
    The rows: lightgcn, gcn, graphsage, gat and rgcn, each with
      full     a softmax over the whole catalogue (negatives: all)
      sampled  a softmax over sampled negatives: random, hard
      bpr      pairs of a track and a negative: random, hard

    All are trained and measured on one split, 20% of each playlist's tracks held out for test and
    10% for validation, which makes every choice: epochs, the options of baselines, the best row of
    an architecture.

    Each finished cell (a row with one seed) is a file in OUT/cells, and is not measured again: the
    same command goes on after an interruption, a training from its last checkpoint. It begins by
    saying how long it will take. The report is report.md, report.csv, report.json and plots.
    """
    from segue.errors import InputError

    if report_only:
        _write(out, {})
        return
    if quick and preset:
        raise InputError("--quick and --preset article are different grids: choose one")
    if max_minutes is not None and not max_minutes > 0:
        raise InputError(f"--max-minutes is {max_minutes:g}, expected more than 0")
    deadline = math.inf if max_minutes is None else time.time() + 60 * max_minutes
    limit_threads(threads)
    from segue.compare.cells import Terms, cell_path
    from segue.compare.grid import ARTICLE_RECIPE, QUICK_K_CORE, Source
    from segue.compare.process import Apart
    from segue.graph.split import SplitRecipe

    name = cast("Preset", "quick" if quick else preset or "full")
    limits = {"models": models, "losses": losses, "negatives": negatives}
    grid = _grid(name, limits, baselines, trials, changes)
    recipe = ARTICLE_RECIPE if preset else SplitRecipe()
    core = k_core if k_core is not None else QUICK_K_CORE if quick else 0
    source = Source(graph, SplitRecipe(**{**recipe.to_json(), "rng_seed": split_rng_seed}), core)
    _claim(out)
    split = source.load()
    cells = _named(grid.cells(split.train, rng_seeds), only)
    fingerprint = split.fingerprint
    _say_data(split)
    del split  # each process reads its own
    terms = Terms(out, device, deadline, overwrite)
    apart = Apart(source, partial(limit_threads, threads))
    try:
        missing = measure_cells(cells, fingerprint, apart, terms, "Comparing")
        if repeat_best > 1 and not only:
            repeats = repeated_cells(cells, repeat_best, missing, terms)
            # With the finished ones, which say how long another seed of a row takes.
            finished = [cell for cell in cells if cell.name not in missing]
            missing |= measure_cells([*finished, *repeats], fingerprint, apart, terms, "Repeating")
    except KeyboardInterrupt:
        say("Stopped; the same command goes on from here, and does nothing twice")
        raise
    if any(cell_path(out, cell).exists() for cell in cells):
        _write(out, missing)
    else:
        say("No cell is finished yet, so there is no report")
    failed = [cell for cell, why in missing.items() if why.startswith("failed")]
    if failed:
        raise InputError(f"{count(len(failed), 'cell')} failed: {', '.join(failed)} (see above)")


def _grid(
    preset: Preset,
    limits: dict[str, tuple[str, ...] | None],
    baselines: bool | None,
    trials: int | None,
    changes: dict[str, Any],
) -> Grid:
    from segue.baselines.baselines import BASELINES
    from segue.compare.grid import Grid

    with_baselines = preset != "article" if baselines is None else baselines
    return Grid(
        preset,
        baselines=tuple(BASELINES) if with_baselines else (),
        num_trials=trials or (QUICK_TRIALS if preset == "quick" else DEFAULT_TRIALS),
        changes={name: value for name, value in changes.items() if value is not None},
        **{name: names for name, names in limits.items() if names is not None},
    )


def _claim(out: Path) -> None:
    """Make the folder; refuse one that holds what no comparison wrote."""
    from segue.errors import ArtefactError

    ours = {"cells", "training", "trials.jsonl"}
    try:
        out.mkdir(parents=True, exist_ok=True)
        inside = {path.name for path in out.iterdir()}
    except OSError as error:
        raise ArtefactError(f"{out}: cannot be written ({error.strerror or error})") from error
    if inside and not inside & ours:
        raise ArtefactError(
            f"{out}: holds files of something else than `segue compare`; give --out another folder"
        )


def _named(cells: tuple[Cell, ...], only: str | None) -> tuple[Cell, ...]:
    """The cells of a name, or of a row's name."""
    from segue.errors import NameLookupError

    if only is None:
        return cells
    found = tuple(
        cell for cell in cells if only.lower() in (cell.name.lower(), cell.row.name.lower())
    )
    if not found:
        names = [cell.name for cell in cells]
        near = difflib.get_close_matches(only, names, n=5, cutoff=0) or names[:5]
        raise NameLookupError(f"no cell of this comparison is called {only!r}, but there are", near)
    return found


def _say_data(split: Split) -> None:
    nodes, tracks = split.train.num_nodes, split.train.playlists.tracks
    say(
        f"{count(nodes['playlist'], 'playlist')}, {count(nodes['track'], 'track')}; "
        f"{count(tracks.num_pairs, 'training pair')}, {split.validation.targets.num_pairs} held "
        f"out for validation, {split.test.targets.num_pairs} for test"
    )


def _write(out: Path, missing: dict[str, str]) -> None:
    """Write the report and show its beginning."""
    from segue.compare.report import write_report

    comparison = write_report(out, missing)
    _print_best(comparison)
    say(f"The report is {out / 'report.md'}")


def _print_best(comparison: Comparison) -> None:
    metrics = ("recall@20", "recall@300", "ndcg@20", "auc", "novelty@20")
    rows = [*comparison.best(), *comparison.baselines]
    print_table(
        "The best row of each architecture on validation, and the baselines, on the test tracks",
        ["model", "loss", "negatives", *metrics],
        [
            [
                *(row.row.model, row.row.loss, row.row.negatives),
                *(
                    f"{row.mean(metric):.{2 if metric.startswith('novelty') else 4}f}"
                    for metric in metrics
                ),
            ]
            for row in rows
        ],
    )
