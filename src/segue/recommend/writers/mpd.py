"""JSON as a slice of the Million Playlist Dataset, which many research programs read."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import IO, Any

import msgspec

from segue.data.formats.own import track_content
from segue.data.records import Track
from segue.recommend.exported import Exported, Writer

_DAY = 86_400


def _write(lists: Iterable[Exported], file: IO[bytes]) -> None:
    info = msgspec.json.encode({"generated_by": "Segue", "version": "v1"})
    file.write(b'{"info":' + info + b',\n"playlists":[')
    before = b"\n"
    for exported in lists:
        file.write(before + msgspec.json.encode(_content(exported)))
        before = b",\n"
    file.write(b"\n]}\n")


def _content(exported: Exported) -> dict[str, Any]:
    tracks = exported.tracks
    return {
        "name": exported.title,
        "collaborative": "false",
        "pid": int(exported.id),
        # As in the data set, to the day.
        "modified_at": int(time.time()) // _DAY * _DAY,
        "num_tracks": len(tracks),
        "num_albums": len({track.album[0] for track in tracks if track.album}),
        "num_artists": len({track.artists[0][0] for track in tracks if track.artists}),
        "num_followers": 0,
        "tracks": [_track(track, at) for at, track in enumerate(tracks)],
    }


def _track(track: Track, position: int) -> dict[str, Any]:
    artist_id, artist_name = track.artists[0] if track.artists else ("", "")
    album_id, album_name = track.album or (None, "")
    content = {
        "pos": position,
        "artist_name": artist_name,
        "track_uri": track.id,
        "artist_uri": artist_id,
        "track_name": track.name,
        "album_uri": album_id,
        "album_name": album_name,
    }
    # The form holds the main artist only.
    return content | ({"segue": track_content(track)} if _needs_note(track) else {})


def _needs_note(track: Track) -> bool:
    return len(track.artists) > 1 or bool(track.aliases)


MPD = Writer("mpd", "MPD JSON", (".mpd.json",), "application/json", _write)
