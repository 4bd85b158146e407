"""`segue recommend`: lists for many playlists at once, in one file."""

from __future__ import annotations

from pathlib import Path

import click

from segue.cli.list_options import EXACT, ListFlags, list_flags
from segue.cli.output import THREADS, refuse_file
from segue.console import count, progress_bar, say
from segue.machine import limit_threads


@click.command(short_help="For many playlists at once, as Parquet.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="For every playlist of the bundle.")
@click.option(
    "--ids",
    type=click.Path(path_type=Path),
    help="For the playlists whose ids are in this file, one per line.",
)
@click.option(
    "--playlists",
    type=click.Path(path_type=Path),
    help='For new playlists: a JSON list of {"playlist_id", "tracks": [track ids]}; '
    'with "ordered": true the last tracks count more.',
)
@click.option(
    "-n", type=click.IntRange(min=1), default=500, show_default=True, help="Length of a list."
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The Parquet file to write."
)
@list_flags
@EXACT
@THREADS
@click.option("--overwrite", is_flag=True, help="Replace an older file.")
def recommend(
    bundle: Path,
    everything: bool,
    ids: Path | None,
    playlists: Path | None,
    n: int,
    out: Path,
    flags: ListFlags,
    exact: bool,
    threads: int | None,
    overwrite: bool,
) -> None:
    """Recommend for many playlists at once.

    Writes a Parquet file with the columns playlist_id, rank (from 1), track_id and score.
    """
    import numpy as np

    from segue.errors import InputError
    from segue.recommend.export import read_ids, read_playlists, write_recommendations
    from segue.recommend.recommender import Recommender

    if sum([everything, ids is not None, playlists is not None]) != 1:
        raise click.UsageError("Give one of --all, --ids FILE and --playlists FILE.")
    refuse_file(out, overwrite=overwrite)
    limit_threads(threads)
    recommender = Recommender.load(bundle, exact=exact)
    options = flags.resolved(recommender)
    if playlists is not None:
        names, query, num_unknown = read_playlists(playlists, recommender)
        if num_unknown:
            say(f"{count(num_unknown, 'track')} unknown to the bundle, ignored")
    elif ids is not None:
        names, query = read_ids(ids, recommender)
    else:
        if recommender.bundle.playlists is None:
            raise InputError(f"{bundle}: was made without playlists, so there is no --all")
        names = recommender.playlists.ids
        query = recommender.queries.of_rows(np.arange(len(names)))
    num_empty = int(query.empty.sum())
    if num_empty:
        say(f"{count(num_empty, 'playlist')} without a known track: the most popular tracks")
    with progress_bar("Recommending", len(query), "playlists") as bar:
        num_rows = write_recommendations(
            recommender, names, query, n, out, lambda count: bar.advance(count), **options
        )
    say(f"{count(num_rows, 'row')} for {count(len(query), 'playlist')} written to {out}")
