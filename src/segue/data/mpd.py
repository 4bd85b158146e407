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
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Catalog, Int64Array, Playlists, TrackLists
from segue.data.slices import SliceFile
from segue.errors import InputError

Order = Literal["auto", "known", "unknown"]


class _Track(msgspec.Struct, gc=False):
    track_uri: str
    track_name: str
    artist_uri: str
    artist_name: str
    album_uri: str | None = None
    album_name: str | None = None
    # Bounded, so that playlist and position fit into one int64 sort key.
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


@dataclass
class ReadReport:
    """What reading met.

    ``playlists + skipped`` is the number of records that the slices hold (a slice that breaks
    off counts as one record from the break on).
    """

    slices: int = 0
    playlists: int = 0
    skipped: int = 0
    pairs: int = 0
    repeated_tracks: int = 0
    fingerprint: str = ""


@dataclass
class _Vocabulary:
    """Strings → rows, in order of first appearance."""

    index: dict[str, int] = field(default_factory=dict)

    def codes(self, values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row of each value (−1 for null), and the positions at which new rows first appear."""
        encoded = values.dictionary_encode()
        local = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        before, index = len(self.index), self.index
        rows = np.array(
            [index.setdefault(value, len(index)) for value in encoded.dictionary.to_pylist()]
            + [-1],
            dtype=np.int64,
        )
        codes = rows[local]
        # Arrow numbers a dictionary by first appearance, so the first positions come in order.
        distinct, first = np.unique(codes, return_index=True)
        return codes, first[distinct >= before]

    def array(self) -> pa.Array:
        return pa.array(list(self.index), pa.string())


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
    collected = _Collected(order)
    report = ReadReport()
    digest = hashlib.sha256()

    def reject(file: str, record: str, reason: str, content: str | None) -> None:
        if skipped is None:
            raise InputError(f"{file}: {record}: {reason}")
        entry = {"file": file, "record": record, "reason": reason, "content": content}
        skipped.write(json.dumps(entry, ensure_ascii=False) + "\n")
        report.skipped += 1

    for file in files:
        try:
            content = file.read()
        except OSError as error:
            raise InputError(f"{file.name}: cannot be read ({error.strerror or error})") from error
        # The digest of the contents alone: a folder and a zip of it have the same fingerprint.
        digest.update(hashlib.sha256(content).digest())
        content = content.removeprefix(BOM_UTF8)  # as Windows adds
        collected.add(file.name, _playlists_of(file.name, content, reject), reject)
        report.slices += 1
        if advance is not None:
            advance(file.size, len(collected.ids.index))
    report.playlists = len(collected.ids.index)
    report.repeated_tracks = collected.repeated_tracks
    report.fingerprint = digest.hexdigest()
    playlists, catalog = collected.finish()
    report.pairs = playlists.tracks.num_pairs
    return playlists, catalog, report


# RecursionError: JSON that is nested too deeply to be a playlist.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
Reject = Callable[[str, str, str, str | None], None]


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


class _Collected:
    """The columns as they grow, slice by slice."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.ids = _Vocabulary()
        self.tracks, self.artists, self.albums = _Vocabulary(), _Vocabulary(), _Vocabulary()
        self.titles: list[str | None] = []
        self.track_names: list[str] = []
        self.artist_names: list[str] = []
        self.album_names: list[str] = []
        self.track_artist: list[NDArray[np.int64]] = []
        self.track_album: list[NDArray[np.int64]] = []
        self.lengths: list[Int64Array] = []
        self.track_index: list[NDArray[np.int32]] = []
        self.order_known: list[BoolArray] = []
        self.repeated_tracks = 0

    def add(self, file: str, playlists: list[tuple[str, _Playlist]], reject: Reject) -> None:
        kept: list[_Playlist] = []
        for record, playlist in playlists:
            playlist_id = str(playlist.pid)
            if self.ids.index.setdefault(playlist_id, len(self.ids.index)) < len(self.titles):
                content = msgspec.json.encode(playlist).decode()
                reject(
                    file,
                    record,
                    f"pid {playlist_id} was read before, expected each playlist once",
                    content,
                )
                continue
            self.titles.append(playlist.name)
            kept.append(playlist)
        flat = [track for playlist in kept for track in playlist.tracks]
        rows = np.repeat(np.arange(len(kept)), [len(playlist.tracks) for playlist in kept])
        position = np.fromiter((track.pos for track in flat), dtype=np.int64, count=len(flat))
        uris = pa.array([track.track_uri for track in flat], pa.string())
        codes, first = self.tracks.codes(uris)
        self._describe([flat[at] for at in first])

        # First by playlist, then by position; slices list tracks in that order already.
        if (np.diff(rows * 2**32 + position) < 0).any():
            in_order = np.lexsort((position, rows))
            codes, uris = codes[in_order], uris.take(pa.array(in_order))
        key = rows * (len(self.tracks.index) + 1) + codes
        once = np.sort(np.unique(key, return_index=True)[1])
        self.repeated_tracks += len(flat) - len(once)
        rows, codes = rows[once], codes[once]
        self.lengths.append(np.bincount(rows, minlength=len(kept)))
        self.track_index.append(codes.astype(np.int32))
        if self.order == "auto":
            self.order_known.append(~_ascending(rows, uris.take(pa.array(once)), len(kept)))
        else:
            self.order_known.append(np.full(len(kept), self.order == "known"))

    def _describe(self, tracks: list[_Track]) -> None:
        """Add what is said of tracks that are new."""
        self.track_names += [track.track_name for track in tracks]
        artist, first = self.artists.codes(pa.array([t.artist_uri for t in tracks], pa.string()))
        self.artist_names += [tracks[at].artist_name for at in first]
        album, first = self.albums.codes(pa.array([t.album_uri for t in tracks], pa.string()))
        self.album_names += [tracks[at].album_name or "" for at in first]
        self.track_artist.append(artist)
        self.track_album.append(album)

    def finish(self) -> tuple[Playlists, Catalog]:
        nothing = np.zeros(0, dtype=np.int64)
        tracks = TrackLists.from_lengths(
            np.concatenate([nothing, *self.lengths]),
            np.concatenate([nothing, *self.track_index]).astype(np.int32),
        )
        playlists = Playlists(
            self.ids.array(),
            pa.array(self.titles, pa.string()),
            np.concatenate([nothing, *self.order_known]).astype(bool),
            tracks,
        )
        catalog = Catalog(
            self.tracks.array(),
            pa.array(self.track_names, pa.string()),
            self.artists.array(),
            pa.array(self.artist_names, pa.string()),
            self.albums.array(),
            pa.array(self.album_names, pa.string()),
            np.concatenate([nothing, *self.track_artist]).astype(np.int32),
            np.concatenate([nothing, *self.track_album]).astype(np.int32),
        )
        return playlists, catalog


def _ascending(rows: Int64Array, uris: pa.Array, num_lists: int) -> BoolArray:
    """Which lists have their ids in ascending order, as text or by a number at the end.

    Such a list was sorted when it was stored, so its order says nothing. (A shuffled playlist of
    n tracks comes out sorted with odds of 1 in n!.)
    """
    encoded = uris.dictionary_encode()
    distinct, local = encoded.dictionary, encoded.indices.to_numpy()
    # Shorter before longer puts …:9 before …:10; the second key alone is plain text order.
    table = pa.table({"length": pc.binary_length(distinct), "id": distinct})
    ascending = np.zeros(num_lists, dtype=bool)
    for keys in ([("length", "ascending"), ("id", "ascending")], [("id", "ascending")]):
        rank = np.empty(len(distinct), dtype=np.int64)
        rank[pc.sort_indices(table, sort_keys=keys).to_numpy()] = np.arange(len(distinct))
        falls = (np.diff(rank[local]) < 0) & (rows[1:] == rows[:-1])
        ascending |= np.bincount(rows[1:][falls], minlength=num_lists) == 0
    return ascending


def write_slice(path: Path, playlists: Sequence[Any], first: int, last: int) -> None:
    """Write playlists, each a dict or struct, as the slice of pids `first` to `last`."""
    content = {"info": {"slice": f"{first}-{last}", "version": "v1"}, "playlists": playlists}
    path.write_bytes(msgspec.json.encode(content))
