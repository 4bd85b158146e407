"""XSPF, "spiff": the XML Shareable Playlist Format, version 1 (Xiph.Org, 2006).

``<playlist>`` holds a ``<title>`` and a ``<trackList>`` of ``<track>``, each with ``<title>``,
``<creator>``, ``<album>``, ``<identifier>`` and ``<location>``, all optional.

XML may define entities that grow without bounds or read other files. A list of songs needs none:
a file that declares one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.parsers import expat

import msgspec

from segue.data.formats.m3u import one_playlist
from segue.data.formats.own import track_of_note
from segue.data.formats.songs import (
    artists_of,
    identified,
    is_stream,
    location_of,
    no_song,
    song,
    song_of_path,
)
from segue.data.records import Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile

NAMESPACE = "http://xspf.org/ns/0/"
PLAYLIST_URN, TRACK_URN = "urn:segue:playlist:", "urn:segue:track"
_FACTS = ("title", "creator", "album")
_MAX_TEXT = 1 << 20  # Characters of one element.


class _RefusedError(Exception):
    """What XML may do and a playlist must not."""


class _Reader:
    """Collects the texts of the elements of the playlist and of each track."""

    def __init__(self) -> None:
        self.playlist: dict[str, list[str]] = {}
        self.tracks: list[dict[str, list[str]]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._note = False

    def parse(self, content: bytes) -> None:
        """Parse; ExpatError or _RefusedError at what cannot be read, what precedes it is kept."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        parser.Parse(content, True)

    def _entity(self, *declared: object) -> None:
        raise _RefusedError("declares an entity, which a playlist has no need of")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        self._text, self._length = [], 0
        self._note = attributes.get("rel") == TRACK_URN
        if self._path[1:] == ["trackList", "track"]:
            self.tracks.append({})

    def _characters(self, text: str) -> None:
        self._length += len(text)
        if self._length > _MAX_TEXT:
            raise _RefusedError(f"has an element of over {_MAX_TEXT:,} characters")
        self._text.append(text)

    def _end(self, name: str) -> None:
        path, text = self._path[1:], "".join(self._text).strip()
        self._path.pop()
        self._text = []
        if text and len(path) == 1:
            self.playlist.setdefault(path[0], []).append(text)
        elif text and path[:2] == ["trackList", "track"] and len(path) == 3:
            key = path[2] if path[2] != "meta" else "note" if self._note else ""
            self.tracks[-1].setdefault(key, []).append(text)


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    reader = _Reader()
    try:
        reader.parse(file.read())
    except _RefusedError as error:
        reject(file.name, "whole file", str(error), None)
        return
    except (expat.ExpatError, ValueError) as error:
        # ValueError: an encoding that expat does not know.
        reject(file.name, "whole file", f"not complete XML ({error})", None)
        if not reader.tracks:
            return
    facts = reader.playlist
    own = [i for i in facts.get("identifier", []) if i.startswith(PLAYLIST_URN)]
    yield from one_playlist(
        file,
        [track_of(track, file.folder) for track in reader.tracks],
        "".join(facts.get("title", [])[:1]),
        own[0].removeprefix(PLAYLIST_URN) if own else "",
    )


def track_of(facts: dict[str, list[str]], folder: Path | None) -> Track | SetAside:
    """The song that the elements of a track describe, or what it is instead.

    Locations are relative to `folder`, that of the list.
    """
    locations = facts.get("location", [])
    # Addresses, so paths are escaped.
    plain = [place if is_stream(place) else unquote(place) for place in locations]
    found = filter(None, (location_of(place, folder) for place in plain))
    of_file = next(found, None)
    for note in facts.get("note", []):
        if noted := track_of_note(note):
            return msgspec.structs.replace(noted, location=of_file)
    for location in (*locations, *facts.get("identifier", [])):
        if what := no_song(location):
            return SetAside(what)
    track_id, aliases = identified([*facts.get("identifier", []), *locations])
    title, creator, album = ("".join(facts.get(key, [])[:1]) for key in _FACTS)
    artists = artists_of(creator)
    if not title and track_id is None and any(map(is_stream, locations)):
        return SetAside("stream")
    if locations and not (title and artists) and track_id is None:
        path_title, path_artists, path_album = song_of_path(locations[0])
        title, artists, album = title or path_title, artists or path_artists, album or path_album
    if not title and track_id is None:
        return SetAside("nameless track")
    return song(title, artists, album, track_id=track_id, aliases=aliases, location=of_file)


def _recognises(file: SourceFile) -> bool:
    return file.ending == ".xspf" or NAMESPACE.encode() in file.head


XSPF = Format("XSPF playlists", _recognises, _read, named=True, certain=True)
