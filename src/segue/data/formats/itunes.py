"""The library of iTunes and Apple Music as XML ("Library.xml": File, Library, Export Library).

A property list: ``Tracks`` describes songs by number, ``Playlists`` lists those numbers. The list
of everything and those that the program makes by itself (films, podcasts) are not playlists.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from typing import Any
from xml.parsers.expat import ExpatError

from segue.data.formats.json_values import record, records, text
from segue.data.formats.songs import artists_of, song
from segue.data.records import Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile

_TRACKS = re.compile(rb"<key>Tracks</key>\s*<dict>")


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    try:
        # Refuses entities: https://docs.python.org/3/library/plistlib.html
        library = record(plistlib.loads(file.read(), fmt=plistlib.FMT_XML))
    # Whatever stands where it must not, plistlib meets with an error of its own.
    except (ExpatError, ValueError, TypeError, AttributeError, LookupError) as error:
        reject(file.name, "whole file", f"is not a property list ({error})", None)
        return
    songs = {
        number: _track(record(facts)) for number, facts in record(library.get("Tracks")).items()
    }
    for number, playlist in enumerate(records(library.get("Playlists"))):
        if playlist.get("Master") or "Distinguished Kind" in playlist or playlist.get("Folder"):
            continue
        items = [text(item.get("Track ID")) for item in records(playlist.get("Playlist Items"))]
        found = [songs.get(item, SetAside("removed track")) for item in items]
        tracks = [track for track in found if isinstance(track, Track)]
        yield from (entry for entry in found if isinstance(entry, SetAside))
        name = text(playlist.get("Name"))
        if tracks:
            place = f"playlist {number + 1}"
            yield place, Playlist(name or place.capitalize(), name or None, tracks)
        else:
            yield SetAside("empty playlist")


def _track(facts: dict[str, Any]) -> Track | SetAside:
    if facts.get("Podcast"):
        return SetAside("podcast episode")
    title = text(facts.get("Name"))
    if not title:
        return SetAside("nameless track")
    return song(title, artists_of(text(facts.get("Artist"))), text(facts.get("Album")))


def _recognises(file: SourceFile) -> bool:
    return b"<plist" in file.head[:1000] and bool(_TRACKS.search(file.head))


ITUNES = Format("libraries of iTunes", _recognises, _read, named=True, certain=True)
