"""The files of a challenge: its set of incomplete playlists, and the answers.

A challenge set is one JSON object whose ``playlists`` have ``pid``, ``tracks`` (in the form of the
Million Playlist Dataset, with their positions in the whole playlist), ``num_samples``,
``num_holdouts`` and ``num_tracks``, and ``name`` unless the title is hidden (the challenge set's
README, https://recsys-challenge.spotify.com/challenge_readme).
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import pyarrow as pa

from segue.challenge.kinds import KINDS, kind_name
from segue.data.arrow import read_arrow, write_arrow
from segue.data.playlists import Catalog
from segue.data.text import shorten
from segue.errors import InputError

SET, ANSWERS, ARTISTS, TRAINING = "challenge_set.json", "answers.json", "artists.arrow", "training"
# Fits into int64.
_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_Pid = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
_Struct = TypeVar("_Struct")


class Given(msgspec.Struct, gc=False):
    """A track that a challenge set shows; what else it says of the track is not read."""

    pos: _Count
    track_uri: str


class Incomplete(msgspec.Struct):
    """An incomplete playlist of a challenge set, its tracks by position."""

    pid: _Pid
    tracks: list[Given]
    num_samples: _Count
    num_holdouts: _Count
    num_tracks: _Count
    name: str | None = None

    @property
    def from_the_start(self) -> bool:
        """Whether the tracks shown are the first of the playlist, so that their order matters."""
        return all(track.pos < len(self.tracks) for track in self.tracks)

    @property
    def track_uris(self) -> dict[str, None]:
        """The tracks shown, in order, each once."""
        return dict.fromkeys(track.track_uri for track in self.tracks)

    @property
    def kind(self) -> str:
        """The name of its kind (see `segue.challenge.kinds.Kind.name`)."""
        return kind_name(
            titled=self.name is not None,
            num_given=len(self.tracks),
            at_random=not self.from_the_start,
        )


class HeldOut(msgspec.Struct, gc=False):
    """A track to be found, with its main artist, if known."""

    pos: _Count
    track_uri: str
    artist_uri: str | None = None


class Answer(msgspec.Struct):
    """The tracks of a playlist that a challenge set does not show."""

    pid: _Pid
    tracks: list[HeldOut]


class _Set(msgspec.Struct):
    playlists: list[Incomplete]


class _Answers(msgspec.Struct):
    playlists: list[Answer]


@dataclass(frozen=True, eq=False)
class Challenge:
    """A challenge set with its answers.

    Attributes
    ----------
    asked : list of Incomplete
    answers : dict of Answer
        By pid.
    artist_of : dict
        Id of the main artist by id of the track, for every track in training that has one.
    """

    asked: list[Incomplete]
    answers: dict[int, Answer]
    artist_of: dict[str, str]


def read_challenge_set(path: str | Path) -> list[Incomplete]:
    """Read a challenge set: its JSON file, or the folder that `segue challenge make` wrote.

    Raises
    ------
    InputError
        Naming the file, the playlist and what was expected.
    """
    path = Path(path)
    path = path / SET if path.is_dir() else path
    asked = _decoded(path, _Set, "a challenge set").playlists
    _check_pids(path, [playlist.pid for playlist in asked])
    for number, playlist in enumerate(asked):
        playlist.tracks.sort(key=lambda track: track.pos)
        if problem := _problem(playlist):
            raise InputError(f"{path}: playlists[{number}] (pid {playlist.pid}): {problem}")
    return asked


def asked_in(challenge_set: str | Path | Sequence[Incomplete]) -> Sequence[Incomplete]:
    """The playlists of a challenge set, read from a file or folder unless they have been."""
    if isinstance(challenge_set, str | Path):
        return read_challenge_set(challenge_set)
    return challenge_set


def read_challenge(folder: str | Path) -> Challenge:
    """Read a folder that `segue challenge make` wrote.

    Raises
    ------
    InputError
        If a file in it is missing or not what is expected, or the answers are to another set.
    ArtefactError
        If the table of artists cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder, expected one from `segue challenge make`")
    asked = read_challenge_set(folder)
    path = folder / ANSWERS
    answers = _decoded(path, _Answers, "the answers to a challenge set").playlists
    _check_pids(path, [answer.pid for answer in answers])
    by_pid = {answer.pid: answer for answer in answers}
    for playlist in asked:
        answer = by_pid.get(playlist.pid)
        if answer is None or not answer.tracks:
            raise InputError(f"{path}: has no answer for playlist {playlist.pid} of {SET}")
        shown = playlist.track_uris
        if any(track.track_uri in shown for track in answer.tracks):
            raise InputError(f"{path}: playlist {playlist.pid} holds a track that {SET} shows")
    (track_ids, artists), _, _ = read_arrow(
        folder / ARTISTS, {"track_id": pa.string(), "artist_id": pa.string()}
    )
    pairs = zip(track_ids.to_pylist(), artists.to_pylist(), strict=True)
    return Challenge(
        asked, by_pid, {track: artist for track, artist in pairs if artist is not None}
    )


def write_artists(path: Path, catalog: Catalog) -> None:
    """Write the main artist of each track, null where none is known."""
    main = catalog.main_artist
    artists = catalog.artists.ids.take(pa.array(main, mask=main < 0))
    write_arrow(path, {"track_id": catalog.track_ids, "artist_id": artists}, {})


def kinds_in_order(names: Sequence[str]) -> list[str]:
    """The distinct kinds among some, in the order of the challenge, then any others by name."""
    known = [kind.name for kind in KINDS]
    there = set(names)
    return [name for name in known if name in there] + sorted(there - set(known))


def _problem(playlist: Incomplete) -> str | None:
    """What is wrong with an incomplete playlist, if anything."""
    if len(playlist.tracks) != playlist.num_samples:
        return f"shows {len(playlist.tracks)} tracks, but num_samples is {playlist.num_samples}"
    if playlist.num_samples + playlist.num_holdouts != playlist.num_tracks:
        return (
            f"num_samples {playlist.num_samples} and num_holdouts {playlist.num_holdouts} do not "
            f"add up to num_tracks {playlist.num_tracks}"
        )
    last = max((track.pos for track in playlist.tracks), default=-1)
    if last >= playlist.num_tracks:
        return f"has a track at pos {last}, but num_tracks is {playlist.num_tracks}"
    return None


def _check_pids(path: Path, pids: list[int]) -> None:
    if not pids:
        raise InputError(f"{path}: contains no playlists, expected at least one")
    seen: set[int] = set()
    for pid in pids:
        if pid in seen:
            raise InputError(f"{path}: playlist {pid} repeats, expected each pid once")
        seen.add(pid)


def _decoded(path: Path, kind: type[_Struct], what: str) -> _Struct:
    """The contents of a JSON file."""
    try:
        return msgspec.json.decode(path.read_bytes().removeprefix(BOM_UTF8), type=kind)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: is not {what} ({shorten(str(error))})") from error
