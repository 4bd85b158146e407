"""Segue's own lists as JSON; `segue.data.formats.own` reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import msgspec

from segue.data.formats.own import track_content
from segue.recommend.exported import Exported, Writer


def _write(lists: Iterable[Exported], file: IO[bytes]) -> None:
    before = b"[\n"
    for exported in lists:
        file.write(before + msgspec.json.encode(_content(exported)))
        before = b",\n"
    file.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _content(exported: Exported) -> dict[str, Any]:
    tracks = [track_content(track) for track in exported.tracks]
    if exported.scores is not None:
        for track, score in zip(tracks, exported.scores, strict=True):
            if score is not None:
                track["score"] = score
    content: dict[str, Any] = {"playlist_id": exported.id, "title": exported.title}
    if exported.continues:
        content["continues"] = exported.continues
    return content | {"ordered": True, "tracks": tracks}


JSON = Writer("json", "JSON", (".json",), "application/json", _write)
