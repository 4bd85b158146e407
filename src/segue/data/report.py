"""What was read, and what happens to bad records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO

from segue.data.records import Reject
from segue.data.text import shorten
from segue.errors import InputError


@dataclass
class ReadReport:
    """What was read.

    For whole playlists, ``playlists + skipped`` is the number of records (in a truncated file,
    everything after the break counts as one record). For tables, ``rows`` counts all rows, and
    equals ``pairs + repeated_tracks + skipped`` (everything after a break counts as one row, empty
    rows are not counted).

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
    skipped, first_skipped
        Number of bad records, and the location and fault of the first.
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
    skipped: int = 0
    first_skipped: str = ""
    fingerprint: str = ""


def rejecting(aside: IO[str] | None, report: ReadReport, *, skip: bool) -> Reject:
    """What to do with a bad record: raise InputError, or with `skip` count and record it."""

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
