"""What Spotify's Web API answers, and what programs save of it.

A playlist is ``{"name": …, "id": …, "tracks": {"items": [{"track": {…}}]}}``; newer answers have
``items`` and ``item`` in place of ``tracks`` and ``track``. Such a playlist is read, a list or a
page of playlists, and a page of entries alone (``{"items": […]}``, liked songs too), which is
named after its file. An entry without a track is one that Spotify removed:
https://developer.spotify.com/documentation/web-api/reference/get-playlist
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segue.data.formats.json_values import keys_of, loaded, record, records, text
from segue.data.formats.songs import alias_of, no_song, song
from segue.data.records import Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile
from segue.data.text import spotify_uri


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    content = loaded(file, reject)
    if content is None:
        return
    for number, playlist in enumerate(_playlists(content)):
        place = f"playlist {number + 1}"
        entries = _entries(playlist)
        if entries is None:
            reason = "is listed without its tracks, expected `tracks` with `items`"
            reject(file.name, place, reason, None)
            continue
        name = text(playlist.get("name"))
        known = spotify_uri(text(playlist.get("uri")) or text(playlist.get("id")), "playlist")
        tracks = []
        for found in map(_track, entries):
            if isinstance(found, Track):
                tracks.append(found)
            else:
                yield found
        if missing := _on_other_pages(playlist, len(entries)):
            yield SetAside("later-page song", missing)
        if tracks:
            yield place, Playlist(known or name or file.stem, name or file.stem, tracks)
        else:
            yield SetAside("empty playlist")


def _playlists(content: Any) -> list[dict[str, Any]]:
    """The playlists of a file; entries alone are one without a name."""
    found = record(content).get("playlists", content)
    if isinstance(found, dict) and "name" not in found and _is_playlist(found.get("items")):
        found = found["items"]
    if isinstance(found, dict):
        return [found]
    if _is_playlist(found):
        return records(found)
    return [{"items": found}]


def _is_playlist(listed: Any) -> bool:
    """Whether a list holds playlists rather than entries or tracks."""
    entries = [entry for entry in records(listed) if entry]
    return bool(entries) and all(
        "name" in entry and "artists" not in entry and ("tracks" in entry or "items" in entry)
        for entry in entries
    )


def _entries(playlist: dict[str, Any]) -> list[dict[str, Any]] | None:
    for key in ("tracks", "items"):
        found = playlist.get(key)
        found = found.get("items") if isinstance(found, dict) else found
        if isinstance(found, list):
            return records(found)
    return None


def _on_other_pages(playlist: dict[str, Any], read: int) -> int:
    """How many entries are on further pages of the answer."""
    for page in (playlist, record(playlist.get("tracks")), record(playlist.get("items"))):
        total, before = page.get("total"), page.get("offset")
        if page.get("next") and isinstance(total, int):
            return max(total - read - (before if isinstance(before, int) else 0), 0)
    return 0


def _track(entry: dict[str, Any]) -> Track | SetAside:
    # A page of an album or of top tracks holds the tracks themselves.
    track = entry if "artists" in entry else record(entry.get("track") or entry.get("item"))
    uri = text(track.get("uri")) or text(track.get("id"))
    what = no_song(uri)
    if what or text(track.get("type")) == "episode" or track.get("episode") is True:
        return SetAside(what or "podcast episode")
    if track.get("is_local") or entry.get("is_local"):
        return SetAside("local file")
    title = text(track.get("name"))
    if not title:
        return SetAside("removed track")
    artists = [
        (_id(artist, "artist") or text(artist.get("name")), text(artist.get("name")))
        for artist in records(track.get("artists"))
    ]
    album = record(track.get("album"))
    album_name = text(album.get("name"))
    album_id = _id(album, "album")
    isrc = text(record(track.get("external_ids")).get("isrc"))
    return song(
        title,
        artists,
        (album_id, album_name) if album_id else album_name,
        track_id=_id(track, "track"),
        aliases=[alias] if isrc and (alias := alias_of(isrc)) else [],
    )


def _id(described: dict[str, Any], kind: str) -> str | None:
    for key in ("uri", "id"):
        value = text(described.get(key))
        # An id is bare here, so that any is one of this kind.
        if found := spotify_uri(value if key == "uri" else f"spotify:{kind}:{value}", kind):
            return found
    return None


def _recognises(file: SourceFile) -> bool:
    keys = keys_of(file)
    entries = bool({b"track", b"item"} & keys) and bool({b"items", b"tracks", b"added_at"} & keys)
    of_spotify = bool({b"artists", b"uri", b"href", b"snapshot_id", b"added_at"} & keys)
    # A list of entries alone: [{"track": {…}}]
    entries |= {b"track", b"artists"} <= keys and file.head.lstrip().startswith(b"[")
    # Tracks themselves, as of an album: {"tracks": [{"artists": …, "uri": …}]}
    entries |= {b"artists", b"uri", b"name"} <= keys and b"spotify:track:" in file.head
    pages = b"items" in keys and (b"artists" in keys or b"snapshot_id" in keys)
    return b"playlist_id" not in keys and of_spotify and (entries or pages)


SPOTIFY_API = Format("playlists of Spotify's Web API", _recognises, _read, named=True, certain=True)
