"""`segue find`: tracks, artists and playlists by words of their names."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.output import print_json, print_table
from segue.console import count

if TYPE_CHECKING:
    from segue.names.name_file import Kind

# As in `segue.recommend.details`, which would load Arrow to show a help text.
KINDS = ("track", "artist", "playlist")


# A name may begin with a minus sign.
@click.command(
    short_help="Songs, artists, playlists by name.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("text", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(KINDS), multiple=True, help="Only this.  [default: all]")
@click.option(
    "-n",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="At most this many of each kind.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document, not a table.")
def find(
    bundle: Path, text: tuple[str, ...], kind: tuple[Kind, ...], n: int, as_json: bool
) -> None:
    """Find tracks, artists and playlists of BUNDLE by the words in their names.

    TEXT is words or prefixes of words, in any order; for a track title and artist may be mixed
    ("yesterday beat"). Case, accents and punctuation do not matter. An exact name comes first, then
    names with the whole words, then names with matching prefixes; among equals the most popular
    comes first.
    """
    from segue.recommend.recommender import Recommender

    recommender, asked = Recommender.load(bundle, second_stage=False), " ".join(text)
    found = recommender.find(asked, n, kind=kind or None)
    if not (found.tracks or found.artists or found.playlists):
        raise recommender.names.not_found(asked, kind or recommender.details.kinds)
    if as_json:
        print_json(found.to_json())
        return
    header = ["kind", "name", "artist", "size", "id"]
    rows = [
        ["track", track.name, track.artist_name, _in_playlists(track.num_playlists), track.id]
        for track in found.tracks
    ]
    rows += [
        ["artist", artist.name, "", count(artist.num_tracks, "track"), artist.id]
        for artist in found.artists
    ]
    rows += [
        ["playlist", playlist.title, "", count(playlist.num_tracks, "track"), playlist.id]
        for playlist in found.playlists
    ]
    # Columns that would say nothing are left out.
    shown = [len(kind) != 1, True, any(row[2] for row in rows), True, True]
    header, *rows = (list(compress(line, shown)) for line in [header, *rows])
    print_table(f"Found for {asked}", header, rows)


def _in_playlists(num_playlists: int) -> str:
    return f"in {count(num_playlists, 'playlist')}"
