"""`segue compare`: architectures, objectives and baselines in one report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from segue.cli.output import (
    DEVICE,
    SPLIT_RNG_SEED,
    THREADS,
    comma_names,
    print_table,
)
from segue.console import say
from segue.machine import limit_threads

if TYPE_CHECKING:
    from segue.comparison.grid import Grid
    from segue.comparison.presets import Preset
    from segue.comparison.results import Comparison

_PRINTED = ("recall@20", "recall@300", "ndcg@20", "auc", "novelty@20")


class Names(click.ParamType[tuple[str, ...]]):
    """``gcn,rgcn``: names separated by commas; ``none`` means the empty list."""

    name = "NAMES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Parse; `segue.comparison.grid.Grid` checks the names."""
        names = comma_names(str(value))
        return () if names == ("none",) else names


def _write_report(ctx: click.Context, param: click.Parameter, folder: Path | None) -> None:
    """Write a report from the cells of a folder, and exit."""
    if folder is None or ctx.resilient_parsing:
        return
    from segue.comparison.report import write_report

    _print(write_report(folder), folder)
    ctx.exit()


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
@click.option(
    "--objectives",
    type=Names(),
    help="Only these: catalogue-softmax, sampled-softmax, bpr; with --preset article triples.",
)
@click.option(
    "--negatives",
    type=Names(),
    help="Of the objectives that draw any, only these: random, hard; hardest if it is named.",
)
@click.option(
    "--baselines/--no-baselines",
    default=None,
    help="Tuned baselines as well.  [default: yes, except with --preset article]",
)
@click.option("--quick", is_flag=True, help="The 30-core, small vectors.")
@click.option(
    "--preset",
    type=click.Choice(["article"]),
    help="The protocol of a published comparison: ten models, trained and split as there.",
)
@click.option("--k-core", type=click.IntRange(min=0), metavar="K", help="Take the K-core of GRAPH.")
@click.option("--dim", type=int, help="Length of a vector.  [default: 128; quick: 32; article: 64]")
@click.option(
    "--relations",
    type=Names(),
    help="Kinds of nodes that carry messages besides tracks, such as artist,album; or none.  "
    "[default: artist]",
)
@click.option(
    "--readout",
    type=click.Choice(["centroid", "node"]),
    help="The vector of a playlist: the centroid of its tracks, or learned.  [default: centroid; "
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
    help="Options tried for each baseline.  [default: 8; quick: 3]",
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
    "--max-minutes", type=float, metavar="M", help="Stop after M minutes; the same command resumes."
)
@DEVICE
@THREADS
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="OUT",
    is_eager=True,
    expose_value=False,
    callback=_write_report,
    help="Only write the report of a folder's finished cells again; needs no graph.",
)
@click.option("--overwrite", is_flag=True, help="Replace cells of another configuration.")
def compare(
    graph: Path,
    out: Path,
    models: tuple[str, ...] | None,
    objectives: tuple[str, ...] | None,
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
    overwrite: bool,
    **changes: Any,
) -> None:
    """Compare architectures, objectives and tuned baselines on GRAPH, and write a report.

    \b
    The rows: lightgcn, gcn, graphsage, gat and rgcn, each with
      catalogue-softmax  a softmax over the whole catalogue
      sampled-softmax    a softmax over sampled negatives: random, hard
      bpr                pairs of a track and a negative: random, hard

    All are trained and measured on one split, 20% of each playlist's tracks held out for test and
    10% for validation, which makes every choice: epochs, the options of baselines, the best row of
    an architecture.

    Each finished cell (a row with one seed) is a file in OUT/cells and is not measured again: the
    same command resumes after an interruption, a training from its last checkpoint. It begins by
    saying how long it will take. The report is report.md, report.csv, report.json and plots.
    """
    from segue.comparison.compare import compare as run
    from segue.errors import InputError

    if quick and preset:
        raise InputError("--quick and --preset article are different grids: choose one")
    limit_threads(threads)
    name = cast("Preset", "quick" if quick else preset or "full")
    limits = {"models": models, "objectives": objectives, "negatives": negatives}
    try:
        comparison = run(
            graph,
            out,
            _grid(name, limits, baselines, trials, changes),
            k_core=k_core,
            split_rng_seed=split_rng_seed,
            num_seeds=rng_seeds,
            repeat_best=repeat_best,
            only=only,
            device=device,
            threads=threads,
            max_minutes=math.inf if max_minutes is None else max_minutes,
            overwrite=overwrite,
            progress=True,
        )
    except KeyboardInterrupt:
        say("Stopped; the same command resumes here and repeats nothing")
        raise
    if comparison is None:
        say("No cell is finished yet, so there is no report")
    else:
        _print(comparison, out)


def _grid(
    preset: Preset,
    limits: dict[str, tuple[str, ...] | None],
    baselines: bool | None,
    trials: int | None,
    changes: dict[str, Any],
) -> Grid:
    from segue.baselines import BASELINES
    from segue.comparison.grid import Grid

    return Grid(
        preset,
        baselines=None if baselines is None else tuple(BASELINES) if baselines else (),
        num_trials=trials,
        changes={name: value for name, value in changes.items() if value is not None},
        **{name: names for name, names in limits.items() if names is not None},
    )


def _print(comparison: Comparison, folder: Path) -> None:
    """Print the beginning of the report."""
    from segue.metrics import METRICS

    shown = [metric for metric in METRICS if metric.name in _PRINTED]
    rows = [*comparison.best(), *comparison.baselines]
    print_table(
        "The best row of each architecture on validation, and the baselines, on the test tracks",
        ["model", "objective", "negatives", *(metric.name for metric in shown)],
        [
            [
                *(row.row.model, row.row.objective, row.row.negatives),
                *(metric.format(row.mean(metric.name)) for metric in shown),
            ]
            for row in rows
        ],
    )
    say(f"The report is {folder / 'report.md'}")
