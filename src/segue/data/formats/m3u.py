"""M3U, M3U8 and PLS: the lists of Winamp and its successors, which nearly all players write.

Neither has a standard. In an M3U each line is a location: a path, an address or a Spotify URI.
Before it ``#EXTINF:<seconds>,<artist> - <title>`` may say what is there, ``#EXTART`` and
``#EXTALB`` artist and album; ``#PLAYLIST`` is the title of the list. A PLS is a section of
``File1=``, ``Title1=`` and so on. If a file says nothing more, the path names the song:
``artist/album/01 title.mp3``. After ``#SEGUE-NO-FILE`` it is a mere name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from segue.data.formats.own import track_of_note
from segue.data.formats.songs import (
    artists_of,
    identified,
    is_stream,
    location_of,
    no_song,
    song,
    song_of_line,
    song_of_path,
)
from segue.data.records import ENCODED, Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile
from segue.data.text import fold

# After the length there may be attributes: #EXTINF:123 tvg-id="x",Queen - Innuendo
_INFO = re.compile(r'\s*-?[\d.]*(?:\s+[\w-]+=(?:"[^"]*"|[^\s,"]*))*\s*,?(.*)')
_PLS_LINE = re.compile(r"\s*(File|Title)(\d{1,9})\s*=(.*)", re.IGNORECASE)


@dataclass
class _Entry:
    """What a list says about one location."""

    label: str = ""
    artist: str = ""
    album: str = ""
    note: str = ""
    without_file: bool = False

    def turned(self, location: str) -> int:
        """1 if path and label agree that the title comes first, −1 if the artist does, else 0."""
        title, artists = song_of_line(self.label)
        path_title, path_artists, _ = song_of_path(location)
        if not artists or is_stream(location):
            return 0
        label = fold(artists[0]), fold(title)
        path = fold(path_artists[0]) if path_artists else None, fold(path_title)
        if label[0] == path[0] or label[1] == path[1]:
            return -1
        return int(label[1] == path[0] or label[0] == path[1])

    def track(
        self, location: str, folder: Path | None, *, turned: bool = False
    ) -> Track | SetAside:
        """The song, or what it is instead; `folder` is that of the list.

        `turned` says that its title comes before its artist.
        """
        place = None if self.without_file else location_of(location, folder)
        if self.note and (noted := track_of_note(self.note)):
            return msgspec.structs.replace(noted, location=place)
        if what := no_song(location):
            return SetAside(what)
        title, artists = song_of_line(self.label)
        if turned and artists:
            title, artists = self.label[: -len(title)].rstrip(" -–—"), artists_of(title)
        track_id, aliases = identified([location])
        if track_id is None and not is_stream(location):
            path_title, path_artists, path_album = song_of_path(location)
            title = title or path_title
            artists = artists or path_artists
            self.album = self.album or path_album
        elif not artists and is_stream(location) and track_id is None:
            return SetAside("stream")
        artists = artists_of(self.artist) or artists
        if not title and track_id is None:
            return SetAside("nameless track")
        return song(title, artists, self.album, track_id=track_id, aliases=aliases, location=place)


def _read_m3u(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    text = file.text()
    if "#EXT-X-TARGETDURATION" in text or "#EXT-X-STREAM-INF" in text:
        reject(file.name, "whole file", "is a stream cut into segments, expected songs", None)
        return
    playlist_id = title = ""
    places: list[tuple[_Entry, str]] = []
    entry = _Entry()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if not line.strip():
            continue
        if not line.startswith("#"):
            places.append((entry, line.strip()))
            entry = _Entry()
        elif name == "#EXTINF" and (match := _INFO.fullmatch(value)):
            entry.label = match[1].strip()
        elif name == "#EXTART":
            entry.artist = value.strip()
        elif name == "#EXTALB":
            entry.album = value.strip()
        elif name == "#PLAYLIST":
            title = value.strip()
        elif name == "#SEGUE-PLAYLIST":
            playlist_id = value.strip()
        elif name == "#SEGUE-TRACK":
            entry.note = value
        elif name == "#SEGUE-NO-FILE":
            entry.without_file = True
    # iTunes writes "title - artist".
    turned = sum(entry.turned(place) for entry, place in places) > 0
    entries = [entry.track(place, file.folder, turned=turned) for entry, place in places]
    yield from one_playlist(file, entries, title, playlist_id)


def _read_pls(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    found: dict[int, dict[str, str]] = {}
    for line in file.text().splitlines():
        if match := _PLS_LINE.fullmatch(line):
            found.setdefault(int(match[2]), {})[match[1].lower()] = match[3].strip()
    entries = [
        _Entry(facts.get("title", "")).track(facts.get("file", ""), file.folder)
        for _, facts in sorted(found.items())
    ]
    yield from one_playlist(file, entries)


def one_playlist(
    file: SourceFile, entries: list[Track | SetAside], title: str = "", playlist_id: str = ""
) -> Iterator[tuple[str, Playlist] | SetAside]:
    """The only playlist of a file, which is called as the file unless it says otherwise."""
    tracks = [entry for entry in entries if isinstance(entry, Track)]
    yield from (entry for entry in entries if isinstance(entry, SetAside))
    if tracks:
        title = title or file.stem
        yield "whole file", Playlist(playlist_id or file.stem, title, tracks)
    else:
        yield SetAside("empty playlist")


M3U = Format(
    "M3U playlists",
    lambda file: (
        file.ending in (".m3u", ".m3u8") or file.start[:100].lstrip().upper().startswith("#EXTM3U")
    ),
    _read_m3u,
    named=True,
    certain=True,
    options=ENCODED,
)
PLS = Format(
    "PLS playlists",
    lambda file: (
        file.ending == ".pls" or file.start[:100].lstrip().lower().startswith("[playlist]")
    ),
    _read_pls,
    named=True,
    certain=True,
    options=ENCODED,
)
