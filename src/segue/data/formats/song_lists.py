"""Lists of songs in plain text: a link, a URI or "Artist - Title" on each line.

What people paste: from Spotify's desktop app (select, copy: a link for each song), from a message,
from a page of a book. Numbers before the lines and durations after them are passed over; lines that
begin with ``#`` are remarks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from segue.data.formats.columns import names_columns
from segue.data.formats.m3u import one_playlist
from segue.data.formats.songs import (
    artists_of,
    identified,
    no_song,
    song,
    song_of_line,
)
from segue.data.records import ENCODED, Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.sources import SourceFile
from segue.data.text import spotify_uri

_TABLES = (".csv", ".tsv", ".inter", ".data", ".dat", ".json", ".jsonl", ".md", ".html", ".xml")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[^\s,;|]+")
_CELLS = re.compile(r"\t|::|;|\|")
_REMARK = re.compile(r"#(?!\d)")  # "#1 Crush" is a song
_BY = re.compile(r"(?P<title>.+?),?\s+by\s+(?P<artist>.+)", re.IGNORECASE)
_MOST = 0.8  # Share of the lines that must look like songs in a file that is not said to be a list.


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not _REMARK.match(line)]


def _is_link(line: str) -> bool:
    return bool(spotify_uri(line) or no_song(line) or _URI.fullmatch(line))


def _recognises(file: SourceFile) -> bool:
    """Whether most lines are links or "Artist - Title"; alone, also titles, if it is no table."""
    text = file.start
    if "\0" in text or text.lstrip()[:1] in ("{", "[", "<"):
        return False
    lines = _lines(text)
    if not lines or names_columns(lines[0].split(",")):
        return False
    if sum(map(_is_link, lines)) >= _MOST * len(lines):
        return True
    if file.ending in _TABLES or sum(bool(_CELLS.search(line)) for line in lines) * 2 > len(lines):
        return False
    if _all_by(lines):
        return True
    songs = sum(bool(song_of_line(line)[1]) or _is_link(line) for line in lines)
    if songs >= _MOST * len(lines) and (file.alone or len(lines) > 1):
        return True
    # A list of titles: nothing but its being given by itself says that it is one.
    in_words = sum(bool(re.search(r"[^\W\d]", line)) for line in lines)
    even = len({line.count(",") for line in lines}) == 1 and "," in lines[0]
    said = file.alone and file.ending in ("", ".txt")
    return said and in_words * 2 > len(lines) and not even


def _all_by(lines: list[str]) -> bool:
    """Whether every line is "Title by Artist"; one alone may be "Stand by Me"."""
    return len(lines) > 1 and all(_BY.fullmatch(line) for line in lines)


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    lines = _lines(file.text())
    by = _all_by(lines)
    yield from one_playlist(file, [_entry(line, by=by) for line in lines])


def _entry(line: str, *, by: bool) -> Track | SetAside:
    if what := no_song(line):
        return SetAside(what)
    if _is_link(line):
        track_id, aliases = identified([line])
        if track_id is None and not aliases:
            return SetAside("other link")
        return song("", track_id=track_id or aliases[0], aliases=aliases)
    title, artists = song_of_line(line)
    if by and not artists and (match := _BY.fullmatch(title)):
        title, artists = match["title"].strip(' "“”'), artists_of(match["artist"])
    return song(title, artists) if title else SetAside("nameless track")


SONG_LISTS = Format("lists of songs", _recognises, _read, named=True, options=ENCODED)
