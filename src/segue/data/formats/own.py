"""Segue's own lists in JSON, and one of their tracks as a note in formats that hold less.

A file is ``[{"playlist_id": …, "title": …, "tracks": […]}, …]``. A track is an id, as text or a
number, or an object: ``id``, ``name``, ``artists`` and ``album``, each ``{"id": …, "name": …}``,
and ``aliases``. The order of a playlist's tracks is meaningful if it says ``"ordered": true``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from segue.data.records import Format, Playlist, Reject, TableOptions, Track
from segue.data.source_file import SourceFile


class _Named(msgspec.Struct, gc=False):
    id: str | int
    name: str = ""


class TrackObject(msgspec.Struct, gc=False):
    """A track in Segue's JSON."""

    id: str | int
    name: str = ""
    artists: list[_Named] = []
    album: _Named | None = None
    aliases: list[str] = []


class _Playlist(msgspec.Struct, gc=False):
    id: str | int = msgspec.field(name="playlist_id")
    tracks: list[str | int | TrackObject]
    title: str | None = None
    ordered: bool = False


_decode_lists = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_playlist = msgspec.json.Decoder(_Playlist).decode
_decode_track = msgspec.json.Decoder(TrackObject).decode
# RecursionError: JSON that is nested too deeply to be a playlist.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_EXPECTED = 'expected {"playlist_id": …, "tracks": [ids or {"id": …, "name": …}]}'


def track_content(track: Track) -> dict[str, Any]:
    """A track as plain values for JSON; what is empty is left out."""
    content: dict[str, Any] = {"id": track.id, "name": track.name}
    if track.artists:
        content["artists"] = [{"id": an_id, "name": name} for an_id, name in track.artists]
    if track.album is not None:
        content["album"] = {"id": track.album[0], "name": track.album[1]}
    if track.aliases:
        content["aliases"] = list(track.aliases)
    return content


def note_of(track: Track) -> str:
    """A track as one line of ASCII, for formats that hold less of it."""
    return json.dumps(track_content(track))


def track_of_note(note: str) -> Track | None:
    """The track of a note; None if the text is none."""
    try:
        return as_track(_decode_track(note))
    except _UNDECODABLE:
        return None


def as_track(track: str | int | TrackObject) -> Track:
    """A track of Segue's JSON as readers give it; numbers become text."""
    if isinstance(track, str | int):
        return Track(str(track), str(track))
    artists = tuple((str(artist.id), artist.name) for artist in track.artists)
    album = None if track.album is None else (str(track.album.id), track.album.name)
    return Track(str(track.id), track.name, artists, album, aliases=tuple(track.aliases))


def _recognises(file: SourceFile) -> bool:
    start = file.head.lstrip()
    return start.startswith(b"[") and b'"playlist_id"' in start


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist]]:
    try:
        raws = _decode_lists(file.json())
    except _UNDECODABLE as error:
        reject(file.name, "whole file", f"{error}, expected a JSON list of playlists", None)
        return
    for number, raw in enumerate(raws):
        record = f"record {number}"
        try:
            found = _decode_playlist(raw)
        except _UNDECODABLE as error:
            content = bytes(raw).decode("utf-8", "replace")
            reject(file.name, record, f"{error}, {_EXPECTED}", content)
            continue
        tracks = [as_track(track) for track in found.tracks]
        yield record, Playlist(found.id, found.title, tracks, found.ordered)


OWN = Format("Segue's lists", _recognises, _read, certain=True)
