"""Tables without a header: whether one is missing, and what their cells give away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from segue.data.formats.header_names import KNOWN, bare_name, key_of
from segue.data.records import TableOptions

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
# What is in a row of values and not the name of a column: a number, a date, a long hash or a UUID.
_VALUE = re.compile(
    r"-?\d+(\.\d+)?([eE][-+]?\d+)?|\d{4}-\d\d-\d\d.*|\d\d [A-Z][a-z]{2} \d{4}.*|"
    r"[0-9a-f]{32,}|[0-9a-f-]{36}"
)
MSD_SONG = re.compile("SO[A-Z0-9]{16}")  # of the Million Song Dataset
_ANY, _MBID = (
    re.compile(".*", re.DOTALL),
    re.compile("([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?"),
)
_TIME, _COUNT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*"), re.compile(r"\d+")
OF_ARTISTS = {"playlist": 0, "track": 2, "plays": 3}
# Tables that their cells give away.
_LAYOUTS: tuple[tuple[tuple[re.Pattern[str], ...], dict[str, int]], ...] = (
    # Yoochoose: session, time, item, category.
    ((_ANY, _TIME, _ANY), {"playlist": 0, "position": 1, "track": 2}),
    ((_ANY, _TIME, _ANY, _ANY), {"playlist": 0, "position": 1, "track": 2}),
    # Taste Profile: user, song, plays.
    (
        (_ANY, MSD_SONG, _COUNT),
        {"playlist": 0, "track": 1, "plays": 2},
    ),
    # Last.fm 1K: user, time, artist's MusicBrainz id, artist, track's MusicBrainz id, track.
    (
        (_ANY, _TIME, _MBID, _ANY, _MBID, _ANY),
        {"playlist": 0, "position": 1, "artist": 3, "mbid": 4, "track_name": 5},
    ),
    # One person's scrobbles: artist, album, track, time.
    (
        (_ANY, _ANY, _ANY, re.compile(r"\d\d [A-Z][a-z]{2} \d{4},? \d\d:\d\d")),
        {"artist": 0, "album_name": 1, "track_name": 2, "position": 3},
    ),
    # Rockbox' .scrobbler.log: artist, album, track, its number, its length, L or S, time, id.
    (
        (_ANY, _ANY, _ANY, _ANY, _ANY, re.compile("[LS]"), _COUNT, _MBID),
        {"artist": 0, "album_name": 1, "track_name": 2, "position": 6, "mbid": 7},
    ),
    # Last.fm 360K: user, artist's MusicBrainz id, artist, plays. The artists are the tracks.
    ((_ANY, _MBID, _ANY, _COUNT), OF_ARTISTS),
)
_FEWEST_COUNTED = 3  # Rows whose first cells count, from which these are an index.


def looks_like_header(cells: list[str], options: TableOptions) -> bool:
    """Whether the first row of a text holds names of columns.

    It does if one of them is known or was given. Otherwise it does not if one is a value, such as a
    number or a date, or if columns were given by number.
    """
    if options.header is not None:
        return options.header
    names = {*cells, *map(bare_name, cells)}
    given = {
        part
        for column in (*options.columns.values(), *options.at_least)
        for part in (column, *column.split("+"))
        if part
    }
    stated_names = {name for name in given if not name.isdecimal()}
    if all(map(_NUMBER.fullmatch, cells)):
        return False
    if names & stated_names or any(key_of(cell) in KNOWN for cell in cells):
        return True
    if any(map(_VALUE.fullmatch, cells)):
        return False
    return stated_names != set() or not given


def known_layout(sample: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """The fields of rows that their cells give away; None if they do not."""
    width = len(sample[0]) if sample else 0
    columns = list(zip(*(row for row in sample if len(row) == width), strict=True))
    found = None
    for layout, fields in _LAYOUTS:
        if len(layout) == width and all(
            all(map(pattern.fullmatch, column))
            for pattern, column in zip(layout, columns, strict=True)
        ):
            found = fields
    return found


def by_place(
    wanted: Mapping[str, str],
    column_index: Mapping[str, int],
    width: int,
    sample: Sequence[Sequence[str]],
) -> tuple[dict[str, int], bool]:
    """The fields of a table without a header, where not stated; whether it is a history."""
    rows = [row for row in sample if len(row) == width]
    known = None if wanted else known_layout(rows)
    # As in MovieLens: playlist, track, and numbers about the pair; an index may precede them.
    first = int(width > 2 and _counts([row[0] for row in rows]))
    found = dict(known or {"playlist": first, "track": first + 1})
    listens = known is not None and "position" in known and "artist" in known
    if "track_name" in column_index:
        found.pop("track", None)
    taken = {*column_index.values()}
    free = {
        name: at
        for name, at in found.items()
        if name not in wanted and at < width and at not in taken
    }
    return free, listens


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells count the rows from 0 or 1."""
    start = cells[0] if cells else ""
    return (
        len(cells) >= _FEWEST_COUNTED
        and start in ("0", "1")
        and list(cells) == [str(int(start) + row) for row in range(len(cells))]
    )
