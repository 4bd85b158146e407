"""M3U8: what players read; a line ``#EXTINF`` and a location for each track.

There is no standard; the directives are those of Winamp and its successors ``#EXTM3U``,
``#EXTENC``, ``#PLAYLIST``, ``#EXTINF`` and ``#EXTALB``. Players pass over other lines that begin
with ``#``: there, ids and several artists are noted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO
from urllib.parse import quote

from segue.data.formats.own import note_of
from segue.data.records import Track
from segue.recommend.exported import Exported, Writer
from segue.recommend.writers.texts import is_uri, one_line, readable


def _write(lists: Iterable[Exported], file: IO[bytes]) -> None:
    for exported in lists:
        lines = ["#EXTM3U", "#EXTENC:UTF-8", f"#PLAYLIST:{one_line(exported.title)}"]
        lines.append(f"#SEGUE-PLAYLIST:{exported.id}")
        for at, track in enumerate(exported.tracks):
            # The length is not known: −1.
            lines.append(f"#EXTINF:-1,{readable(track)}")
            if track.album is not None and one_line(track.album[1]):
                lines.append(f"#EXTALB:{one_line(track.album[1])}")
            lines.append(f"#SEGUE-TRACK:{note_of(track)}")
            lines.append((exported.locations and exported.locations[at]) or _location(track))
        file.write("".join(f"{line}\n" for line in lines).encode())


def _location(track: Track) -> str:
    """The track's id, which players of its service take, in a form that is one line."""
    return track.id if is_uri(track.id) else f"segue:id:{quote(track.id, safe='')}"


M3U8 = Writer(
    "m3u8",
    "M3U8",
    (".m3u8", ".m3u"),
    "audio/x-mpegurl",
    _write,
    holds_many=False,
    holds_locations=True,
)
