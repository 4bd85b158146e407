"""`segue update`: new music without retraining."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from segue.cli.data import source_options
from segue.cli.output import THREADS, command
from segue.console import count, number, say
from segue.machine import limit_threads

_NUM_NAMED = 5


@click.command(short_help="Add new playlists and new music to a bundle.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("playlists")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The bundle folder to write."
)
@source_options
@THREADS
@click.option("--overwrite", is_flag=True, help="Replace an older bundle.")
def update(
    bundle: Path,
    playlists: str,
    out: Path,
    threads: int | None,
    overwrite: bool,
    reading: dict[str, Any],
) -> None:
    """Add the new music of PLAYLISTS to BUNDLE, without training.

    PLAYLISTS is anything that `segue build` reads. A new track is placed by its artist, its album
    and the playlists that hold it, in proportions fitted on the bundle's own tracks; one that
    nothing can place is named and left out. New playlists join those of the bundle; one whose id
    exists already replaces it.

    What the bundle already holds does not change; its figures are marked as measured before the
    update. Training again on all playlists does better, see docs/update.md.
    """
    from segue.bundle import Bundle
    from segue.data.reading import read
    from segue.files import refuse_existing
    from segue.updating.update import update as updated

    refuse_existing(out, "bundle", overwrite=overwrite)
    limit_threads(threads)
    loaded = Bundle.load(bundle)
    collection = read(playlists, progress=True, **reading)
    result, report = updated(loaded, collection)
    result.save(out, overwrite=overwrite)
    kinds = {"track": report.num_tracks, "artist": report.num_artists, "album": report.num_albums}
    say("New: " + ", ".join(count(num_new, kind) for kind, num_new in kinds.items()))
    if report.num_matched:
        say(f"  {count(report.num_matched, 'track')} known under another id or spelling")
    for sources, num_placed in report.placed_by.items():
        say(f"  {count(num_placed, 'track')} placed by {sources}")
    if report.left_out:
        named = ", ".join(
            f"{track} ({name})" if name else track for track, name in report.left_out[:_NUM_NAMED]
        )
        more = len(report.left_out) - _NUM_NAMED
        say(
            f"  {count(len(report.left_out), 'track')} left out, as nothing can place them: {named}"
            + (f" and {count(more, 'more track')}" if more > 0 else "")
        )
    if loaded.playlists is None:
        say("Playlists: none, as BUNDLE was made without (--no-playlists)")
    else:
        new, newer, same = (
            number(num) for num in (report.num_playlists, report.num_replaced, report.num_repeated)
        )
        say(f"Playlists: {new} new, {newer} replaced by their newer state, {same} unchanged")
    say(f"Written to {out}; `{command('vibe', out, 'SONG')}` asks it for music")
