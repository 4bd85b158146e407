"""`segue generate`: made-up playlists at any size."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from segue.cli.output import command
from segue.console import count, progress_bar, say


@click.command(short_help="Made-up playlists at any size.")
@click.option(
    "--playlists",
    type=click.IntRange(1, 1_000_000),
    required=True,
    help="How many; a million of them hold 2.2 million tracks.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder for the slices, new or empty.",
)
@click.option(
    "--rng-seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Another seed gives other music.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="How many run at once, with about 0.7 GB each.  [default: all cores]",
)
def generate(playlists: int, out: Path, rng_seed: int, processes: int | None) -> None:
    """Write made-up playlists in the format and shape of the Million Playlist Dataset.

    Neither the playlists nor the music exists. The same seed gives the same bytes, whatever the
    number of processes. A million playlists take about 15 GB.
    """
    from segue.synthetic import generate as data

    started = time.perf_counter()
    done = 0
    with progress_bar("Generating", playlists, "playlists") as bar:

        def advance(written: int) -> None:
            nonlocal done
            done += written
            bar.advance(written, done=done)

        data.generate(
            out,
            playlists,
            rng_seed=rng_seed,
            processes=processes or os.cpu_count() or 1,
            advance=advance,
        )
    seconds = time.perf_counter() - started
    say(f"{count(playlists, 'playlist')} in {seconds:.0f} s, written to {out}")
    say(f"Build a graph of them: {command('build', out, '--out', 'graph', '--k-core', 10)}")
