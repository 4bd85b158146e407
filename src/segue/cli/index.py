"""`segue index`: an approximate index for a large catalogue."""

from __future__ import annotations

import time
from pathlib import Path

import click

from segue.cli.output import THREADS, print_table
from segue.console import number, say
from segue.machine import limit_threads


@click.command(short_help="For large catalogues: answers without scoring every track.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="Share of the exact top 100 that it has to find.",
)
@click.option(
    "--cells",
    type=click.IntRange(min=1),
    help="How many cells the tracks are divided into.  [default: chosen by their number]",
)
@click.option("--rng-seed", type=int, default=0, show_default=True, help="Seed for measuring it.")
@THREADS
def index(
    bundle: Path, recall: float, cells: int | None, rng_seed: int, threads: int | None
) -> None:
    """Add an approximate index to BUNDLE, or replace it, and measure it.

    Needs FAISS: pip install 'segue[ann]'. Commands then search the nearest cells of the index and
    score what they find exactly; `--exact` still scores every track. Below about a hundred
    thousand tracks that is fast enough without an index.
    """
    from segue.bundle import Bundle
    from segue.scoring.ann import DIALS, write_ann

    limit_threads(threads)
    loaded = Bundle.load(bundle)
    started = time.perf_counter()
    made = []

    def write(folder: Path) -> None:
        made.append(write_ann(loaded, folder, recall=recall, num_cells=cells, rng_seed=rng_seed))

    loaded.save(bundle, overwrite=True, companions=[write])
    (ann,) = made
    rows = [
        [f"{dial:g}", str(probes), f"{found:.4f}"]
        for dial, probes, found in zip(DIALS, ann.num_probes, ann.recall, strict=True)
    ]
    print_table(f"{number(ann.num_cells)} cells", ["dial", "searched", "recall@100"], rows)
    say(f"Written to {bundle} in {time.perf_counter() - started:.0f} s")
