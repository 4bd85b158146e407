"""XSPF, "spiff": the XML Shareable Playlist Format, version 1 (Xiph.Org, 2006)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PureWindowsPath
from typing import IO
from urllib.parse import quote
from xml.sax.saxutils import escape

from segue.data.formats.own import note_of
from segue.data.formats.songs import is_stream
from segue.data.records import Track
from segue.recommend.exported import Exported, Writer
from segue.recommend.writers.texts import artist_names, identifiers, link

# Characters that XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PLAYLIST_URN, TRACK_URN = "urn:segue:playlist:", "urn:segue:track"


def _write(lists: Iterable[Exported], file: IO[bytes]) -> None:
    for exported in lists:
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<playlist version="1" xmlns="http://xspf.org/ns/0/">',
            *_element(1, "title", exported.title),
            *_element(1, "identifier", f"{PLAYLIST_URN}{exported.id}"),
            "  <trackList>",
        ]
        for at, track in enumerate(exported.tracks):
            location = None if exported.locations is None else exported.locations[at]
            lines += _track(track, at + 1, location)
        lines += ["  </trackList>", "</playlist>"]
        file.write("".join(f"{line}\n" for line in lines).encode())


def _track(track: Track, number: int, location: str | None) -> list[str]:
    lines = ["    <track>"]
    if location is not None:
        lines += _element(3, "location", address(location))
    for identifier in identifiers(track):
        lines += _element(3, "identifier", identifier)
    lines += _element(3, "title", track.name)
    lines += _element(3, "creator", artist_names(track))
    lines += _element(3, "info", link(track) or "")
    lines += _element(3, "album", track.album[1] if track.album else "")
    lines += _element(3, "trackNum", str(number))
    lines.append(f'      <meta rel="{TRACK_URN}">{escape(note_of(track))}</meta>')
    return [*lines, "    </track>"]


def address(location: str) -> str:
    """A path as an address; what is one stays as it is."""
    if is_stream(location):
        return location
    if PureWindowsPath(location).drive:
        location = "/" + PureWindowsPath(location).as_posix().lstrip("/")
    return f"file://{quote(location, safe='/:')}" if location.startswith("/") else quote(location)


def _element(depth: int, name: str, text: str) -> list[str]:
    """An element on a line; none for an empty text."""
    # A bare carriage return would be read as a line break.
    text = escape(_NO_XML.sub(" ", text), {"\r": "&#13;"})
    return [f"{'  ' * depth}<{name}>{text}</{name}>"] if text else []


XSPF = Writer(
    "xspf",
    "XSPF",
    (".xspf",),
    "application/xspf+xml",
    _write,
    holds_many=False,
    holds_locations=True,
    for_players=True,
)
