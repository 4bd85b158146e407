"""`segue complete`, `vibe`, `similar`, `why` and `recommend`: ask a bundle for music."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.cli.lists import print_artists, print_explanation, print_recommendations
from segue.cli.output import THREADS, print_json, refuse_file
from segue.console import count, progress_bar, say
from segue.machine import limit_threads

if TYPE_CHECKING:
    from segue.recommend.lists import Recommendations
    from segue.recommend.recommender import ListOptions, Recommender

_Function = TypeVar("_Function", bound=Callable[..., Any])

_LENGTH = click.option(
    "-n", type=click.IntRange(min=1), default=10, show_default=True, help="Length of the list."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, not a table.")
_REASONS = click.option("--reasons", is_flag=True, help="Say for each track why it is there.")
_EXACT = click.option(
    "--exact", is_flag=True, help="Score every track, though `segue index` made an index."
)
_DIAL = click.option(
    "--dial",
    type=click.FloatRange(-1, 1),
    default=0.0,
    show_default=True,
    help="From -1, mainstream, over 0, the model itself, to 1, deep cuts.",
)


@dataclass(frozen=True)
class _Wishes:
    """What a list may hold, as it stands on the command line."""

    dial: float
    diversity: float
    exclude_track: tuple[str, ...]
    exclude_artist: tuple[str, ...]
    only_artist: tuple[str, ...]
    only_tracks: Path | None
    max_per_artist: int | None
    max_per_album: int | None
    no_other_versions: bool

    def options(self, recommender: Recommender) -> ListOptions:
        """As the recommender takes them; names become ids."""
        from segue.recommend.filters import Filters

        catalog = recommender.bundle.catalog

        def tracks(names: tuple[str, ...]) -> list[str]:
            return [str(catalog.track_ids[recommender.names.find(name)]) for name in names]

        def artists(names: tuple[str, ...]) -> list[str]:
            return [
                str(catalog.artists.ids[recommender.names.find(name, "artist")]) for name in names
            ]

        only = None if self.only_tracks is None else _ids_in(self.only_tracks, recommender)
        filters = Filters(
            exclude_tracks=tracks(self.exclude_track),
            exclude_artists=artists(self.exclude_artist),
            only_tracks=only,
            only_artists=artists(self.only_artist) if self.only_artist else None,
            max_per_artist=self.max_per_artist,
            max_per_album=self.max_per_album,
            other_versions=not self.no_other_versions,
        )
        return {"dial": self.dial, "diversity": self.diversity, "filters": filters}


def _ids_in(path: Path, recommender: Recommender) -> list[str]:
    """The track ids in a file, one a line; those that the bundle has (InputError if none)."""
    from segue.errors import InputError
    from segue.recommend.export import read_lines

    index_of = recommender.bundle.catalog.tracks.index_of
    lines = [line for _, line in read_lines(path)]
    known = [line for line in lines if line in index_of]
    if not known:
        raise InputError(f"{path}: names no track of the bundle, expected one id a line")
    if len(known) < len(lines):
        say(f"{count(len(lines) - len(known), 'line')} of {path} unknown to the bundle passed over")
    return known


def _wishes(command: _Function) -> _Function:
    """Options of every command that lists tracks; it gets them as one `wishes`."""

    @functools.wraps(command)
    def with_wishes(**options: Any) -> Any:
        names = [field.name for field in dataclasses.fields(_Wishes)]
        return command(wishes=_Wishes(**{name: options.pop(name) for name in names}), **options)

    for option in reversed(
        [
            _DIAL,
            click.option(
                "--diversity",
                type=click.FloatRange(0, 1),
                default=0.0,
                show_default=True,
                help="Less of the same: up to 1.",
            ),
            click.option("--exclude-track", multiple=True, help="Not this track."),
            click.option("--exclude-artist", multiple=True, help="Nothing by this artist."),
            click.option("--only-artist", multiple=True, help="Nothing but by this artist."),
            click.option(
                "--only-tracks",
                type=click.Path(path_type=Path),
                help="Nothing but the tracks whose ids stand in this file, one a line.",
            ),
            click.option(
                "--max-per-artist", type=click.IntRange(min=1), help="At most so many by an artist."
            ),
            click.option(
                "--max-per-album", type=click.IntRange(min=1), help="At most so many of an album."
            ),
            click.option(
                "--no-other-versions",
                is_flag=True,
                help="No live, remastered or other version of a song that is there.",
            ),
        ]
    ):
        with_wishes = option(with_wishes)
    return with_wishes  # type: ignore[return-value]


def _show(found: Recommendations, *, as_json: bool, reasons: bool = False) -> None:
    if as_json:
        print_json(found.to_json())
    else:
        print_recommendations(found, reasons=reasons)


# A playlist's id may begin with a minus sign.
@click.command(short_help="Continue a playlist.", context_settings={"ignore_unknown_options": True})
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("playlist", required=False)
@click.option("--track", "tracks", multiple=True, help="Of a playlist never seen: a track's id.")
@click.option("--ordered", is_flag=True, help="The order of the --track options means something.")
@_LENGTH
@_wishes
@_EXACT
@_REASONS
@_JSON
def complete(
    bundle: Path,
    playlist: str | None,
    tracks: tuple[str, ...],
    ordered: bool,
    n: int,
    wishes: _Wishes,
    exact: bool,
    reasons: bool,
    as_json: bool,
) -> None:
    """Continue a playlist with tracks that it does not hold yet.

    PLAYLIST is the id of a playlist of BUNDLE; for any other, give its tracks by --track.
    """
    from segue.recommend.recommender import Recommender

    if (playlist is None) == (not tracks):
        raise click.UsageError("Give either PLAYLIST or the tracks, by --track.")
    recommender = Recommender.load(bundle, exact=exact)
    found = recommender.complete(
        playlist,
        n,
        tracks=tracks or None,
        ordered=ordered,
        reasons=reasons,
        **wishes.options(recommender),
    )
    _show(found, as_json=as_json, reasons=reasons)


@click.command(short_help="What goes with two or three songs.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("tracks", nargs=-1)
@click.option("--artist", "artists", multiple=True, help="An artist to go with, by id or name.")
@_LENGTH
@_wishes
@_EXACT
@_REASONS
@_JSON
def vibe(
    bundle: Path,
    tracks: tuple[str, ...],
    artists: tuple[str, ...],
    n: int,
    wishes: _Wishes,
    exact: bool,
    reasons: bool,
    as_json: bool,
) -> None:
    """Find what goes with a few songs or artists.

    TRACKS are track ids or names; where several songs share a name, 'name - artist' tells them
    apart.
    """
    from segue.recommend.recommender import Recommender

    if not tracks and not artists:
        raise click.UsageError("Give at least one of TRACKS, or an artist by --artist.")
    recommender = Recommender.load(bundle, exact=exact)
    options = wishes.options(recommender)
    found = recommender.vibe(tracks, n, artists=artists, reasons=reasons, **options)
    _show(found, as_json=as_json, reasons=reasons)


@click.command(short_help="Tracks like a track, artists like an artist.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("track", required=False)
@click.option("--artist", help="List artists like this one instead.")
@_LENGTH
@_EXACT
@_JSON
def similar(
    bundle: Path, track: str | None, artist: str | None, n: int, exact: bool, as_json: bool
) -> None:
    """Find tracks like TRACK, or artists like --artist; both by name or id.

    They are compared by the cosine of their vectors. `segue vibe` with one song asks what goes with
    it, and has filters and a dial.
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


