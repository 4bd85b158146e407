"""Lists of songs as JSON, in whatever way a program wrote them.

A song is text (as in a list that somebody pastes), ``[artist, title]``, or an object with a title:
``{"title": …, "artist": …}``, ``{"trackName": …, "artistName": …}``, ``{"name": …, "artists":
[{"name": …}]}``. A playlist is a list of songs, or an object that has one and says its name; a file
holds one playlist, a list of them, or an object that lists the songs of each by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from segue.data.formats.header_names import FIELDS, key_of
from segue.data.formats.json_values import keys_of, loaded, text
from segue.data.formats.song_lists import song_or_link
from segue.data.formats.songs import alias_of, artists_of, identified, song
from segue.data.records import Format, Playlist, Reject, SetAside, TableOptions, Track
from segue.data.source_file import SourceFile

_LARGEST = 64 << 20  # Bytes of a file that is parsed to see what it is.
_TITLES = ("title", "name", "trackname", "songname", "tracktitle", "songtitle", "track", "song")
_ARTISTS = ("artist", "artists", "artistname", "artistnames", "creator", "author")
_ALBUMS = ("album", "albumname", "albumtitle", "release")
_IDS = ("uri", "url", "link", "trackuri", "spotifyuri", "spotifyid", "id", "trackid", "identifier")
_LISTS = ("tracks", "songs", "items", "entries", "contents", "playlist", "list")
_NAMES = ("name", "title", "playlistname", "playlist")
# What other readers know, and what is not a list of songs.
_OTHERS = {
    b"pid", b"playlist_id", b"mix_id", b"track_metadata", b"msPlayed", b"ms_played", b"scrobbles",
    b"recenttracks", b"titleUrl",
}  # fmt: skip


def is_song(facts: Mapping[str, Any]) -> bool:
    """Whether an object says a title and an artist, and no playlist."""
    keys = {key_of(key) for key in facts}
    return bool(keys & {*_TITLES} and keys & {*_ARTISTS}) and not keys & {*FIELDS["playlist"]}


def _song(value: Any) -> Track | SetAside | None:
    """The song that a value is; None if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Track(str(value), str(value))
    if isinstance(value, str):
        return song_or_link(value) if value.strip() else SetAside("nameless track")
    if isinstance(value, list):
        pair = [text(part) for part in value]
        return song(pair[1], artists_of(pair[0])) if len(pair) == 2 and all(pair) else None
    if not isinstance(value, dict):
        return None
    facts = {key_of(key): part for key, part in value.items()}
    inner = facts.get("track")
    if isinstance(inner, dict):  # an entry of a playlist
        return _song(inner)
    if any(isinstance(facts.get(key), list) for key in _LISTS):
        return None
    title = next((found for key in _TITLES if (found := text(facts.get(key)))), "")
    if not title:
        return None
    artists = [name for key in _ARTISTS for name in _names(facts.get(key))]
    album = next((name for key in _ALBUMS for name in _names(facts.get(key))), "")
    known = [found for key in _IDS if (found := text(facts.get(key)))]
    track_id, aliases = identified(known)
    number = text(facts.get("id"))
    track_id = track_id or (number if number.isdecimal() else None)
    isrc = alias_of(text(facts.get("isrc")) or " ")
    return song(
        title,
        dict.fromkeys(artists),
        album,
        track_id=track_id,
        aliases=(*aliases, *([isrc] if isrc else [])),
    )


def _names(value: Any) -> list[str]:
    """Names in text, an object with a name, or a list of these."""
    if isinstance(value, list):
        return [name for part in value for name in _names(part)]
    if isinstance(value, dict):
        return [found for key in ("name", "title", "#text") if (found := text(value.get(key)))][:1]
    return artists_of(text(value))


def _songs(value: Any) -> list[Track | SetAside] | None:
    """The songs of a list; None if it is not one of songs."""
    if not isinstance(value, list):
        return None
    found = [song for part in value if (song := _song(part)) is not None]
    if len(found) < len(value):
        return None
    objects = [song for song, part in zip(found, value, strict=True) if isinstance(part, dict)]
    # A name alone may be that of anything.
    told = any(isinstance(s, Track) and (s.artists or s.id != s.name) for s in objects)
    return found if told or not objects else None


def _named(value: Any) -> tuple[str, list[Track | SetAside]] | None:
    """Name and songs of an object that is a playlist."""
    if not isinstance(value, dict):
        return None
    facts = {key_of(key): part for key, part in value.items()}
    name = next((found for key in _NAMES if (found := text(facts.get(key)))), "")
    for key in _LISTS:
        songs = _songs(facts.get(key))
        if songs is not None and (songs or name):
            return name, songs
    return None


def _playlists(content: Any) -> list[tuple[str, list[Track | SetAside]]]:
    """Name and songs of each playlist; empty if the content is something else."""
    if isinstance(content, dict) and isinstance(content.get("playlists"), list | dict):
        content = content["playlists"]
    if isinstance(content, dict):
        one = _named(content)
        if one is not None:
            return [one]
        each = {name: _songs(part) for name, part in content.items()}
        lists = {name: songs for name, songs in each.items() if songs is not None}
        full = len(lists) == len(each) and any(lists.values())
        return list(lists.items()) if full else []
    lists_of = [_named(part) for part in content] if isinstance(content, list) else []
    named = [found for found in lists_of if found is not None]
    if named and len(named) == len(lists_of):
        return named
    songs = _songs(content)
    return [("", songs)] if songs else []


@lru_cache(maxsize=2)  # to be recognised, and to be read
def _content(file: SourceFile) -> list[tuple[str, list[Track | SetAside]]]:
    def reject(*_: Any, **__: Any) -> None:
        """Somebody else says what is wrong with it."""

    return _playlists(loaded(file, reject))


def _recognises(file: SourceFile) -> bool:
    if file.head.lstrip()[:1] not in (b"{", b"[") or file.size > _LARGEST:
        return False
    if _OTHERS & keys_of(file):
        return False
    # In a folder, any list of words may be about something else.
    entries = (entry for _, entries in _content(file) for entry in entries)
    tracks = (entry for entry in entries if isinstance(entry, Track))
    return bool(_content(file)) and (file.alone or any(t.artists or t.id != t.name for t in tracks))


def _read(
    file: SourceFile, options: TableOptions, reject: Reject
) -> Iterator[tuple[str, Playlist] | SetAside]:
    for number, (name, entries) in enumerate(_content(file)):
        tracks = [entry for entry in entries if isinstance(entry, Track)]
        yield from (entry for entry in entries if isinstance(entry, SetAside))
        if tracks:
            title = name or file.stem
            yield f"playlist {number + 1}", Playlist(title, title, tracks)
        else:
            yield SetAside("empty playlist")


JSON_LISTS = Format("lists of songs as JSON", _recognises, _read, named=True, certain=True)
