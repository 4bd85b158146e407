"""Lists of songs in plain text: a link, a URI or "Artist - Title" on each line.

What people paste: from Spotify's desktop app (select, copy: a link for each song) or its page
(title, artist, album and length on lines of their own), from a message or a chat, from a book.
Numbers before the lines and durations after them are passed over; lines that begin with ``#`` are
remarks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from segue.data.formats.header_names import names_columns
from segue.data.formats.m3u import one_playlist
from segue.data.formats.songs import (
    artists_of,
    identified,
    no_song,
    song,
    song_of_line,
)
from segue.data.records import ENCODED, Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile
from segue.data.text import spotify_uri

_TABLES = (".csv", ".tsv", ".inter", ".data", ".dat", ".json", ".jsonl", ".md", ".html", ".xml")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[^\s,;|]+")
_LINK = re.compile(r"https?://[^\s)\]>]+|spotify:[a-z]+:[0-9A-Za-z:%+._-]+")
_MARKDOWN = re.compile(r"\[([^\]]*)\]\(\s*\)")  # "[text](link)" without its link
_CELLS = re.compile(r"\t|::|;|\|")
_REMARK = re.compile(r"#(?!\d)")  # "#1 Crush" is a song
_BY = re.compile(r"(?P<title>.+),?\s+by\s+(?P<artist>.+)", re.IGNORECASE)
_MOST = 0.8  # Share of the lines that must look like songs in a file that is not said to be a list.
# "[12.05.24, 10:13:12] Ann: ", "5/12/24, 10:13 - Ann: "
_CHAT = re.compile(
    r"\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?\]?(?: -)? "
    r"[^:]{1,40}: "
)
_COUNTED = re.compile(r"(\d{1,4})\s+(?=\S)")
_LENGTH = re.compile(r"(?:\d{1,2}:)?\d{1,2}:\d{2}")
# What may stand between artist and title where no line has a dash, the clearest first.
_BETWEEN = (r"\t", r"\s*\|\s*", r"\s+/\s+", r"\s*;\s*", r":\s+", r",\s+")


def _lines(text: str) -> list[str]:
    """The lines that may be songs, without what chats and lists put before them."""
    stripped = (line.strip() for line in text.splitlines())
    lines = [line for line in stripped if line and not _REMARK.match(line)]
    said = [_CHAT.match(line) for line in lines]
    if sum(map(bool, said)) >= _MOST * len(lines):
        lines = [line[m.end() if m else 0 :] for line, m in zip(lines, said, strict=True)]
    numbers = [_COUNTED.match(line) for line in lines]
    counted = [int(match[1]) if match else -1 for match in numbers]
    first = counted[0] if counted else -1
    if len(lines) > 1 and first in (0, 1) and counted == [*range(first, first + len(lines))]:
        return [line[m.end() if m else 0 :] for line, m in zip(lines, numbers, strict=True)]
    return lines


def _is_link(line: str) -> bool:
    return bool(spotify_uri(line) or no_song(line) or _URI.fullmatch(line) or _links(line))


def _links(line: str) -> list[str]:
    """The Spotify tracks that a line links to, or what else it does."""
    return [link for link in _LINK.findall(line) if spotify_uri(link) or no_song(link)]


def _recognises(file: SourceFile) -> bool:
    """Whether most lines are links or "Artist - Title"; alone, titles too, unless it is a table."""
    text = file.start
    if not text or "\0" in text or text.lstrip()[:1] in ("{", "<"):
        return False
    lines = _lines(text)
    if not lines or any(names_columns(re.split(cut, lines[0])) for cut in (",", ";", "\t", r"\|")):
        return False
    if text.lstrip()[:1] == "[" and not _CHAT.match(text.lstrip()):
        return False
    if sum(map(_is_link, lines)) >= _MOST * len(lines):
        return True
    if file.ending in _TABLES:
        return False
    said = file.alone and file.ending in ("", ".txt")
    if said and (_records(lines) or _separator(lines)):
        return True
    if sum(bool(_CELLS.search(line)) for line in lines) * 2 > len(lines):
        return False
    if _all_by(lines):
        return True
    songs = sum(bool(song_of_line(line)[1]) or _is_link(line) for line in lines)
    if songs >= _MOST * len(lines) and (file.alone or len(lines) > 1):
        return True
    # A list of titles: nothing but its being given by itself says that it is one.
    in_words = sum(bool(re.search(r"[^\W\d]", line)) for line in lines)
    even = len({line.count(",") for line in lines}) == 1 and "," in lines[0]
    return said and in_words * 2 > len(lines) and not even


def _all_by(lines: list[str]) -> bool:
    """Whether every line is "Title by Artist"; one alone may be "Stand by Me"."""
    return len(lines) > 1 and all(_BY.fullmatch(line) for line in lines)


def _separator(lines: Sequence[str]) -> re.Pattern[str] | None:
    """What stands between artist and title in nearly every line, once; None if nothing does."""
    if len(lines) < 2 or any(song_of_line(line)[1] for line in lines if "\t" not in line):
        return None
    for pattern in _BETWEEN:
        cuts = [re.split(pattern, line) for line in lines]
        whole = [cut for cut in cuts if len(cut) == 2 and all(_worded(part) for part in cut)]
        if len(whole) >= _MOST * len(lines):
            return re.compile(pattern)
    return None


def _worded(part: str) -> bool:
    return bool(re.search(r"[^\W_]", part))


def _records(lines: Sequence[str]) -> list[list[str]]:
    """Title, artist and album of songs that take several lines each, and end with their length."""
    records: list[list[str]] = [[]]
    for line in lines:
        if _LENGTH.fullmatch(line):
            records.append([])
        elif not (line.isdecimal() and not records[-1]) and line not in ("E", "Explicit"):
            records[-1].append(line)
    rest = records.pop()
    whole = not rest and len(records) > 1 and all(2 <= len(record) <= 4 for record in records)
    return records if whole else []


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    lines = _lines(file.text())
    if records := _records(lines):
        entries: list[Track | SetAside] = [
            song(record[0], re.split(r",\s+", record[1]), record[2] if len(record) > 2 else None)
            for record in records
        ]
    else:
        by, separator = _all_by(lines), _separator(lines)
        entries = [one for line in lines for one in _entries(line, separator, by=by)]
    yield from one_playlist(file, entries)


def _entries(
    line: str, separator: re.Pattern[str] | None, *, by: bool
) -> Iterator[Track | SetAside]:
    links = _links(line)
    if len(links) > 1:
        yield from map(song_or_link, links)
        return
    parts = separator.split(line, maxsplit=1) if separator is not None and not links else []
    if len(parts) == 2:
        title = parts[1].strip()
        yield song(title, artists_of(parts[0])) if title else SetAside("nameless track")
    else:
        yield song_or_link(line, by=by)


def song_or_link(line: str, *, by: bool = False) -> Track | SetAside:
    """The song of a line, or what it is instead; `by` says that it may be "Title by Artist"."""
    if what := no_song(line):
        return SetAside(what)
    found = _LINK.search(line)
    words = line
    if found and found[0] != line:  # "Queen - Innuendo https://…", "[Innuendo](https://…) by Queen"
        words = _MARKDOWN.sub(r"\1", _LINK.sub("", line)).strip(" -–—:()<>\t")
    elif _is_link(line):
        words = ""
    track_id, aliases = (
        identified([found[0] if found else line]) if found or not words else (None, ())
    )
    title, artists = song_of_line(words)
    if (by or found) and not artists and (match := _BY.fullmatch(title)):
        title, artists = match["title"].strip(' "“”'), artists_of(match["artist"])
    if track_id or aliases:
        return song(title, artists, track_id=track_id or aliases[0], aliases=aliases)
    if not title:
        return SetAside(
            "other link" if _LINK.search(line) or _URI.fullmatch(line) else "nameless track"
        )
    return song(title, artists)


SONG_LISTS = Format("lists of songs", _recognises, _read, named=True, options=ENCODED)
