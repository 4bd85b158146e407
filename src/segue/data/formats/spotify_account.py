"""The data that Spotify sends people about their account: playlists and liked songs.

``Playlist1.json`` and so on hold ``{"playlists": [{"name": …, "items": [{"track": {"trackName": …,
"artistName": …, "albumName": …, "trackUri": …}, "episode": null, "localTrack": null}]}]}``;
``YourLibrary.json`` holds the liked songs, ``{"tracks": [{"artist": …, "album": …, "track": …,
"uri": …}], …}``: https://support.spotify.com/article/understanding-my-data/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segue.data.formats.json_values import keys_of, loaded, record, records, text
from segue.data.formats.songs import no_song, song
from segue.data.records import Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile
from segue.data.text import spotify_uri

LIKED = "Liked songs"


def _read_playlists(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    for number, playlist in enumerate(records(record(loaded(file, reject)).get("playlists"))):
        place = f"playlists[{number}]"
        items = playlist.get("items", playlist.get("tracks"))  # so until 2019
        if not isinstance(items, list):
            reject(file.name, place, "has no `items`, expected a playlist of Spotify's", None)
            continue
        name = text(playlist.get("name"))
        entries = [_entry(item) for item in records(items)]
        yield from _playlist(place, name or f"Playlist {number + 1}", name, entries)


def _read_library(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    liked = records(record(loaded(file, reject)).get("tracks"))
    entries = [song_or_not(track, "track", "artist", "album", "uri") for track in liked]
    yield from _playlist("tracks", LIKED, LIKED, entries)


def _playlist(
    place: str, playlist_id: str, title: str, entries: list[Track | SetAside]
) -> Iterator[tuple[str, Playlist] | SetAside]:
    tracks = [entry for entry in entries if isinstance(entry, Track)]
    yield from (entry for entry in entries if isinstance(entry, SetAside))
    if tracks:
        yield place, Playlist(playlist_id, title or None, tracks)
    else:
        yield SetAside("empty playlist")


def _entry(item: dict[str, Any]) -> Track | SetAside:
    if item.get("episode"):
        return SetAside("podcast episode")
    if item.get("localTrack"):
        return SetAside("local file")
    if item.get("audiobook") or item.get("chapter"):
        return SetAside("audiobook chapter")
    track = item if "trackName" in item else record(item.get("track"))
    return song_or_not(track, "trackName", "artistName", "albumName", "trackUri")


def song_or_not(facts: dict[str, Any], *keys: str) -> Track | SetAside:
    """The song of some facts, by the keys of title, artist, album and URI."""
    title, artist, album, uri = (text(facts.get(key)) for key in keys)
    if what := no_song(uri):
        return SetAside(what)
    if not title:
        return SetAside("removed track")
    return song(title, [artist] if artist else [], album, track_id=spotify_uri(uri))


def _is_playlists(file: SourceFile) -> bool:
    keys = keys_of(file)
    marks = {b"lastModifiedDate", b"trackUri", b"localTrack", b"numberOfFollowers"}
    lists = b"items" in keys or {b"tracks", b"trackName"} <= keys
    return b"playlists" in keys and lists and bool(marks & keys)


def _is_library(file: SourceFile) -> bool:
    keys = keys_of(file)
    rest = {b"bannedTracks", b"bannedArtists", b"shows", b"episodes", b"albums"}
    songs = {b"tracks", b"artist", b"album", b"track"}
    others = {b"items", b"playlists", b"playlist"}
    return not others & keys and (
        (songs <= keys and bool(rest & keys or b"uri" in keys))
        or (b"tracks" in keys and len(rest & keys) > 2)
    )


SPOTIFY_PLAYLISTS = Format(
    "playlists of Spotify's account data", _is_playlists, _read_playlists, named=True, certain=True
)
SPOTIFY_LIBRARY = Format(
    "liked songs of Spotify's account data", _is_library, _read_library, named=True, certain=True
)
