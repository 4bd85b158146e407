"""`segue complete`, `segue vibe` and `segue recommend`: ask a bundle for music."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.output import (
    THREADS,
    count,
    limit_threads,
    print_json,
    print_recommendations,
    progress_bar,
    refuse_file,
    say,
)

if TYPE_CHECKING:
    from segue.recommend.recommender import Recommendations

_LENGTH = click.option(
    "-n", type=click.IntRange(min=1), default=10, show_default=True, help="Length of the list."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, not a table.")


def _show(found: Recommendations, *, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
    else:
        print_recommendations(found)


# A playlist's id may begin with a minus sign.
@click.command(
    short_help="Go on with a playlist.", context_settings={"ignore_unknown_options": True}
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("playlist_id")
@_LENGTH
@_JSON
def complete(bundle: Path, playlist_id: str, n: int, as_json: bool) -> None:
    """Go on with a playlist of BUNDLE: tracks that it does not hold yet."""
    from segue.recommend.recommender import Recommender

    _show(Recommender.load(bundle).complete(playlist_id, n), as_json=as_json)


@click.command(short_help="What goes with two or three songs.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("seeds", nargs=-1, required=True)
@_LENGTH
@_JSON
def vibe(bundle: Path, seeds: tuple[str, ...], n: int, as_json: bool) -> None:
    """Find what goes with one, two or three seed songs.

    SEEDS are track ids or names; where several songs share a name, 'name - artist' tells them
    apart.
    """
    from segue.recommend.recommender import Recommender

    _show(Recommender.load(bundle).vibe(seeds, n), as_json=as_json)


@click.command(short_help="For many playlists at once, as Parquet.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="For every playlist of the bundle.")
@click.option(
    "--ids",
    type=click.Path(path_type=Path),
    help="For the playlists whose ids stand in this file, one a line.",
)
@click.option(
    "--playlists",
    type=click.Path(path_type=Path),
    help='For playlists never seen: a JSON list of {"playlist_id", "tracks": [track ids]}.',
)
@click.option(
    "-n", type=click.IntRange(min=1), default=500, show_default=True, help="Length of a list."
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The Parquet file to write."
)
@THREADS
@click.option("--overwrite", is_flag=True, help="Replace an older file.")
def recommend(
    bundle: Path,
    everything: bool,
    ids: Path | None,
    playlists: Path | None,
    n: int,
    out: Path,
    threads: int | None,
    overwrite: bool,
) -> None:
    """Recommend for many playlists at once.

    Writes a Parquet file with the columns playlist_id, rank (from 1), track_id and score.
    """
    from segue.errors import InputError
    from segue.recommend.export import read_ids, read_playlists, write_recommendations
    from segue.recommend.recommender import Recommender

    if sum([everything, ids is not None, playlists is not None]) != 1:
        raise click.UsageError("Give one of --all, --ids FILE and --playlists FILE.")
    refuse_file(out, overwrite=overwrite)
    limit_threads(threads)
    recommender = Recommender.load(bundle)
    if playlists is not None:
        names, query, num_unknown = read_playlists(playlists, recommender)
        if num_unknown:
            say(f"{count(num_unknown, 'track')} unknown to the bundle passed over")
    elif ids is not None:
        names, query = read_ids(ids, recommender)
    else:
        held = recommender.bundle.playlists
        if held is None:
            raise InputError(f"{bundle}: was made without playlists, so there is no --all")
        names, query = held.ids, held.tracks
    num_empty = int((query.lengths == 0).sum())
    if num_empty:
        say(f"{count(num_empty, 'playlist')} without a known track: the most popular tracks")
    with progress_bar("Recommending", len(query), "playlists") as bar:
        num_rows = write_recommendations(
            recommender, names, query, n, out, lambda count: bar.advance(count)
        )
    say(f"{count(num_rows, 'row')} for {count(len(query), 'playlist')} written to {out}")
