"""What was read, and what happens to bad records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from segue.console import count, printable
from segue.data.records import Reject
from segue.data.text import shorten
from segue.errors import InputError


@dataclass
class ReadReport:
    """What was read.

    For whole playlists, ``playlists + skipped - skipped_tracks`` and the empty playlists of
    `set_aside` are all the playlists there are (in a truncated file, everything after the break
    counts as one). For tables, ``rows`` counts all rows but empty ones:
    ``pairs + repeated_tracks + skipped`` and those set aside (everything after a break counts as
    one row).

    Attributes
    ----------
    form
        The name of the source's format.
    files, passed_over
        Files read, and files of no known format.
    columns
        For tables, a readable account of which column was read as which field.
    playlists, pairs, rows
    repeated_tracks
        Rows that repeat a track of the same playlist.
    disputed_tracks
        Tracks that tables list with more than one main artist; the first counts.
    ordered_playlists
        Playlists whose track order is taken as meaningful.
    order_unknown : dict of str to int
        Why the order of the other playlists is not known, and of how many.
    named
        Tracks that a table of names describes.
    known_by_id
        Songs without an id that another file has under one, and that were taken for it.
    merged
        Playlists with rows in several places of a table, or in several of its files, where these
        may be different playlists of one name.
    told_apart
        Playlists whose name another one has as well: they got a number, as in ``"mix (2)"``.
    set_aside : dict of str to int
        What was left out though nothing is wrong with it, by kind: ``{"local file": 12}``.
    skipped, first_skipped
        Number of bad records, and the location and fault of the first.
    skipped_tracks
        How many of them are single tracks of playlists that were kept without them.
    unreadable : dict of str to str
        Files that were passed over because they cannot be read, or are no tables of playlists, and
        why.
    guessed : dict of str to str
        Files that are not in UTF-8 and do not say in what, and the encoding that they were read in.
    fingerprint
        SHA-256 over the contents of the files read.
    """

    form: str = ""
    files: int = 0
    passed_over: int = 0
    columns: str = ""
    playlists: int = 0
    pairs: int = 0
    rows: int = 0
    repeated_tracks: int = 0
    disputed_tracks: int = 0
    ordered_playlists: int = 0
    order_unknown: Mapping[str, int] = field(default_factory=dict)
    named: int = 0
    known_by_id: int = 0
    merged: int = 0
    told_apart: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    first_skipped: str = ""
    skipped_tracks: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)
    guessed: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""


def rejecting(aside: IO[str] | None, report: ReadReport, *, skip: bool) -> Reject:
    """What to do with a bad record: raise InputError, or with `skip` count and record it."""

    def reject(
        file: str, record: str, reason: str, content: str | None, /, *, track: bool = False
    ) -> None:
        message = _message(file, record, reason)
        if not skip:
            raise InputError(message)
        report.skipped += 1
        report.skipped_tracks += track
        report.first_skipped = report.first_skipped or message
        if aside is not None:
            entry = {"file": file, "record": record, "reason": reason, "content": content}
            aside.write(json.dumps(entry, ensure_ascii=False) + "\n")

    return reject


class Rejection(NamedTuple):
    """A bad record that was skipped: what a `Reject` is told."""

    file: str
    record: str
    reason: str
    content: str | None
    track: bool


def recording(rejections: list[Rejection], *, skip: bool) -> Reject:
    """What to do with a bad record elsewhere: raise InputError, or with `skip` note it."""

    def reject(
        file: str, record: str, reason: str, content: str | None, /, *, track: bool = False
    ) -> None:
        if not skip:
            raise InputError(_message(file, record, reason))
        rejections.append(Rejection(file, record, reason, content, track))

    return reject


def _message(file: str, record: str, reason: str) -> str:
    return printable(f"{file}: {record}: {shorten(reason)}")


def listed(set_aside: Mapping[str, int]) -> str:
    """What was set aside, in words: ``"12 local files, 1 episode"``."""
    return ", ".join(count(number, what) for what, number in set_aside.items())


def either(names: Sequence[str], word: str) -> str:
    """``"a, b or c"``, each once."""
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} {word} {last}" if others else last
