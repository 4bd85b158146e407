"""`segue complete`, `vibe`, `title`, `similar` and `why`: ask a bundle for music."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.list_files import WITH_GIVEN, ListFile, file_options
from segue.cli.list_options import (
    DIAL,
    EXACT,
    JSON,
    LENGTH,
    QUESTION,
    REASONS,
    TITLE,
    ListFlags,
    list_flags,
    variety_option,
)
from segue.cli.lists import (
    print_artists,
    print_explanation,
    print_recommendations,
    say_songs,
    say_words,
)
from segue.cli.output import print_json
from segue.cli.own_music import ENCODING, FROM, read_own_music
from segue.console import count, printable, say
from segue.data.text import shorten

if TYPE_CHECKING:
    from segue.recommend.exported import Exported
    from segue.recommend.lists import Recommendations
    from segue.recommend.naming import SuggestedTitles
    from segue.recommend.own_music import OwnMusic
    from segue.recommend.recommender import Recommender
    from segue.scoring.questions import Question


def _show(found: Recommendations, *, as_json: bool, reasons: bool = False) -> None:
    say_words(found)
    say_songs(found)
    if as_json:
        print_json(found.to_json())
    else:
        print_recommendations(found, reasons=reasons)


def _show_all(lists: list[Recommendations], *, as_json: bool, reasons: bool, brief: bool) -> None:
    """Print lists; several, if `brief`, only as JSON: they are in a file."""
    if len(lists) == 1:
        _show(lists[0], as_json=as_json, reasons=reasons)
    elif as_json:
        print_json([found.to_json() for found in lists])
    elif not brief:
        for found in lists:
            print_recommendations(found, reasons=reasons)


# A playlist's id may begin with a minus sign.
@click.command(short_help="Continue a playlist.", context_settings={"ignore_unknown_options": True})
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("playlist", required=False)
@click.option(
    "--track",
    "tracks",
    multiple=True,
    help="A track of a new playlist, by id or name; may be repeated.",
)
@click.option("--ordered", is_flag=True, help="The order of the --track options is meaningful.")
@QUESTION
@FROM
@ENCODING
@TITLE
@LENGTH
@file_options()
@WITH_GIVEN
@list_flags(variety=1)
@EXACT
@REASONS
@JSON
def complete(
    bundle: Path,
    playlist: str | None,
    tracks: tuple[str, ...],
    ordered: bool,
    question: Question,
    source: str | None,
    encoding: str | None,
    title: str | None,
    n: int,
    file: ListFile,
    with_given: bool,
    flags: ListFlags,
    exact: bool,
    reasons: bool,
    as_json: bool,
) -> None:
    """Continue a playlist with tracks that are not in it yet.

    PLAYLIST is the id of a playlist of BUNDLE, whose title counts, too; --title '' leaves it out.
    For a new one, give its tracks with --track, or a file from any player or service with --from;
    if the file holds several playlists, each is continued.
    """
    from dataclasses import replace

    from segue.recommend.exported import called, title_after
    from segue.recommend.recommender import Recommender

    if sum([playlist is not None, bool(tracks), source is not None]) != 1:
        raise click.UsageError("Give one of PLAYLIST, the tracks by --track, and --from FILE.")
    if encoding is not None and source is None:
        raise click.UsageError("--encoding is for --from.")
    file.check(with_given=with_given, sources=[source])
    recommender = Recommender.load(bundle, exact=exact)
    options: dict[str, Any] = {
        "reasons": reasons,
        "n": n,
        "question": question,
        **flags.resolved(recommender),
    }
    if source is not None:
        own = read_own_music(source, recommender, encoding=encoding, allow_empty=True)
        lists = _continued(own, recommender, title, options)
        _show_all(
            list(lists.values()), as_json=as_json, reasons=reasons, brief=file.out is not None
        )
        file.save(
            (_after(own, at, found, with_given=with_given) for at, found in lists.items()),
            single=len(lists) == 1,
        )
        return
    found = recommender.complete(
        playlist, tracks=tracks or None, title=title, ordered=ordered, **options
    )
    _show(found, as_json=as_json, reasons=reasons)
    exported, rows = found.exported(), []
    if playlist is not None:
        row = recommender.rows.playlist(playlist)
        name = called(recommender.playlists.titles[row].as_py(), playlist)
        exported = replace(exported, title=title_after(name), continues=playlist)
        rows = recommender.playlists.tracks[row].tolist()
    elif with_given:
        rows = list(recommender.names.songs(tracks, others=True).rows)
    file.save_one(recommender, exported, rows if with_given else [])


def _continued(
    own: OwnMusic, recommender: Recommender, title: str | None, options: dict[str, Any]
) -> dict[int, Recommendations]:
    """A list for each playlist of which a song was found, by its place (InputError if none).

    A playlist that is only a title is continued by its words, or else with the most popular tracks.
    """
    from dataclasses import replace

    from segue.errors import InputError

    playlists = own.collection.playlists
    known = [
        at
        for at in range(len(own.tracks))
        if len(own.tracks[at]) or (not len(playlists.tracks[at]) and playlists.titles[at].as_py())
    ]
    if not known:
        raise InputError(
            "none of these songs was found in the bundle, so there is nothing to go by"
        )
    if len(known) < len(own.tracks):
        left = count(len(own.tracks) - len(known), "playlist")
        say(f"{left} without a known song: not continued")
    ids, lists = recommender.bundle.catalog.track_ids, {}
    for at in known:
        tracks = [ids[row].as_py() for row in own.tracks[at].tolist()]
        of_list = title
        if title is None and recommender.bundle.word_weight is not None:
            of_list = own.title(at)
        found = recommender.complete(
            tracks=tracks, title=of_list, ordered=bool(own.order_known[at]), **options
        )
        lists[at] = replace(found, title=f"Recommended for {own.title(at)}")
    return lists


def _after(own: OwnMusic, at: int, found: Recommendations, *, with_given: bool) -> Exported:
    """The list that continues a playlist of one's own, to be written."""
    from dataclasses import replace

    from segue.recommend.exported import title_after

    continues = str(own.collection.playlists.ids[at])
    exported = replace(found.exported(), title=title_after(own.title(at)), continues=continues)
    return exported.after(own.songs(at)) if with_given else exported


