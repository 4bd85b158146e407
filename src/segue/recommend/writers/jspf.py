"""JSPF: XSPF as JSON (Xiph.Org's draft), as ListenBrainz reads and writes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import msgspec

from segue.data.formats.own import track_content
from segue.data.records import Track
from segue.recommend.exported import Exported, Writer
from segue.recommend.writers.texts import artist_names, identifiers, link
from segue.recommend.writers.xspf import PLAYLIST_URN, TRACK_URN, address


def _write(lists: Iterable[Exported], file: IO[bytes]) -> None:
    for exported in lists:
        playlist = {
            "title": exported.title,
            "identifier": f"{PLAYLIST_URN}{exported.id}",
            "track": [
                _track(track, at, exported.locations[at - 1] if exported.locations else None)
                for at, track in enumerate(exported.tracks, start=1)
            ],
        }
        content = msgspec.json.encode({"playlist": playlist})
        file.write(msgspec.json.format(content, indent=1) + b"\n")


def _track(track: Track, number: int, location: str | None) -> dict[str, Any]:
    content = {
        "location": [address(location)] if location else None,
        "identifier": identifiers(track),
        "title": track.name,
        "creator": artist_names(track),
        "info": link(track),
        "album": track.album[1] if track.album else "",
    }
    kept: dict[str, Any] = {name: value for name, value in content.items() if value}
    return kept | {"trackNum": number, "extension": {TRACK_URN: [track_content(track)]}}


JSPF = Writer(
    "jspf", "JSPF", (".jspf",), "application/json", _write, holds_many=False, holds_locations=True
)
