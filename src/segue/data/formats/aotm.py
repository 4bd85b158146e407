"""AOTM-2011: playlists of Art of the Mix (B. McFee, G. Lanckriet: "Hypergraph models of playlist
dialects", ISMIR 2012; https://bmcfee.github.io/data/aotm2011.html).

One JSON list of playlists: ``mix_id``, ``user`` and ``playlist``, a list of songs, each
``[[artist, title], [id, …]]`` with the ids that it has in the Million Song Dataset, if any.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from segue.data.records import Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile


class _Mix(msgspec.Struct, gc=False):
    mix_id: int | str
    playlist: list[list[Any]]
    title: str | None = None
    name: str | None = None


_decode = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_mix = msgspec.json.Decoder(_Mix).decode


def _recognises(file: SourceFile) -> bool:
    return file.head.lstrip()[:1] == b"[" and b'"mix_id"' in file.head


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    try:
        mixes = _decode(file.json())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reject(file.name, "whole file", f"is not a list of playlists ({error})", None)
        return
    num_unnamed = 0
    for number, raw in enumerate(mixes):
        record = f"playlist {number}"
        try:
            mix = _decode_mix(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reject(file.name, record, str(error), bytes(raw).decode("utf-8", "replace"))
            continue
        tracks = [track for song in mix.playlist if (track := _track(song)) is not None]
        num_unnamed += len(mix.playlist) - len(tracks)
        yield record, Playlist(mix.mix_id, mix.title or mix.name, tracks)
    if num_unnamed:
        yield SetAside("unnamed song", num_unnamed)


def _track(song: list[Any]) -> Track | None:
    match song:
        case [[str(artist), str(title)], *_] if artist and title:
            return Track(f"{title} - {artist}", title, ((artist, artist),))
    return None


AOTM = Format("Art of the Mix playlists", _recognises, _read)
