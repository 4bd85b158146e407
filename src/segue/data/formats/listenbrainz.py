"""Listening histories of ListenBrainz: its data dumps, a person's export, answers of its API.

A dump (https://listenbrainz.org/data) has files ``listens/2024/1.listens`` with a JSON document a
line, an export ``listens/2024/1.jsonl``: ``listened_at``, in a dump ``user_name``, and
``track_metadata`` with ``track_name``, ``artist_name``, ``release_name`` and, where ListenBrainz
knows the recording, its MusicBrainz id. Older exports are one JSON list of these, and the API puts
the list into ``{"payload": {"listens": […]}}``. Lines are read one by one: a dump is larger than
memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
import pyarrow as pa

from segue.data.records import LISTENING, Format, Reject, Rows, SetAside, TableOptions
from segue.data.source_file import UNREADABLE, SourceFile, reason_of

_CHUNK = 50_000  # Listens that are passed on at once.
_MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNTIMED, _UNNAMED = "untimed listen", "unnamed listen"


class _Ids(msgspec.Struct, gc=False):
    recording_mbid: str | list[str] | None = None
    isrc: str | list[str] | None = None


def _first(value: str | list[str] | None) -> str | None:
    """Clients send several recordings of a listen now and then."""
    return (value[0] if value else None) if isinstance(value, list) else value


class _Song(msgspec.Struct, gc=False):
    track_name: str | None = None
    artist_name: str | None = None
    release_name: str | None = None
    mbid_mapping: _Ids | None = None
    additional_info: _Ids | None = None

    def aliases(self) -> list[str]:
        """Its MusicBrainz id, as ListenBrainz found it or else as submitted, and its ISRC."""
        found: list[str] = []
        for ids in (self.mbid_mapping, self.additional_info):
            mbid = _first(ids.recording_mbid) if ids else None
            if mbid and not found and _MBID.fullmatch(mbid.lower()):
                found.append(f"mbid:{mbid.lower()}")
        isrc = _first(self.additional_info.isrc) if self.additional_info else None
        if isrc and re.fullmatch(r"[A-Za-z]{2}-?[A-Za-z0-9]{3}-?\d{2}-?\d{5}", isrc):
            found.append(f"isrc:{isrc.replace('-', '').upper()}")
        return found


class _Listen(msgspec.Struct, gc=False):
    track_metadata: _Song
    listened_at: float | str | None = None
    timestamp: float | str | None = None
    user_name: str | None = None
    user_id: int | str | None = None


class _Payload(msgspec.Struct, gc=False):
    listens: list[_Listen]
    user_id: str | None = None


class _Answer(msgspec.Struct, gc=False):
    payload: _Payload


_decode = msgspec.json.Decoder(_Listen).decode
_decode_list = msgspec.json.Decoder(list[_Listen]).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _recognises(file: SourceFile) -> bool:
    head = file.head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] not in (b"{", b"[") or b'"track_metadata"' not in head:
        return False
    return (b'"listened_at"' in head or b'"timestamp"' in head) and b'"pinned_until"' not in head


def _read(file: SourceFile, options: TableOptions, reject: Reject) -> Iterator[Rows | SetAside]:
    head = file.head.lstrip(b"\xef\xbb\xbf \t\r\n")
    whole = head[:1] == b"[" or re.match(rb'\{\s*"payload"', head) is not None
    aside: Counter[str] = Counter()
    listens: list[tuple[str, float, _Song]] = []
    done = 0
    for done, listen, listener in (_of_document if whole else _of_lines)(file, reject):
        when = _number(listen.timestamp if listen.listened_at is None else listen.listened_at)
        song = listen.track_metadata
        if when is None:
            aside[_UNTIMED] += 1
        elif not song.track_name or not song.artist_name:
            aside[_UNNAMED] += 1
        else:
            listens.append((listen.user_name or str(listen.user_id or listener), when, song))
            if len(listens) == _CHUNK:
                yield _rows(listens, done)
                listens.clear()
    if listens:
        yield _rows(listens, done)
    for what, number in aside.items():
        yield SetAside(what, number)


def _number(value: float | str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _of_lines(file: SourceFile, reject: Reject) -> Iterator[tuple[int, _Listen, str]]:
    raw, content = file.open_text()
    number = 0
    with raw, content:
        try:
            for number, line in enumerate(_split(content), start=1):
                if not line.strip(b"\xef\xbb\xbf \t\r\n"):
                    continue
                try:
                    yield raw.tell(), _decode(line.removeprefix(b"\xef\xbb\xbf")), ""
                except _UNDECODABLE as error:
                    shown = line.decode("utf-8", "replace")
                    reject(file.name, f"line {number}", f"is not a listen ({error})", shown)
        except UNREADABLE as error:
            reject(file.name, f"line {number + 1} and what follows", reason_of(error), None)


def _split(content: pa.NativeFile) -> Iterator[bytes]:
    """The lines, without holding more than one of them and a block."""
    rest = b""
    while block := content.read(1 << 20):
        *lines, rest = (rest + bytes(block)).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _of_document(file: SourceFile, reject: Reject) -> Iterator[tuple[int, _Listen, str]]:
    raw, content = file.open_text()
    try:
        with raw, content:
            text = bytes(content.read()).removeprefix(b"\xef\xbb\xbf")
    except UNREADABLE as error:
        raise file.unreadable(error) from error
    listens: Iterable[_Listen] = ()
    listener = ""
    try:
        if text.lstrip()[:1] == b"[":
            listens = _decode_list(text)
        else:
            payload = _decode_answer(text).payload
            listens, listener = payload.listens, payload.user_id or ""
    except _UNDECODABLE as error:
        reject(file.name, "whole file", f"is not a list of listens ({error})", None)
    for listen in listens:
        yield file.size, listen, listener


def _rows(listens: list[tuple[str, float, _Song]], done: int) -> Rows:
    songs = [song for _, _, song in listens]
    artists = pa.array([song.artist_name for song in songs], pa.string())
    names = [f"{song.track_name} - {song.artist_name}" for song in songs]
    cells = {
        "playlist": pa.array([listener for listener, _, _ in listens], pa.string()),
        "track": pa.array(names, pa.string()),
        "track_name": pa.array([song.track_name for song in songs], pa.string()),
        "artist": artists,
        "artist_name": artists,
        "album_name": pa.array([song.release_name for song in songs], pa.string()),
        "aliases": pa.array([song.aliases() for song in songs], pa.list_(pa.string())),
    }
    times = np.array([when for _, when, _ in listens])
    return Rows(cells, times, ordered=True, bytes_read=done, listens=True, users=True)


LISTENBRAINZ = Format(
    "ListenBrainz listens",
    _recognises,
    _read,
    gives="rows",
    options=LISTENING,
    is_history=lambda file, options: True,
)
