"""`segue sort` and `segue tidy`: songs into one's own playlists, and order in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.list_files import ListFile, file_options
from segue.cli.list_options import JSON
from segue.cli.output import comma_names, print_json
from segue.cli.own_music import ENCODING, one_line, read_own_music
from segue.console import count, say

if TYPE_CHECKING:
    from segue.data.collection import Collection
    from segue.recommend.exported import Exported
    from segue.recommend.own_music import OwnMusic
    from segue.recommend.sort import SortedSongs

# As in `segue.recommend.tidy`, which would load Arrow to show a help text.
STEPS = ("dedupe", "versions", "outliers", "order")
# Playlists that a message names.
_SHOWN = 10
# Characters of a title in a message, at least 60.
_LENGTH = 80


def _others(own: OwnMusic, songs: OwnMusic, rows: Sequence[int], source: Path) -> OwnMusic:
    """The playlists without those that are the very songs to sort: exports hold them, too.

    The songs are in some `rows` of their catalogue.
    """
    import numpy as np
    import pyarrow as pa

    read, sorting = own.collection, songs.songs_in(rows)
    tracks = read.playlists.tracks
    same = [own.songs_in(tracks[row].tolist()) == sorting for row in range(len(tracks))]
    if not any(same) or all(same):
        return own
    names = [title or "" for title in read.playlists.titles.filter(pa.array(same)).to_pylist()]
    say(f"{source}: left out what is to be sorted: {one_line(', '.join(names), 300)}")
    return own.rows(np.flatnonzero(~np.array(same)))


def _only(own: OwnMusic, playlist: str | None, source: Path) -> OwnMusic:
    """The playlist with a title or an id; the only one, if none is given."""
    import numpy as np

    from segue.errors import InputError

    playlists = own.collection.playlists
    titles, ids = playlists.titles.to_pylist(), playlists.ids.to_pylist()
    rows = list(range(len(ids)))
    if playlist is not None:
        with_id = [row for row in rows if playlist == ids[row]]
        rows = with_id or [row for row in rows if playlist == titles[row]]
    if len(rows) == 1:
        return own.rows(np.array(rows))
    shown = range(min(len(ids), _SHOWN))
    names = ", ".join(one_line(titles[row] or ids[row], _LENGTH) for row in shown)
    names += ", …" if len(ids) > _SHOWN else ""
    if rows and playlist is None:
        raise InputError(f"{source}: holds {len(ids)} playlists; say which, by --playlist: {names}")
    if rows:
        found = ", ".join(one_line(ids[row], _LENGTH) for row in rows[:_SHOWN])
        found += ", …" if len(rows) > _SHOWN else ""
        name = one_line(str(playlist), _LENGTH)
        raise InputError(f"{source}: holds {len(rows)} playlists {name!r}; give an id: {found}")
    raise InputError(f"{source}: holds no playlist {playlist!r}, expected one of {names}")


@click.command(short_help="Which of your playlists each of your songs belongs to.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("liked", type=click.Path(path_type=Path))
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    required=True,
    help="Your playlists: a folder, a file or a zip.",
)
@click.option(
    "--playlist",
    metavar="ID",
    help="Only the songs of this playlist of LIKED, by its title or id.",
)
@click.option(
    "-n",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How many playlists to list for each song with --json.",
)
@ENCODING
@JSON
@file_options()
def sort(
    bundle: Path,
    liked: Path,
    into: Path,
    playlist: str | None,
    n: int,
    encoding: str | None,
    as_json: bool,
    file: ListFile,
) -> None:
    """Sort the songs of LIKED into your playlists.

    LIKED is a file of songs in any form that `segue build` reads. It may be the same file as
    --into, such as the zip that a service sends; --playlist then says which songs to sort. Each
    song gets the playlist that it most likely belongs to, how sure that is, and what speaks for it;
    or none fits.

    Nothing is changed. With --out, the playlists that get songs are written with the new songs
    last.
    """
    from segue.recommend.recommender import Recommender

    file.check(sources=[liked, into])
    recommender = Recommender.load(bundle, second_stage=False)
    songs = read_own_music(liked, recommender, encoding=encoding)
    read = read_own_music(into, recommender, encoding=encoding)
    rows: Sequence[int] = range(len(songs.matches))
    if playlist is not None:
        chosen = _only(songs, playlist, liked).collection.playlists
        rows = chosen.tracks[0].tolist()
    playlists = _others(read, songs, rows, into)
    asked = replace(songs.matches, songs=tuple(songs.matches[row] for row in rows))
    found = recommender.sort(asked, into=playlists, n=n)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo(str(found))
        _say_how_far(found)
    file.save(list(_with_additions(found, songs.collection, rows, playlists.collection)))


def _say_how_far(found: SortedSongs) -> None:
    none = sum(song.best is None and not song.already_in for song in found.songs)
    held = sum(bool(song.already_in) for song in found.songs)
    fit = "fits" if none == 1 else "fit"
    of = count(len(found.songs), "song")
    say(f"{none} of {of} {fit} no playlist, {held} in a playlist already")
    if found.own.num_songs:
        say(
            f"Of {count(found.own.num_songs, 'song')} in the playlists, "
            f"{found.own.share_right:.0%} would be sorted where they are"
        )


def _with_additions(
    found: SortedSongs, songs: Collection, rows: Sequence[int], playlists: Collection
) -> Iterator[Exported]:
    """The playlists that get songs, the new ones last, all as their owner has them."""
    from segue.recommend.exported import Exported, TrackRecords

    own = TrackRecords(playlists.catalog, playlists.locations)
    new = TrackRecords(songs.catalog, songs.locations)
    read = playlists.playlists
    for playlist_id, additions in found.additions.items():
        row = read.index_of[playlist_id]
        held = own.of_rows(read.tracks[row].tolist())
        added = new.of_rows([rows[song.place - 1] for song in additions])
        yield Exported(read.titles[row].as_py() or playlist_id, (*held, *added))


@click.command(short_help="Copies, outliers, parts and order of a playlist.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("source", type=click.Path(path_type=Path), required=False)
@click.option(
    "--playlist",
    metavar="ID",
    help="A playlist of BUNDLE; of SOURCE, its title or id, where it holds several.",
)
@click.option(
    "--parts",
    type=click.IntRange(min=1),
    help="Cut it into this many parts.  [default: as many as differ]",
)
@click.option(
    "--apply",
    "steps",
    metavar="STEPS",
    help="With --out: what to do, such as dedupe,order. "
    "dedupe drops copies, versions other versions of a song, outliers what does not fit; order "
    "puts neighbours together.",
)
@click.option("--split", is_flag=True, help="With --out: write each part as a playlist.")
@ENCODING
@JSON
@file_options()
def tidy(
    bundle: Path,
    source: Path | None,
    playlist: str | None,
    parts: int | None,
    steps: str | None,
    split: bool,
    encoding: str | None,
    as_json: bool,
    file: ListFile,
) -> None:
    """Look through a playlist: what is there twice, what does not fit, its parts, a better order.

    SOURCE is a file in any form that `segue build` reads; without it, --playlist is one of BUNDLE.

    Nothing is changed: --apply and --split write their result to --out. Songs that BUNDLE does not
    know are never dropped.
    """
    from segue.recommend.exported import Exported, TrackRecords
    from segue.recommend.recommender import Recommender

    if source is None and playlist is None:
        raise click.UsageError("Give SOURCE, or --playlist of BUNDLE.")
    if encoding is not None and source is None:
        raise click.UsageError("--encoding is for SOURCE.")
    chosen = () if steps is None else comma_names(steps)
    for step in chosen:
        if step not in STEPS:
            known = ", ".join(STEPS)
            raise click.UsageError(f"--apply: {step!r} is not a step, expected some of {known}.")
    if (bool(chosen) or split) != (file.out is not None):
        raise click.UsageError("--out needs --apply or --split, and these need --out.")
    file.check(sources=[source])
    recommender = Recommender.load(bundle, second_stage=False)
    if source is None:
        row = recommender.rows.playlist(str(playlist))
        rows = recommender.playlists.tracks[row].tolist()
        records = TrackRecords(recommender.bundle.catalog)
        report = recommender.tidy(playlist=playlist, parts=parts)
    else:
        own = _only(read_own_music(source, recommender, encoding=encoding), playlist, source)
        read = own.collection
        rows = read.playlists.tracks[0].tolist()
        records = TrackRecords(read.catalog, read.locations)
        report = recommender.tidy(own, parts=parts)
    if as_json:
        print_json(report.to_json())
    else:
        click.echo(str(report))
    if file.out is None:
        return
    lists = [(report.title, report.tidied(*chosen))]
    if split:
        lists = [(part.title, songs) for part, songs in report.split(*chosen)]
    file.save(
        [
            Exported(title or "Tidied", records.of_rows([rows[song.place - 1] for song in songs]))
            for title, songs in lists
        ],
        single=not split,
    )


# In the order in which `segue --help` lists them.
COMMANDS = (sort, tidy)
