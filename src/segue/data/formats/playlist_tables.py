"""Tables that are one playlist each, named after their file: Exportify's, Soundiiz', Apple Music's.

Exportify (https://github.com/watsonbox/exportify, https://exportify.net) writes a CSV for each
playlist, with ``Track URI``, ``Track Name``, ``Artist URI(s)``, ``Artist Name(s)``, ``Album URI``,
``Album Name``, …, ``ISRC``, ``Added By``, ``Added At``, or with ``Spotify ID``, ``Artist IDs``,
``Track Name``, ``Album Name``, ``Artist Name(s)``, …. Between several artists stands ``", "``,
``","`` or ``";"``; a comma in a name is written ``\\,`` by some versions only. The header may be in
another language: columns of URIs are told by what is in them, names stand to the right of them.

A table with a column for the playlist, or for something unknown that may be it, is not of this
kind.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from segue.console import count
from segue.data.formats.header_names import FIELDS, TIMES, is_translated, key_of, names_columns
from segue.data.formats.m3u import one_playlist
from segue.data.formats.songs import alias_of, no_song, song
from segue.data.records import ENCODED, Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile
from segue.data.text import spotify_uri


class _Reader(Protocol):
    """Python's reader of cells."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


# Roles and the names of their columns, without case, spaces and punctuation, the likeliest first.
_NAMES = {
    "uri": ("trackuri", "spotifyuri", "spotifyid", "spotifytrackid", "uri", "trackid"),
    "title": ("trackname", "tracktitle", "songname", "songtitle", "title", "name", "track", "song"),
    "artist": ("artistnames", "artistname", "artistname1", "artists", "artist"),
    "artist_id": ("artisturis", "artistids", "artisturi", "artistid"),
    "album": ("albumname", "albumtitle", "album"),
    "album_id": ("albumuri", "albumid"),
    "isrc": ("isrc", "isrccode"),
}
_PLAYLIST = {"playlistname", "playlisttitle", *FIELDS["playlist"]}
# Of a listening history, unless the songs were added to something.
_HEARD = {*TIMES, "plays", "playcount", "count", "listens"}
_ADDED = {"addedat", "dateadded", "addedby", "location"}
# What else may be said about a song. Any other column may be what the playlist is called.
_FACT = re.compile(
    r"(album|artist|disc|track|release|duration|time|length|year|genre|label|record|copyright|isrc|"
    r"ean|upc|explicit|popularity|preview|link|url|image|cover|added|date|last|plays$|skips$|size|"
    r"bit|sample|kind|format|composer|work$|movement|grouping|comments?$|volume|equali|rating|"
    r"loved|myrating|location|tag|video|bpm|tempo|key$|mode$|energy|dance|loud|speech|acoustic|instrumental|live|"
    r"valence|spotify|apple|deezer|tidal|youtube|no$|nr$|number|index|position|$)"
)
_EMPTY = (["trackuri", "trackname"], ["spotifyid", "artistids"])
_LENGTH = re.compile(r"(\d{1,2}:)?\d{1,3}:\d\d|")
_KINDS = {"uri": "track", "artist_id": "artist", "album_id": "album"}
_ENDINGS = (".csv", ".tsv", ".txt")
# A comma that a backslash protects is part of a name.
_COMMA_SPACE, _COMMA = re.compile(r"(?<!\\),\s+"), re.compile(r"(?<!\\),")
_SUFFIX = re.compile(r"(the |jr\b|sr\b)", re.IGNORECASE)  # of a name, after a comma
_COMMA_ALONE = re.compile(r"(?<!\\),(?!\s)")


@dataclass(frozen=True)
class _Layout:
    """Which column is what; the playlist's title, if the table says it, is in column `named`."""

    delimiter: str
    width: int
    columns: dict[str, int]
    named: int | None = None

    def cell(self, row: Sequence[str], role: str) -> str:
        at = self.columns.get(role)
        """The cell of a role; empty if there is none."""
        return "" if at is None else row[at].strip()


