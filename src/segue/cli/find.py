"""`segue find`: tracks, artists and playlists by words of their names."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.output import print_json, print_table
from segue.console import count

if TYPE_CHECKING:
    from segue.names.name_file import Kind

# As in `segue.names.search`, which would load Arrow to show a help text.
KINDS = ("track", "artist", "playlist")


# A name may begin with a minus sign.
@click.command(
    short_help="Songs, artists, playlists by name.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("text", nargs=-1, required=True)
@click.option("--type", "kind", type=click.Choice(KINDS), help="Only this.  [default: all]")
@click.option(
    "-n",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Most of each type.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document, not a table.")
def find(bundle: Path, text: tuple[str, ...], kind: Kind | None, n: int, as_json: bool) -> None:
    """Find tracks, artists and playlists of BUNDLE by the words in their names.

    TEXT is words or beginnings of words, in any order; for a track title and artist may be mixed
    ("yesterday beat"). Case, accents and punctuation do not matter. What bears just this name
    comes first, then what holds the words whole, then what has words that begin so; among equals
    the best-known comes first.
    """
    from segue.recommend.recommender import Recommender

    names = Recommender.load(bundle).names
    asked = " ".join(text)
    kinds = [kind] if kind else [kind for kind in KINDS if kind in names.index.kinds]
    found = [
        names.facts(kind, row)
        for kind in kinds
        for row in names.index.search(kind, asked, n).tolist()
    ]
    if not found:
        raise names.nothing(asked, kinds)
    if as_json:
        print_json({"text": asked, "found": found})
        return
    header = ["type", "name", "artist", "size", "id"]
    rows = [
        [one["type"], one["name"] or "", one.get("artist_name", ""), _size(one), one["id"]]
        for one in found
    ]
    # Columns that would say nothing are left out.
    shown = [len(kinds) > 1, True, any(row[2] for row in rows), True, True]
    header, *rows = (list(compress(line, shown)) for line in [header, *rows])
    print_table(f"Found for {asked}", header, rows)


def _size(facts: dict[str, Any]) -> str:
    if facts["type"] == "track":
        return f"in {count(facts['num_playlists'], 'playlist')}"
    return count(facts["num_tracks"], "track")
