"""M3U8: what players read; a line ``#EXTINF`` and a location for each track.

There is no standard; the directives are those of Winamp and its successors ``#EXTM3U``,
``#EXTENC``, ``#PLAYLIST``, ``#EXTINF`` and ``#EXTALB``. Players pass over other lines that begin
with ``#``: there, ids and several artists are noted.

A location is a file, an address on the web or of Spotify. A song that has none of these stands as
the name of a file that is not there, ``Artist - Title``: players list such a song and pass over it,
while of an address that they do not know some refuse the whole list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO

from segue.data.formats.own import note_of
from segue.data.formats.songs import is_stream
from segue.data.records import Track
from segue.recommend.exported import Exported, Writer
from segue.recommend.writers.texts import is_uri, one_line, readable

# What Windows allows in no name, and so no player expects.
_NO_FILE_NAME = re.compile(r'[\\/:*?"<>|]')


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
            location = (exported.locations and exported.locations[at]) or _address(track)
            lines += ["#SEGUE-NO-FILE", _file_name(track)] if location is None else [location]
        file.write("".join(f"{line}\n" for line in lines).encode())


def _address(track: Track) -> str | None:
    """The track's id, if that is an address which players of its service take."""
    known = is_stream(track.id) or track.id.startswith("spotify:")
    return track.id if known and is_uri(track.id) else None


def _file_name(track: Track) -> str:
    """What a file of the track would be called, without its ending."""
    name = _NO_FILE_NAME.sub("_", readable(track)) or "Untitled"
    return f"./{name}" if name.startswith("#") else name  # else a comment


M3U8 = Writer(
    "m3u8",
    "M3U8",
    (".m3u8", ".m3u"),
    "audio/x-mpegurl",
    _write,
    holds_many=False,
    holds_locations=True,
    for_players=True,
)
