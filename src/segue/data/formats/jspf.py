"""JSPF: XSPF as JSON, as ListenBrainz exports playlists.

``{"playlist": {"title": …, "track": [{"title": …, "creator": …, "identifier": […]}]}}``. An
identifier is a MusicBrainz recording; ListenBrainz adds the artists under ``extension``:
https://musicbrainz.org/doc/jspf
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from segue.data.formats.json_values import keys_of, loaded, record, records, text, texts
from segue.data.formats.m3u import one_playlist
from segue.data.formats.xspf import PLAYLIST_URN, TRACK_URN, track_of
from segue.data.records import Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile

_MUSICBRAINZ = "https://musicbrainz.org/doc/jspf#track"


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    content = loaded(file, reject)
    if content is None:
        return
    wrapped = record(content).get("playlists", content)
    for number, entry in enumerate(records(wrapped) or [record(content)]):
        playlist = record(entry.get("playlist", entry))
        if "track" not in playlist:
            expected = 'expected {"playlist": {"title": …, "track": […]}}'
            reject(file.name, f"playlist {number + 1}", f"has no tracks, {expected}", None)
            continue
        own = [i for i in texts(playlist.get("identifier")) if i.startswith(PLAYLIST_URN)]
        yield from one_playlist(
            file,
            [_track(track, file.folder) for track in records(playlist["track"])],
            text(playlist.get("title")),
            own[0].removeprefix(PLAYLIST_URN) if own else "",
        )


def _track(track: dict[str, Any], folder: Path | None) -> Track | SetAside:
    extension = record(track.get("extension"))
    keys = ("title", "creator", "album", "identifier", "location")
    facts = {key: texts(track.get(key)) for key in keys}
    notes = records(extension.get(TRACK_URN))
    facts["note"] = [msgspec.json.encode(note).decode() for note in notes]
    found = track_of(facts, folder)
    more = record(record(extension.get(_MUSICBRAINZ)).get("additional_metadata"))
    names = [text(artist.get("artist_credit_name")) for artist in records(more.get("artists"))]
    if isinstance(found, Track) and not facts["note"] and any(names):
        return msgspec.structs.replace(found, artists=tuple((name, name) for name in names if name))
    return found


def _recognises(file: SourceFile) -> bool:
    return file.ending == ".jspf" or {b"playlist", b"track"} <= keys_of(file)


JSPF = Format("JSPF playlists", _recognises, _read, named=True, certain=True)
