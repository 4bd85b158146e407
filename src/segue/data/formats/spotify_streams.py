"""The streaming histories that Spotify sends people: listens (see `segue.data.sessions`).

``StreamingHistory_music_0.json`` (a year; before 2024 ``StreamingHistory0.json``) is a list of
``{"endTime": "2024-05-01 10:13", "artistName": …, "trackName": …, "msPlayed": …}``,
``Streaming_History_Audio_2020-2021_1.json`` (all years) one of ``ts``, ``ms_played``,
``master_metadata_track_name``, ``master_metadata_album_artist_name``, ``spotify_track_uri``:
https://support.spotify.com/article/understanding-my-data/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pyarrow as pa

from segue.data.formats.json_values import keys_of, loaded, records, text
from segue.data.formats.spotify_account import song_or_not
from segue.data.records import LISTENING, Format, Reject, Rows, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile

_BRIEF = 30_000  # Milliseconds. Spotify, too, counts a stream from 30 seconds on.


def _read_streams(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[Rows | SetAside]:
    tracks, times = [], []
    left_out: Counter[str] = Counter()
    for number, stream in enumerate(records(loaded(file, reject))):
        found = _stream(stream)
        if isinstance(found, SetAside):
            left_out[found.what] += 1
            continue
        time = _seconds(text(stream.get("ts") or stream.get("endTime")))
        if time is None:
            reject(file.name, f"stream {number + 1}", "has no date and time, expected one", None)
            continue
        tracks.append(found)
        times.append(time)
    for what, num in left_out.items():
        yield SetAside(what, num)
    if tracks:
        yield _rows(tracks, times, file.size)


def _stream(stream: dict[str, Any]) -> Track | SetAside:
    played = stream.get("ms_played", stream.get("msPlayed"))
    if text(stream.get("audiobook_chapter_uri")):
        return SetAside("audiobook chapter")
    if any(text(stream.get(key)) for key in ("spotify_episode_uri", "episode_name", "episodeName")):
        return SetAside("podcast episode")
    if isinstance(played, int) and played < _BRIEF:
        return SetAside("brief stream")
    if "trackName" in stream:
        return song_or_not(stream, "trackName", "artistName", "albumName", "trackUri")
    return song_or_not(
        stream,
        "master_metadata_track_name",
        "master_metadata_album_artist_name",
        "master_metadata_album_album_name",
        "spotify_track_uri",
    )


def _seconds(when: str) -> float | None:
    """``2024-05-01T10:13:05Z`` or ``2024-05-01 10:13``, in UTC, as seconds since 1970."""
    try:
        time = datetime.fromisoformat(when.removesuffix("Z"))
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or timezone.utc).timestamp()


def _rows(tracks: list[Track], times: list[float], size: int) -> Rows:
    ends = np.cumsum([0, *(len(track.artists) for track in tracks)], dtype=np.int32)
    artists = [artist for track in tracks for artist in track.artists]
    cells = {
        "playlist": [""] * len(tracks),
        "track": [track.id for track in tracks],
        "track_name": [track.name for track in tracks],
        "album": [track.album[0] if track.album else None for track in tracks],
        "album_name": [track.album[1] if track.album else "" for track in tracks],
    }
    arrays = {field: pa.array(values, pa.string()) for field, values in cells.items()}
    for field, at in (("artist", 0), ("artist_name", 1)):
        flat = pa.array([artist[at] for artist in artists], pa.string())
        arrays[field] = pa.ListArray.from_arrays(ends, flat)
    return Rows(arrays, np.array(times), ordered=True, bytes_read=size, listens=True, users=True)


def _is_streams(file: SourceFile) -> bool:
    keys = keys_of(file)
    return {b"endTime", b"msPlayed"} <= keys or {b"ts", b"ms_played"} <= keys


SPOTIFY_STREAMS = Format(
    "Spotify's streaming histories",
    _is_streams,
    _read_streams,
    gives="rows",
    options=LISTENING,
    is_history=lambda file, options: True,
)
