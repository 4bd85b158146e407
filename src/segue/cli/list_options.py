"""Options shared by the commands that list tracks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.console import count, say

if TYPE_CHECKING:
    from segue.recommend.ranking import ListOptions
    from segue.recommend.recommender import Recommender

_Function = TypeVar("_Function", bound=Callable[..., Any])

LENGTH = click.option(
    "-n", type=click.IntRange(min=1), default=10, show_default=True, help="Length of the list."
)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, not a table.")
REASONS = click.option("--reasons", is_flag=True, help="Show why each track is recommended.")
EXACT = click.option("--exact", is_flag=True, help="Score every track, even if there is an index.")
TITLE = click.option(
    "--title", help="What the playlist is called, such as 'sunday morning coffee'."
)
QUESTION = click.option(
    "--question",
    # As in `segue.scoring.questions`, which would load NumPy to show a help text.
    type=click.Choice(["fit", "next", "either"]),
    default="either",
    show_default=True,
    help="What fits, or what comes next after songs in order; either: a list for both.",
)
DIAL = click.option(
    "--dial",
    type=click.FloatRange(-1, 1),
    default=0.0,
    show_default=True,
    help="From -1 (mainstream) through 0 (the model as it is) to 1 (deep cuts).",
)


def variety_option(default: float) -> Callable[[_Function], _Function]:
    """By default 1 where somebody looks at a list, and 0 where many are written or measured."""
    return click.option(
        "--variety",
        type=click.FloatRange(0, 1),
        default=default,
        show_default=True,
        help="1: as few tracks by the songs' own artists as playlists hold; 0: as many as score "
        "best.",
    )


@dataclass(frozen=True)
class ListFlags:
    """What a list may contain, from the command line: see `list_flags`."""

    dial: float
    diversity: float
    variety: float
    exclude_track: tuple[str, ...]
    exclude_artist: tuple[str, ...]
    only_artist: tuple[str, ...]
    only_tracks: Path | None
    max_per_artist: int | None
    max_per_album: int | None
    no_other_versions: bool
    equal_songs: bool

    def resolved(self, recommender: Recommender) -> ListOptions:
        """As the recommender takes them."""
        from segue.recommend.filters import Filters

        only = None if self.only_tracks is None else _ids_in(self.only_tracks, recommender)
        filters = Filters(
            exclude_tracks=self.exclude_track,
            exclude_artists=self.exclude_artist,
            only_tracks=only,
            only_artists=self.only_artist or None,
            max_per_artist=self.max_per_artist,
            max_per_album=self.max_per_album,
            other_versions=not self.no_other_versions,
            equal_songs=self.equal_songs,
        )
        return {
            "dial": self.dial,
            "diversity": self.diversity,
            "variety": self.variety,
            "filters": filters,
        }


def _ids_in(path: Path, recommender: Recommender) -> list[str]:
    """The tracks of the bundle in a file of songs or a music folder (InputError if none)."""
    from segue.errors import InputError
    from segue.recommend.asked import read_lines
    from segue.recommend.music_folder import MusicFolder

    if path.is_dir():
        matches = recommender.match(MusicFolder(path).songs)
        if not matches.found:
            raise InputError(f"{path}: holds no song of the bundle")
        say(f"{path}: {count(len(matches), 'song')}, {len(matches.found)} of them in the bundle")
        return matches.track_ids
    matches = recommender.match([line for _, line in read_lines(path)])
    if not matches.found:
        raise InputError(
            f"{path}: contains no track of the bundle, expected an id or 'artist - title' a line"
        )
    ignored = len(matches) - len(matches.found)
    if ignored:
        say(f"{count(ignored, 'line')} of {path} unknown to the bundle, ignored")
    return matches.track_ids


def list_flags(*, variety: float) -> Callable[[_Function], _Function]:
    """Options of every command that lists tracks, passed to it as one `flags`."""
    return functools.partial(_with_flags, variety=variety)


def _with_flags(command: _Function, variety: float) -> _Function:
    @functools.wraps(command)
    def with_options(**options: Any) -> Any:
        names = [field.name for field in dataclasses.fields(ListFlags)]
        flags = ListFlags(**{name: options.pop(name) for name in names})
        return command(flags=flags, **options)

    for option in reversed(
        [
            DIAL,
            click.option(
                "--diversity",
                type=click.FloatRange(0, 1),
                default=0.0,
                show_default=True,
                help="Tracks less like each other, up to 1.",
            ),
            variety_option(variety),
            click.option("--exclude-track", multiple=True, help="Not this track."),
            click.option("--exclude-artist", multiple=True, help="No tracks by this artist."),
            click.option("--only-artist", multiple=True, help="Only tracks by this artist."),
            click.option(
                "--only-tracks",
                type=click.Path(path_type=Path),
                help="Only the tracks in this file, one id or name per line, or music folder.",
            ),
            click.option(
                "--max-per-artist",
                type=click.IntRange(min=1),
                help="At most this many by one artist.",
            ),
            click.option(
                "--max-per-album",
                type=click.IntRange(min=1),
                help="At most this many from one album.",
            ),
            click.option(
                "--no-other-versions",
                is_flag=True,
                help="No live, remastered or other version of a song that is already there.",
            ),
            click.option(
                "--equal-songs",
                is_flag=True,
                help="If a song has several ids, list each; by default only the best known.",
            ),
        ]
    ):
        with_options = option(with_options)
    return with_options  # type: ignore[return-value]