def _layout(text: str, *, whole: bool) -> _Layout | None:
    """The layout of a table from its beginning; None if it is not of this kind."""
    text = text[_untitled(text) :]
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = _readable(_rows(text, delimiter))
    header = next(rows, [""])
    sample = [row for _, row in zip(range(50), rows, strict=False) if len(row) == len(header)]
    if not whole and len(sample) > 1:
        sample.pop()  # It may be cut off.
    keys = [key_of(name) for name in header]
    if len(header) < 2:
        return None
    if not sample:  # An empty playlist is recognised only by Exportify's own header.
        return _Layout(delimiter, len(header), {}) if whole and keys[:2] in _EMPTY else None
    columns = _by_content(header, sample)
    named = None
    of_exportify = "uri" in columns and "artist_id" in columns
    if of_exportify:
        # Exportify writes the name of the playlist before everything else.
        before = {row[0].strip() for row in sample}
        if columns["uri"] == 1 and keys[0] not in ("", "index", "id"):
            if len(before) > 1:
                return None
            named = 0
    for role, names in _NAMES.items():
        free = ["" if at in (*columns.values(), named) else key for at, key in enumerate(keys)]
        found = next((name for name in names if name in free), None)
        if found is not None and role not in columns:
            columns[role] = free.index(found)
    for role, beside in (("title", "uri"), ("artist", "artist_id"), ("album", "album_id")):
        # In another language, a name stands to the right of what identifies it.
        at = columns.get(beside, -2) + 1
        if role not in columns and at < len(header) and at not in (*columns.values(), -1):
            columns[role] = at
    other = _PLAYLIST - {"playlist"} if named is not None else _PLAYLIST
    if other & set(keys) or not {"title", "artist"} <= set(columns):
        return None
    heard = {key for at, key in enumerate(keys) if key in _HEARD and not _lengths(sample, at)}
    if heard and not _ADDED & set(keys):
        return None
    # What the other columns of a header in another language are called, nobody knows.
    translated = all(is_translated(header[columns[role]]) for role in ("title", "artist"))
    if not of_exportify and not translated:
        rest = [key for at, key in enumerate(keys) if at not in columns.values()]
        if not all(_FACT.match(key) for key in rest):
            return None
    # A `title` beside a `track` is a playlist's.
    if {"title", "track"} <= set(keys) or {"title", "trackname"} <= set(keys):
        return None
    return _Layout(delimiter, len(header), columns, named)


def _lengths(sample: list[list[str]], at: int) -> bool:
    """Whether a column says how long songs are."""
    return all(_LENGTH.fullmatch(row[at].strip()) for row in sample)


def _by_content(header: list[str], sample: list[list[str]]) -> dict[str, int]:
    """Columns that hold nothing but Spotify's URIs of a kind."""
    columns: dict[str, int] = {}
    for at in range(len(header)):
        cells = [row[at].strip() for row in sample if row[at].strip()]
        for role, kind in _KINDS.items():
            if cells and role not in columns and all(_holds(cell, kind) for cell in cells):
                columns[role] = at
    return columns


def _holds(cell: str, kind: str) -> bool:
    """Whether a cell holds URIs of a kind, written as such: bare ids are of any kind."""
    if ":" not in cell:
        return False
    if kind == "track" and no_song(cell):
        return True
    return all(spotify_uri(uri, kind) for uri in re.split(r"\s*[,;]\s*", cell))


def _untitled(text: str) -> int:
    """Where the table begins: Shazam writes a title above it."""
    first, _, rest = text.partition("\n")
    second = rest.partition("\n")[0]
    alone = not any(delimiter in first for delimiter in ",;\t") and first.strip()
    return len(first) + 1 if alone and names_columns(second.split(",")) else 0


def _rows(text: str, delimiter: str) -> _Reader:
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)


def _readable(rows: _Reader) -> Iterator[list[str]]:
    """The rows that Python's reader takes."""
    while True:
        try:
            yield next(rows)
        except csv.Error:
            continue
        except StopIteration:
            return


def _recognises(file: SourceFile) -> bool:
    if not (file.alone or file.ending in _ENDINGS) or file.head[:1] in (b"{", b"<"):
        return False
    text = file.start
    return "\0" not in text and _layout(text, whole=file.size <= len(file.head)) is not None


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    text = file.text()
    text = text[_untitled(text) :]
    layout = _layout(text, whole=True)
    if layout is None:
        reject(file.name, "whole file", "is not a table of tracks and artists throughout", None)
        return
    rows = list(_sound_rows(file, text, layout, reject))
    separator = _separator(rows, layout)
    known = _known_names(rows, layout)
    entries = [_track(row, layout, separator, known) for row in rows]
    title = rows[0][layout.named].strip() if rows and layout.named is not None else ""
    yield from one_playlist(file, entries, title)