@click.command(short_help="What speaks for one track, and what against it.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("track")
@click.argument("tracks", nargs=-1)
@click.option("--artist", "artists", multiple=True, help="An artist that it is to go with.")
@click.option("--playlist", metavar="ID", help="The playlist of the bundle that is completed.")
@click.option("--ordered", is_flag=True, help="The order of TRACKS means something.")
@_DIAL
@_JSON
def why(
    bundle: Path,
    track: str,
    tracks: tuple[str, ...],
    artists: tuple[str, ...],
    playlist: str | None,
    ordered: bool,
    dial: float,
    as_json: bool,
) -> None:
    """Say why TRACK goes with TRACKS, or continues a playlist: all terms of its score.

    TRACK and TRACKS are ids or names. The terms sum to the score; those below 0 speak against it.
    """
    from segue.recommend.recommender import Recommender

    if (playlist is None) == (not tracks and not artists):
        raise click.UsageError("Give either TRACKS (or --artist) or --playlist.")
    found = Recommender.load(bundle).why(
        track, playlist, tracks=tracks, artists=artists, ordered=ordered, dial=dial
    )
    if as_json:
        print_json(found.to_json())
    else:
        print_explanation(found)


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
    help='For playlists never seen: a JSON list of {"playlist_id", "tracks": [track ids]}; '
    'with "ordered": true the last tracks count more.',
)
@click.option(
    "-n", type=click.IntRange(min=1), default=500, show_default=True, help="Length of a list."
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The Parquet file to write."
)
@_wishes
@_EXACT
@THREADS
@click.option("--overwrite", is_flag=True, help="Replace an older file.")
def recommend(
    bundle: Path,
    everything: bool,
    ids: Path | None,
    playlists: Path | None,
    n: int,
    out: Path,
    wishes: _Wishes,
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
    options = wishes.options(recommender)
    if playlists is not None:
        names, query, num_unknown = read_playlists(playlists, recommender)
        if num_unknown:
            say(f"{count(num_unknown, 'track')} unknown to the bundle passed over")
    elif ids is not None:
        names, query = read_ids(ids, recommender)
    else:
        if recommender.bundle.playlists is None:
            raise InputError(f"{bundle}: was made without playlists, so there is no --all")
        names = recommender.playlists.ids
        query = recommender.query_of_rows(np.arange(len(names)))
    num_empty = int(query.empty.sum())
    if num_empty:
        say(f"{count(num_empty, 'playlist')} without a known track: the most popular tracks")
    with progress_bar("Recommending", len(query), "playlists") as bar:
        num_rows = write_recommendations(
            recommender, names, query, n, out, lambda count: bar.advance(count), **options
        )
    say(f"{count(num_rows, 'row')} for {count(len(query), 'playlist')} written to {out}")
