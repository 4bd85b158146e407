"""Reading playlists of one's own: what was read, and what was found in the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.console import count, number, printable, say
from segue.data.text import shorten

if TYPE_CHECKING:
    from segue.recommend.own_music import OwnMusic
    from segue.recommend.recommender import Recommender

# What is named of songs that were not found: together with the rest less than a screen.
_NUM_UNSURE, _NUM_CANDIDATES, _NUM_MISSING = 4, 3, 5

FROM = click.option(
    "--from",
    "source",
    metavar="FILE",
    help="Playlists of your own: a file, folder or zip in any form that `segue build` reads.",
)


ENCODING = click.option(
    "--encoding",
    metavar="NAME",
    help="What text is saved in, such as cp1251 or latin-1.  [default: UTF-8, or a guess]",
)


def read_own_music(
    source: str | Path,
    recommender: Recommender,
    *,
    encoding: str | None = None,
    allow_empty: bool = False,
) -> OwnMusic:
    """Read playlists and find their songs; say what was read, found, unsure and missing.

    With `allow_empty` none of the playlists needs to hold a song: titles may do.

    Raises
    ------
    InputError
        If nothing can be read.
    """
    from segue.data.reading import find
    from segue.data.report import listed
    from segue.data.summary import guesses
    from segue.recommend.own_music import OwnMusic

    collection = find(source, encoding=encoding).read(allow_empty=allow_empty)
    own = OwnMusic.of(collection, recommender.names)
    aside = collection.report.set_aside
    say(
        f"{printable(str(source))}: {count(len(collection.playlists), 'playlist')}, "
        f"{count(len(own.matches), 'song')}: "
        + ", ".join(f"{number(n)} {status}" for status, n in own.matches.counts.items())
        + (f"; set aside: {listed(aside)}" if aside else "")
    )
    for line in guesses(collection.report):
        say(f"  {line}")
    _say_unsure(own, recommender)
    _say_missing(own)
    return own


def _say_unsure(own: OwnMusic, recommender: Recommender) -> None:
    unsure = own.matches.unsure
    for match in unsure[:_NUM_UNSURE]:
        say(f"  unsure: {one_line(match.asked)}")
        for row in match.candidates[:_NUM_CANDIDATES]:
            say(f"    perhaps {one_line(recommender.names.describe('track', row))}")
    if len(unsure) > _NUM_UNSURE:
        say(f"  unsure: {count(len(unsure) - _NUM_UNSURE, 'more song')}")


def _say_missing(own: OwnMusic) -> None:
    missing = own.matches.missing
    for match in missing[:_NUM_MISSING]:
        say(f"  missing: {one_line(match.asked)}")
    if len(missing) > _NUM_MISSING:
        say(f"  missing: {count(len(missing) - _NUM_MISSING, 'more song')}")


def one_line(text: str, length: int = 100) -> str:
    """Text of somebody's file for a message: no longer than this, without control characters."""
    return printable(shorten(text, length))