def _sound_rows(
    file: SourceFile, text: str, layout: _Layout, reject: Reject
) -> Iterator[list[str]]:
    reader = _rows(text, layout.delimiter)
    next(reader)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reject(file.name, f"line {line}", f"is not cells ({error})", None, track=True)
            continue
        if len(row) == layout.width:
            if any(cell.strip() for cell in row):
                yield row
        elif row:
            reason = f"has {count(len(row), 'cell')}, expected {layout.width}"
            reject(file.name, f"line {line}", reason, layout.delimiter.join(row), track=True)


def _separator(rows: list[list[str]], layout: _Layout) -> re.Pattern[str] | None:
    """What separates artists if nothing says how many there are; None: nothing does."""
    cells = [layout.cell(row, "artist") for row in rows]
    if any(";" in cell for cell in cells):
        return re.compile(";")
    return _COMMA_SPACE if any("\\," in cell for cell in cells) else None


def _known_names(rows: list[list[str]], layout: _Layout) -> dict[str, str]:
    """The names of artists, by id, as the rows tell that name only one."""
    names = {}
    for row in rows:
        ids = _ids(layout.cell(row, "artist_id"))
        if len(ids) == 1:
            names[ids[0]] = layout.cell(row, "artist").replace("\\,", ",")
    return names


def _ids(cell: str) -> list[str]:
    """The artists' URIs in a cell."""
    found = [part.strip() for part in re.split("[,;]", cell) if part.strip()]
    return [spotify_uri(part, "artist") or f"spotify:artist:{part}" for part in found]


def _track(
    row: list[str], layout: _Layout, separator: re.Pattern[str] | None, known: dict[str, str]
) -> Track | SetAside:
    uri, title = layout.cell(row, "uri"), layout.cell(row, "title")
    if what := no_song(uri):
        return SetAside(what)
    if not title:
        return SetAside("removed track")
    ids = _ids(layout.cell(row, "artist_id"))
    names = _names(layout.cell(row, "artist"), ids, separator, known)
    artists = list(zip(ids, names, strict=True)) if len(ids) == len(names) else names
    album, album_id = layout.cell(row, "album"), layout.cell(row, "album_id")
    alias = alias_of(layout.cell(row, "isrc"))
    return song(
        title,
        artists,
        (spotify_uri(album_id, "album") or album_id, album) if album_id and album else album,
        track_id=spotify_uri(uri) or (uri if ":" in uri else None),
        aliases=[alias] if alias else [],
    )


def _names(
    cell: str, ids: list[str], separator: re.Pattern[str] | None, known: dict[str, str]
) -> list[str]:
    """The artists' names in a cell, as many as there are ids, if that is known."""
    if not ids:
        parts = [cell] if separator is None else separator.split(cell)
    elif len(ids) == 1:
        parts = [cell]
    else:
        ways = [
            pattern.split(cell) for pattern in (re.compile(";"), _COMMA_ALONE, _COMMA_SPACE, _COMMA)
        ]
        parts = next((way for way in ways if len(way) == len(ids)), [])
        if not parts:
            parts = _joined(_COMMA.split(cell), ids, known)
    return [part.replace("\\,", ",").strip() for part in parts if part.strip()]


def _joined(parts: list[str], ids: list[str], known: dict[str, str]) -> list[str]:
    """Parts between commas as the names of fewer artists: "Tyler, The Creator, Kali Uchis".

    A name that another row confirms is taken as it is; else "The …" and "Jr." belong to what
    precedes them. The last artist gets what is left.
    """
    names: list[str] = []
    rest = [part.strip() for part in parts]
    while len(names) < len(ids) - 1 and rest:
        name = known.get(ids[len(names)], "")
        length = name.count(",") + 1
        if not name or ", ".join(rest[:length]) != name:
            length = 1
            while length < len(rest) - 1 and _SUFFIX.match(rest[length]):
                length += 1
        names.append(", ".join(rest[:length]))
        rest = rest[length:]
    return [*names, ", ".join(rest)]


PLAYLIST_TABLES = Format(
    "tables of one playlist each",
    _recognises,
    _read,
    named=True,
    certain=True,
    options=ENCODED,
)
