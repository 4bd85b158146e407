"""`segue recommend`: lists for many playlists at once, in one file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.list_files import ListFile, file_options
from segue.cli.list_options import EXACT, ListFlags, list_flags
from segue.cli.output import THREADS, engine_options
from segue.cli.own_music import ENCODING, read_own_music
from segue.console import count, number, printable, progress_bar, say
from segue.data.text import shorten
from segue.machine import limit_threads

if TYPE_CHECKING:
    from segue.engine import Engine
    from segue.scoring.questions import Question

_NUM_NAMED = 5


@click.command(short_help="For many playlists at once, into a file.")
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
    help="For new playlists: a file, folder or zip in any form that `segue build` reads, or a JSON "
    'list of {"playlist_id", "title", "tracks": [track ids], "ordered"}.',
)
@ENCODING
@click.option(
    "-n", type=click.IntRange(min=1), default=500, show_default=True, help="Length of a list."
)
@click.option(
    "--question",
    type=click.Choice(["fit", "next", "either"]),
    help="What fits, or what comes next after songs in order; either: a list for both.  [default: "
    "next if the order of only some playlists is known, either if that of all]",
)
@file_options(required=True)
@list_flags(variety=0)
@EXACT
@THREADS
@engine_options("Processes of Ray.  [default: one per core]")
def recommend(
    bundle: Path,
    everything: bool,
    ids: Path | None,
    playlists: Path | None,
    encoding: str | None,
    n: int,
    question: Question | None,
    file: ListFile,
    flags: ListFlags,
    exact: bool,
    threads: int | None,
    engine: Engine,
    workers: int | None,
) -> None:
    """Recommend for many playlists at once.

    Tables (CSV, Parquet) have a row for each song: playlist_id, rank (from 1), track_id, names and
    score.
    """
    from segue.engine import check_engine
    from segue.errors import InputError
    from segue.recommend.asked import asked_of_own, asked_of_rows, read_ids
    from segue.recommend.batch import lists_for
    from segue.recommend.recommender import Recommender

    if sum([everything, ids is not None, playlists is not None]) != 1:
        raise click.UsageError("Give one of --all, --ids FILE and --playlists FILE.")
    if encoding is not None and playlists is None:
        raise click.UsageError("--encoding is for --playlists.")
    if workers is not None and engine != "ray":
        raise click.UsageError("--workers is for --engine ray.")
    file.check()
    check_engine(engine)
    limit_threads(threads)
    load = partial(Recommender.load, bundle, exact=exact)
    recommender = load()
    options = flags.resolved(recommender)
    if playlists is not None:
        own = read_own_music(playlists, recommender, encoding=encoding, allow_empty=True)
        asked = asked_of_own(recommender, own, question)
    elif ids is not None:
        asked, unknown = read_ids(ids, recommender, question)
        if unknown:
            some = ", ".join(map(repr, unknown[:_NUM_NAMED]))
            more = len(unknown) - _NUM_NAMED
            say(
                f"{count(len(unknown), 'playlist')} unknown to the bundle, passed over: "
                + printable(shorten(some))
                + (f" and {number(more)} more" if more > 0 else "")
            )
    else:
        if recommender.bundle.playlists is None:
            raise InputError(f"{bundle}: was made without playlists, so there is no --all")
        asked = asked_of_rows(recommender, range(len(recommender.playlists)), question)
    num_empty = int(asked.query.empty.sum())
    if num_empty:
        say(f"{count(num_empty, 'playlist')} without a known track: the most popular tracks")
    with progress_bar("Recommending", len(asked.ids), "playlists") as bar:
        lists = lists_for(
            recommender,
            asked,
            n,
            lambda count: bar.advance(count),
            elsewhere=load if engine == "ray" else None,
            workers=workers,
            **options,
        )
        file.save(lists, single=len(asked.ids) == 1)
