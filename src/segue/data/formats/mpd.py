"""Playlists in the form of the Spotify Million Playlist Dataset (MPD).

A *slice* is a JSON file ``mpd.slice.<first>-<last>.json``, an object whose ``playlists`` lists
playlists (``pid``, ``name``, ``tracks``), each track with ``track_uri``, ``track_name``,
``artist_uri``, ``artist_name`` and, where known, ``album_uri`` and ``album_name`` (C.-W. Chen,
P. Lamere, M. Schedl, H. Zamani: "RecSys Challenge 2018", RecSys 2018).

Slices are read one at a time, and their playlists decoded one at a time: only the bytes of one
slice and the columns made so far are in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.data.chunks import described
from segue.data.formats.own import TrackObject, as_track
from segue.data.records import AnyPlaylist, Format, Reject, SetAside, TableOptions
from segue.data.source_file import SourceFile
from segue.data.track_columns import TrackColumns

_SLICE_NAME = re.compile(r"^mpd\.slice\.(\d+)-(\d+)\.json$")
_EXPECTED = (
    "expected `playlists` as in the Million Playlist Dataset, JSON of Spotify, of ListenBrainz or "
    "of Segue, or songs with titles and artists"
)
_NO_NUMBER = re.compile(r"\b(NaN|Infinity)\b")


class _Track(msgspec.Struct, gc=False):
    id: str = msgspec.field(name="track_uri")
    name: str = msgspec.field(name="track_name")
    artist_uri: str
    artist_name: str
    album_uri: str | None = None
    album_name: str | None = None
    # Bounded, so that it fits into int64.
    position: Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)] = msgspec.field(
        name="pos", default=0
    )

    # What Segue writes of a track that has more than the form holds.
    note: TrackObject | None = msgspec.field(name="segue", default=None)

    @property
    def aliases(self) -> Sequence[str]:
        return () if self.note is None else self.note.aliases

    @property
    def artists(self) -> Sequence[tuple[str, str]]:
        if self.note is not None:
            return as_track(self.note).artists
        # Our own slices of tracks without artists leave it empty.
        return ((self.artist_uri, self.artist_name),) if self.artist_uri else ()

    @property
    def album(self) -> tuple[str, str] | None:
        return None if self.album_uri is None else (self.album_uri, self.album_name or "")


class _Playlist(msgspec.Struct, gc=False):
    id: int | str = msgspec.field(name="pid")
    tracks: list[_Track]
    title: str | None = msgspec.field(name="name", default=None)
    # In the challenge's file: how many of its tracks are not shown.
    num_holdouts: int = 0

    @property
    def ordered(self) -> bool:
        """Whether its end is what is shown, not random tracks of it."""
        return not self.num_holdouts or all(t.position < len(self.tracks) for t in self.tracks)


class _RawSlice(msgspec.Struct, gc=False):
    playlists: list[msgspec.Raw]


class _RawPlaylist(msgspec.Struct, gc=False):
    id: int | str = msgspec.field(name="pid")
    tracks: list[msgspec.Raw]
    title: str | None = msgspec.field(name="name", default=None)
    num_holdouts: int = 0


_decode_playlist = msgspec.json.Decoder(_Playlist).decode
_decode_raw_slice = msgspec.json.Decoder(_RawSlice).decode
_decode_raw_playlist = msgspec.json.Decoder(_RawPlaylist).decode
_decode_track = msgspec.json.Decoder(_Track | None).decode


def _recognises(file: SourceFile) -> bool:
    """Whether it is a slice by name or content, or JSON given by itself.

    JSON of another shape is rejected when it is read; in a folder it is none of ours.
    """
    if _SLICE_NAME.match(Path(file.name).name):
        return True
    starts = file.head.lstrip(b" \t\r\n").startswith(b"{")
    return (file.ending == ".json" or starts) and (file.alone or b'"playlists"' in file.head)


def _select(files: list[SourceFile]) -> list[SourceFile]:
    """Files named ``mpd.slice.*`` if there are any, else all; in numerical order."""
    named = [file for file in files if _SLICE_NAME.match(Path(file.name).name)]
    return sorted(named or files, key=_slice_order)


def _slice_order(file: SourceFile) -> tuple[int, str]:
    match = _SLICE_NAME.match(Path(file.name).name)
    return (int(match[1]) if match else 0, file.name)


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, AnyPlaylist] | SetAside]:
    content = file.json()
    for record, raw in _raw_records(file.name, content, reject):
        try:
            playlist = _decode_playlist(raw)
        except _UNDECODABLE:
            yield from _salvage(file.name, record, raw, reject)
        else:
            yield record, playlist


def _columns(tracks: Sequence[_Track]) -> TrackColumns:
    if [track.note for track in tracks].count(None) < len(tracks):
        return described(tracks)
    artist_ids = [track.artist_uri for track in tracks]
    artist_names = [track.artist_name for track in tracks]
    offsets = np.arange(len(tracks) + 1, dtype=np.int32)
    if not all(artist_ids):
        artist_names = [name for name, uri in zip(artist_names, artist_ids, strict=True) if uri]
        np.cumsum(list(map(bool, artist_ids)), out=offsets[1:])
        artist_ids = list(filter(None, artist_ids))
    album_ids = pa.array([track.album_uri for track in tracks], pa.string())
    album_names = pa.array([track.album_name for track in tracks], pa.string())
    if album_ids.null_count or album_names.null_count:
        nothing = pa.scalar(None, pa.string())
        album_names = pc.if_else(album_ids.is_null(), nothing, album_names.fill_null(""))
    return TrackColumns(
        pa.array([track.id for track in tracks], pa.string()),
        pa.array([track.name for track in tracks], pa.string()),
        pa.ListArray.from_arrays(offsets, pa.array(artist_ids, pa.string())),
        pa.ListArray.from_arrays(offsets, pa.array(artist_names, pa.string())),
        album_ids,
        album_names,
    )


MPD = Format(
    "Million Playlist Dataset slices",
    _recognises,
    _read,
    select=_select,
    options=frozenset({"slices"}),
    columns=_columns,
)


# RecursionError: JSON that is nested too deeply to be a playlist.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _salvage(
    file: str, record: str, raw: bytes | msgspec.Raw, reject: Reject
) -> Iterator[tuple[str, AnyPlaylist] | SetAside]:
    """The sound tracks of a playlist, one by one."""
    try:
        playlist = _decode_raw_playlist(raw)
    except _UNDECODABLE as error:
        reject(file, record, _reason(error), bytes(raw).decode("utf-8", "replace"))
        return
    tracks, removed = [], 0
    for number, raw_track in enumerate(playlist.tracks):
        try:
            track = _decode_track(raw_track)
        except _UNDECODABLE as error:
            shown = bytes(raw_track).decode("utf-8", "replace")
            place = f"{record}.tracks[{number}]"
            reject(file, place, _reason(error), shown, track=True)
            continue
        if track is None:
            removed += 1
        else:
            tracks.append(track)
    if removed:
        yield SetAside("removed track", removed)
    yield record, _Playlist(playlist.id, tracks, playlist.title, playlist.num_holdouts)


def _raw_records(
    file: str, content: bytes, reject: Reject
) -> Iterator[tuple[str, bytes | msgspec.Raw]]:
    """The playlists of a slice, not yet decoded, so that each is in the cache once it is."""
    try:
        raws = _decode_raw_slice(content).playlists
    except msgspec.ValidationError as error:
        # Valid JSON of another shape: not a slice at all.
        reject(file, "whole file", f"{_reason(error)}, {_EXPECTED}", None)
        return
    except _UNDECODABLE as error:
        yield from _records_before_the_break(file, content, str(error), reject)
        return
    for number, raw in enumerate(raws):
        yield f"playlists[{number}]", raw


def _records_before_the_break(
    file: str, content: bytes, reason: str, reject: Reject
) -> Iterator[tuple[str, bytes]]:
    """The complete playlists of a truncated or broken slice; the rest counts as one record."""
    # Bytes that are not UTF-8 survive this and are rejected with their record.
    text = content.decode("utf-8", "surrogateescape")
    start = re.search(r'"playlists"\s*:\s*\[', text)
    number, position = 0, start.end() if start else 0
    scan = json.JSONDecoder(parse_constant=lambda name: None).raw_decode
    while start:
        position = re.compile(r"[\s,]*").match(text, position).end()  # type: ignore[union-attr]
        try:
            found, end = scan(text, position)
        except (ValueError, RecursionError):
            break
        record = text[position:end]
        if _NO_NUMBER.search(record):
            record = json.dumps(found, ensure_ascii=False)
        yield f"playlists[{number}]", record.encode("utf-8", "surrogateescape")
        number, position = number + 1, end
    if start and _is_json(text):
        return  # NaN or Infinity, as Python writes them: they are null here.
    reject(
        file,
        f"playlists[{number}] and what follows" if start else "whole file",
        f"not complete JSON ({reason}), the file may have been cut off",
        None,
    )


def _is_json(text: str) -> bool:
    """Whether Python accepts it as JSON, which may then contain NaN and Infinity."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _reason(error: Exception) -> str:
    """``Expected `int`, got `str` - at `$.tracks[3].pos``` → ``tracks[3].pos: expected …``."""
    message, _, place = str(error).partition(" - at `$")
    if message[1:2].islower():  # "Expected …", but not "JSON is malformed"
        message = message[:1].lower() + message[1:]
    place = place.rstrip("`").lstrip(".")
    return f"{place}: {message}" if place else message


def write_slice(path: Path, playlists: Sequence[Any], first: int, last: int) -> None:
    """Write playlists, each a dict or struct, as the slice of pids `first` to `last`."""
    content = {"info": {"slice": f"{first}-{last}", "version": "v1"}, "playlists": playlists}
    path.write_bytes(msgspec.json.encode(content))
