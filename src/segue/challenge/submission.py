"""Submissions: 500 tracks for each playlist of a challenge set, as comma-separated text.

The first line is ``team_info, TEAM, EMAIL`` (in 2018 with a further field, ``main`` or
``creative``), each other one ``PID, TRACK, … TRACK``; empty lines and those that begin with ``#``
are ignored, and so is space around commas. The rules are those of
https://www.aicrowd.com/challenges/spotify-million-playlist-dataset-challenge and of the organisers'
own check, github.com/plamere/RecsysChallengeTools, ``verify_submission.py``.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from segue.challenge.challenge_set import Incomplete, asked_in
from segue.data.text import shorten
from segue.errors import InputError
from segue.files import atomic_file

LIST_LENGTH = 500
TEAM_INFO = "team_info"
_TRACKS_OF_2018 = ("main", "creative")
_SPOTIFY_TRACK = re.compile(r"spotify:track:[0-9A-Za-z]{22}")
# What would end a field or a line, or make a line a comment.
_UNFIT = re.compile(r"[,\r\n\x00]|^\s|\s$|^$")


def check_ending(path: Path) -> None:
    """Raise InputError unless a submission can have this name."""
    if not path.name.lower().endswith((".csv.gz", ".csv")):
        raise InputError(f"{path}: a submission is a .csv.gz, or a .csv to be compressed later")


def check_field(value: str, what: str) -> None:
    """Raise InputError for text that cannot be a field of a submission."""
    if _UNFIT.search(value):
        raise InputError(
            f"{what} {shorten(value)!r} cannot stand in a submission: expected text without commas "
            "and line breaks, and without space at its ends"
        )


def write_submission(
    path: Path, team: str, email: str, lists: Iterable[tuple[int, Sequence[str]]]
) -> None:
    """Write a submission, completely or not at all; gzipped if its name ends in ``.gz``.

    The same lists give the same bytes.

    Parameters
    ----------
    path
    team, email
    lists
        The pid and the tracks of each playlist.

    Raises
    ------
    InputError
        If the name, team or e-mail address is not fit for it.
    ArtefactError
        If the file cannot be written.
    """
    check_ending(path)
    check_field(team, "team")
    check_field(email, "e-mail address")
    with atomic_file(path) as temporary, temporary.open("wb") as raw:
        zipped = path.name.lower().endswith(".gz")
        # Without a time, and quick: track ids hardly become smaller by more effort.
        file = gzip.GzipFile("", "wb", 3, raw, mtime=0) if zipped else raw
        try:
            file.write(f"{TEAM_INFO}, {team}, {email}\n".encode())
            for pid, tracks in lists:
                file.write(f"{pid}, {', '.join(tracks)}\n".encode())
        finally:
            file.close()


def read_submission(
    path: Path, asked: Sequence[Incomplete], breach: Callable[[str], None]
) -> Iterator[tuple[int, list[str]]]:
    """The lists of a submission to a challenge set that keep all rules, line by line.

    Parameters
    ----------
    path
        Gzipped or not, whatever its name.
    asked
        The challenge set.
    breach
        Called with a sentence for each breach of the rules; it may raise.

    Yields
    ------
    pid
    tracks
        Best first.

    Raises
    ------
    InputError
        If the file cannot be read to its end.
    """
    shown = {playlist.pid: playlist for playlist in asked}
    given = [track.track_uri for playlist in asked for track in playlist.tracks]
    # Sets made from other sources have ids of another form.
    uris = bool(given) and all(map(_SPOTIFY_TRACK.fullmatch, given))
    answered: set[int] = set()
    has_team = False
    for number, line in _lines(path):
        fields = [field.strip() for field in line.split(",")]
        if not has_team:
            has_team = True
            if problem := _problem_of_team(fields):
                breach(f"line {number}: {problem}")
            if fields[0] == TEAM_INFO:
                continue
        if not re.fullmatch(r"\d{1,15}", fields[0], re.ASCII):
            breach(f"line {number}: pid {shorten(fields[0], 80)!r} is not a whole number")
            continue
        pid, tracks = int(fields[0]), fields[1:]
        if pid not in shown:
            breach(f"line {number}: the challenge set has no playlist {pid}")
            continue
        if pid in answered:
            breach(f"line {number}: playlist {pid} has been answered before")
            continue
        answered.add(pid)
        problem = _problem_of_list(tracks, shown[pid], uris=uris)
        if problem is None:
            yield pid, tracks
        else:
            breach(f"line {number}: playlist {pid} {problem}")
    if not has_team:
        breach(f"the submission is empty, expected a first line {TEAM_INFO}, TEAM, EMAIL")
    for pid in shown:
        if pid not in answered:
            breach(f"playlist {pid} has no line")


def check(path: str | Path, challenge_set: str | Path | Sequence[Incomplete]) -> list[str]:
    """Check a submission by the challenge's rules: a sentence for each breach.

    Parameters
    ----------
    path
        The submission, gzipped or not.
    challenge_set
        Its JSON file, the folder that `make` wrote, or what has been read of either.

    Raises
    ------
    InputError
        If a file cannot be read to its end.

    Examples
    --------
    >>> from segue import challenge
    >>> challenge.check("submission.csv.gz", "challenge")
    []
    """
    found: list[str] = []
    for _ in read_submission(Path(path), asked_in(challenge_set), found.append):
        pass
    return found


def _problem_of_team(fields: list[str]) -> str | None:
    expected = f"expected {TEAM_INFO}, TEAM, EMAIL"
    if fields[0] != TEAM_INFO:
        return f"begins with {shorten(fields[0], 80)!r}, {expected} before all lists"
    rest = fields[1:]
    if len(rest) == 3 and any(field in _TRACKS_OF_2018 for field in rest[:2]):
        rest = [field for place, field in enumerate(rest) if place != _place_of_track(rest)]
    if len(rest) != 2:
        return f"{TEAM_INFO} has {len(fields)} fields, {expected}"
    if not all(rest):
        return f"{TEAM_INFO} has an empty field, {expected}"
    return None


def _place_of_track(rest: list[str]) -> int:
    """Where ``main`` or ``creative`` stands: before the team, or after it."""
    return 0 if rest[0] in _TRACKS_OF_2018 else 1


def _problem_of_list(tracks: list[str], playlist: Incomplete, *, uris: bool) -> str | None:
    """What is wrong with a list, if anything."""
    if len(tracks) != LIST_LENGTH:
        return f"has {len(tracks)} tracks, expected {LIST_LENGTH}"
    distinct = set(tracks)
    if len(distinct) != LIST_LENGTH:
        return f"has {len(distinct)} distinct tracks, expected {LIST_LENGTH}"
    if "" in distinct:
        return "has an empty track"
    for track in playlist.track_uris:
        if track in distinct:
            return f"recommends {shorten(track, 80)!r}, which the challenge set shows"
    if uris:
        for track in tracks:
            if not _SPOTIFY_TRACK.fullmatch(track):
                return f"recommends {shorten(track, 80)!r}, which is not a spotify:track: URI"
    return None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that count, with their numbers from 1."""
    number = 0
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) if zipped else raw as file:
                for number, line in enumerate(file, start=1):
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                    if text and not text.startswith("#"):
                        yield number, text
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line {number} is not UTF-8 text") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: the gzip is damaged or cut off after line {number} ({error})"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
