"""Playlists in the form of the Spotify Million Playlist Dataset (MPD).

A *slice* is a JSON file ``mpd.slice.<first>-<last>.json``, an object whose ``playlists`` lists
playlists (``pid``, ``name``, ``tracks``), each track with ``track_uri``, ``track_name``,
``artist_uri``, ``artist_name`` and, where known, ``album_uri`` and ``album_name`` (C.-W. Chen,
P. Lamere, M. Schedl, H. Zamani: "RecSys Challenge 2018", RecSys 2018).

Slices are read one at a time: what is held is one slice and the arrays made so far. Per slice
the strings become codes in one pass through Arrow; Python touches only what is new in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa

from segue.data.collect import Collected, Order, ReadReport, Reject, rejecting
from segue.data.formats.slices import SliceFile
from segue.data.playlists import Catalog, Playlists
from segue.errors import InputError


class _Track(msgspec.Struct, gc=False):
    track_uri: str
    track_name: str
    artist_uri: str
    artist_name: str
    album_uri: str | None = None
    album_name: str | None = None
    # Bounded, so that it fits into int64.
    pos: Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)] = 0


class _Playlist(msgspec.Struct, gc=False):
    pid: int | str
    tracks: list[_Track]
    name: str | None = None


class _Slice(msgspec.Struct, gc=False):
    playlists: list[_Playlist]


class _RawSlice(msgspec.Struct, gc=False):
    playlists: list[msgspec.Raw]


_decode_slice = msgspec.json.Decoder(_Slice).decode
_decode_raw_slice = msgspec.json.Decoder(_RawSlice).decode
_decode_playlist = msgspec.json.Decoder(_Playlist).decode


def read_mpd(
    files: list[SliceFile],
    *,
    order: Order = "auto",
    skipped: IO[str] | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[Playlists, Catalog, ReadReport]:
    """Read slices into playlists and a catalogue.

    A track that is repeated in a playlist counts once, at its first position. Where a track,
    artist or album is described twice, the first description counts.

    Parameters
    ----------
    files
        What `find_slices` gave.
    order
        Whether the order of the tracks is ``"known"`` or ``"unknown"``; ``"auto"`` takes it as
        unknown for the playlists whose track ids ascend: those were stored as sets.
    skipped
        Where to set bad records aside, one JSON object a line (``file``, ``record``, ``reason``,
        ``content``); without it the first bad record is an error.
    advance
        Called after each slice with (bytes read, playlists read).

    Raises
    ------
    InputError
        Naming the file, the record and what was expected.
    """
    collected = Collected()
    report = ReadReport()
    reject = rejecting(skipped, report)
    digest = hashlib.sha256()
    for file in files:
        try:
            content = file.read()
        except OSError as error:
            raise InputError(f"{file.name}: cannot be read ({error.strerror or error})") from error
        # The digest of the contents alone: a folder and a zip of it have the same fingerprint.
        digest.update(hashlib.sha256(content).digest())
        content = content.removeprefix(BOM_UTF8)  # as Windows adds
        _add(collected, file.name, _playlists_of(file.name, content, reject), reject)
        report.slices += 1
        if advance is not None:
            advance(file.size, len(collected.playlists.index))
    report.playlists = len(collected.playlists.index)
    report.repeated_tracks = collected.repeated_tracks
    report.fingerprint = digest.hexdigest()
    playlists, catalog = collected.finish(order)
    report.pairs = playlists.tracks.num_pairs
    return playlists, catalog, report


# RecursionError: JSON that is nested too deeply to be a playlist.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _playlists_of(file: str, content: bytes, reject: Reject) -> list[tuple[str, _Playlist]]:
    """Decode one slice, at once where it is sound, else record by record: (record, playlist)."""
    try:
        playlists = _decode_slice(content).playlists
    except _UNDECODABLE:
        return list(_salvage(file, content, reject))
    return [(f"playlists[{number}]", playlist) for number, playlist in enumerate(playlists)]


def _salvage(file: str, content: bytes, reject: Reject) -> Iterator[tuple[str, _Playlist]]:
    for record, raw in _raw_records(file, content, reject):
        try:
            yield record, _decode_playlist(raw)
        except _UNDECODABLE as error:
            reject(file, record, _in_words(error), bytes(raw).decode("utf-8", "replace"))


def _raw_records(file: str, content: bytes, reject: Reject) -> Iterator[tuple[str, bytes]]:
    try:
        raws = _decode_raw_slice(content).playlists
    except msgspec.ValidationError as error:
        # Sound JSON of another shape: not a slice at all.
        reject(file, "whole file", f"{_in_words(error)}, expected a slice with `playlists`", None)
        return
    except _UNDECODABLE as error:
        yield from _records_before_the_break(file, content, str(error), reject)
        return
    for number, raw in enumerate(raws):
        yield f"playlists[{number}]", bytes(raw)


def _records_before_the_break(
    file: str, content: bytes, reason: str, reject: Reject
) -> Iterator[tuple[str, bytes]]:
    """The whole playlists of a slice that is cut off or broken; the rest counts as one record."""
    # Bytes that are no UTF-8 survive this and are refused with their record.
    text = content.decode("utf-8", "surrogateescape")
    start = re.search(r'"playlists"\s*:\s*\[', text)
    number, position = 0, start.end() if start else 0
    scan = json.JSONDecoder().raw_decode
    while start:
        position = re.compile(r"[\s,]*").match(text, position).end()  # type: ignore[union-attr]
        try:
            _, end = scan(text, position)
        except (ValueError, RecursionError):
            break
        yield f"playlists[{number}]", text[position:end].encode("utf-8", "surrogateescape")
        number, position = number + 1, end
    reject(
        file,
        f"playlists[{number}] and what follows" if start else "whole file",
        f"not complete JSON ({reason}), the file may have been cut off",
        None,
    )


def _in_words(error: Exception) -> str:
    """``Expected `int`, got `str` - at `$.tracks[3].pos``` → ``tracks[3].pos: expected …``."""
    message, _, place = str(error).partition(" - at `$")
    if message[1:2].islower():  # "Expected …", but not "JSON is malformed"
        message = message[:1].lower() + message[1:]
    place = place.rstrip("`").lstrip(".")
    return f"{place}: {message}" if place else message


def _add(
    collected: Collected, file: str, playlists: list[tuple[str, _Playlist]], reject: Reject
) -> None:
    """Add the playlists of one slice."""
    kept: list[_Playlist] = []
    index = collected.playlists.index
    for record, playlist in playlists:
        playlist_id = str(playlist.pid)
        if index.setdefault(playlist_id, len(index)) < len(collected.titles):
            content = msgspec.json.encode(playlist).decode()
            reject(
                file,
                record,
                f"pid {playlist_id} was read before, expected each playlist once",
                content,
            )
            continue
        collected.titles.append(playlist.name)
        kept.append(playlist)
    flat = [track for playlist in kept for track in playlist.tracks]
    rows = np.repeat(np.arange(len(kept)), [len(playlist.tracks) for playlist in kept])
    position = np.fromiter((track.pos for track in flat), dtype=np.int64, count=len(flat))
    codes, first = collected.tracks.codes(pa.array([t.track_uri for t in flat], pa.string()))
    new = [flat[at] for at in first]
    collected.describe(
        pa.array([track.track_name for track in new], pa.string()),
        pa.array([track.artist_uri for track in new], pa.string()),
        pa.array([track.artist_name for track in new], pa.string()),
        pa.array([track.album_uri for track in new], pa.string()),
        pa.array([track.album_name or "" for track in new], pa.string()),
    )
    collected.add_lists(rows, len(kept), codes, position)


def write_slice(path: Path, playlists: Sequence[Any], first: int, last: int) -> None:
    """Write playlists, each a dict or struct, as the slice of pids `first` to `last`."""
    content = {"info": {"slice": f"{first}-{last}", "version": "v1"}, "playlists": playlists}
    path.write_bytes(msgspec.json.encode(content))
