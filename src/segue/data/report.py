"""What reading met, and what becomes of bad records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO

from segue.data.records import Reject
from segue.data.text import shorten
from segue.errors import InputError


@dataclass
class ReadReport:
    """What reading met.

    Of whole playlists, ``playlists + skipped`` is the number of records (a file that breaks off
    counts as one record from the break on). Of tables, ``rows`` counts all rows, and
    ``pairs + repeated_tracks + skipped`` is their number (what follows a break counts as one,
    rows without any value not at all).

    Attributes
    ----------
    form
        What the source was: the name of its format.
    files, passed_over
        Files read, and files of no known form.
    columns
        Of tables, what was taken as what, for people.
    playlists, pairs, rows
    repeated_tracks
        Rows beyond the first of a track in its playlist.
    disputed_tracks
        Tracks of tables that came with more than one main artist; the first counts.
    ordered_playlists
        Playlists in which the order of the tracks is taken to mean something.
    skipped, first_skipped
        Bad records, and where the first is and what is wrong with it.
    fingerprint
        Of what was read: SHA-256 of the contents of the files.
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
    skipped: int = 0
    first_skipped: str = ""
    fingerprint: str = ""


def rejecting(aside: IO[str] | None, report: ReadReport, *, skip: bool) -> Reject:
    """What to do with a bad record: raise InputError, or with `skip` count it and write it down."""

    def reject(file: str, record: str, reason: str, content: str | None) -> None:
        message = f"{file}: {record}: {shorten(reason)}"
        if not skip:
            raise InputError(message)
        report.skipped += 1
        report.first_skipped = report.first_skipped or message
        if aside is not None:
            entry = {"file": file, "record": record, "reason": reason, "content": content}
            aside.write(json.dumps(entry, ensure_ascii=False) + "\n")

    return reject