@click.command(short_help="What goes with two or three songs, or a title.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("tracks", nargs=-1)
@click.option("--artist", "artists", multiple=True, help="An artist to go with, by id or name.")
@TITLE
@QUESTION
@LENGTH
@file_options()
@WITH_GIVEN
@list_flags(variety=1)
@EXACT
@REASONS
@JSON
def vibe(
    bundle: Path,
    tracks: tuple[str, ...],
    artists: tuple[str, ...],
    title: str | None,
    question: Question,
    n: int,
    file: ListFile,
    with_given: bool,
    flags: ListFlags,
    exact: bool,
    reasons: bool,
    as_json: bool,
) -> None:
    """Find what goes with a few songs or artists, or with a title.

    TRACKS are track ids or names; if several songs share a name, use 'name - artist'.
    """
    from segue.recommend.recommender import Recommender

    if not tracks and not artists and not title:
        raise click.UsageError(
            "Give at least one of TRACKS, or an artist by --artist, or a --title."
        )
    file.check(with_given=with_given)
    recommender = Recommender.load(bundle, exact=exact)
    options = flags.resolved(recommender)
    found = recommender.vibe(
        tracks, n, artists=artists, title=title, question=question, reasons=reasons, **options
    )
    _show(found, as_json=as_json, reasons=reasons)
    rows = list(recommender.names.songs(tracks, others=True).rows) if with_given else []
    file.save_one(recommender, found.exported(), rows)


@click.command(short_help="Tracks similar to a track, artists similar to an artist.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("track", required=False)
@click.option("--artist", help="List artists similar to this one instead.")
@LENGTH
@EXACT
@JSON
def similar(
    bundle: Path, track: str | None, artist: str | None, n: int, exact: bool, as_json: bool
) -> None:
    """Find tracks similar to TRACK, or artists similar to --artist, by name or id.

    They are compared by the cosine of their vectors. `segue vibe` with one song finds what goes
    with it, and has filters and a dial.
    """
    from segue.recommend.recommender import Recommender

    if (track is None) == (artist is None):
        raise click.UsageError("Give either TRACK or --artist.")
    recommender = Recommender.load(bundle, exact=exact)
    if artist is None:
        _show(recommender.similar(str(track), n), as_json=as_json)
        return
    found = recommender.similar(artist=artist, n=n)
    if as_json:
        print_json(found.to_json())
    else:
        print_artists(found)


@click.command(short_help="What counts for a track, and what against it.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("track")
@click.argument("tracks", nargs=-1)
@click.option("--artist", "artists", multiple=True, help="An artist that it should go with.")
@click.option("--playlist", metavar="ID", help="The playlist of the bundle to complete.")
@click.option("--ordered", is_flag=True, help="The order of TRACKS is meaningful.")
@QUESTION
@TITLE
@DIAL
@variety_option(1)
@EXACT
@JSON
def why(
    bundle: Path,
    track: str,
    tracks: tuple[str, ...],
    artists: tuple[str, ...],
    playlist: str | None,
    ordered: bool,
    question: Question,
    title: str | None,
    dial: float,
    variety: float,
    exact: bool,
    as_json: bool,
) -> None:
    """Explain why TRACK goes with TRACKS, or continues a playlist: all parts of its score.

    TRACK and TRACKS are ids or names. The parts sum to the score; those below 0 count against it.
    """
    from segue.recommend.recommender import Recommender

    others = bool(tracks or artists)
    if others if playlist is not None else not (others or title):
        raise click.UsageError("Give either TRACKS (or --artist, --title) or --playlist.")
    found = Recommender.load(bundle, exact=exact).why(
        track,
        playlist,
        tracks=tracks,
        artists=artists,
        title=title,
        ordered=ordered,
        question=question,
        dial=dial,
        variety=variety,
    )
    say_words(found)
    say_songs(found)
    if as_json:
        print_json(found.to_json())
    else:
        print_explanation(found)


@click.command(short_help="What a list of songs could be called.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("tracks", nargs=-1)
@click.option("--playlist", metavar="ID", help="A playlist of the bundle, instead of TRACKS.")
@FROM
@ENCODING
@click.option(
    "-n", type=click.IntRange(min=1), default=5, show_default=True, help="Number of titles."
)
@JSON
def title(
    bundle: Path,
    tracks: tuple[str, ...],
    playlist: str | None,
    source: str | None,
    encoding: str | None,
    n: int,
    as_json: bool,
) -> None:
    """Suggest titles for a list: words, and short titles that several playlists have.

    TRACKS are track ids or names; with --from, each playlist of FILE gets titles. The bundle must
    have learned words of titles.
    """
    from segue.recommend.recommender import Recommender

    if sum([bool(tracks), playlist is not None, source is not None]) != 1:
        raise click.UsageError("Give one of TRACKS, --playlist and --from.")
    if encoding is not None and source is None:
        raise click.UsageError("--encoding is for --from.")
    recommender = Recommender.load(bundle, second_stage=False)
    if source is None:
        found = [recommender.title(tracks or None, n, playlist=playlist)]
    else:
        found = _titles_of(read_own_music(source, recommender, encoding=encoding), recommender, n)
    if as_json:
        content = [each.to_json() for each in found]
        print_json(content[0] if source is None else content)
    else:
        for each in found:
            click.echo(str(each))


def _titles_of(own: OwnMusic, recommender: Recommender, n: int) -> list[SuggestedTitles]:
    """Titles for each playlist of one's own, under its own name."""
    ids, found = recommender.bundle.catalog.track_ids, []
    for at in range(len(own.tracks)):
        songs = [ids[row].as_py() for row in own.tracks[at].tolist()]
        if not songs:
            name = printable(shorten(own.title(at), 100))
            say(f"{name}: no song of it is known, so it gets no title")
            continue
        suggested = recommender.title(songs, n)
        found.append(replace(suggested, heading=f"Titles for {own.title(at)}"))
    return found


# In the order in which `segue --help` lists them.
COMMANDS = (complete, vibe, title, similar, why)
