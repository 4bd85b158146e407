"""Songs that a list holds twice: the same recording, or another version of a song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from segue.names.titles import Version, artist_keys, title_of

# The first is kept before the others.
_KINDS = ("plain", "same", "live", "other")


@dataclass(frozen=True)
class Named:
    """What a song of a list is called, and how well known it is.

    Attributes
    ----------
    artist
        The main artist; empty if it is not known.
    title
    track
        Row in the bundle, −1 if it is not there.
    popularity
        Playlists that hold it.
    """

    artist: str
    title: str
    track: int = -1
    popularity: int = 0


@dataclass(frozen=True)
class Duplicate:
    """A song that a list holds in another place, too.

    Attributes
    ----------
    place
        Its place in the list, from 1.
    of
        The place of the one that stays.
    kind
        ``"same"``: the same recording, under this or another id, or from another edition, such as a
        remaster. ``"version"``: another recording of the song, such as a live one or a remix.
    """

    place: int
    of: int
    kind: Literal["same", "version"]


def duplicates(songs: Sequence[Named]) -> tuple[Duplicate, ...]:
    """The songs that could go because another of the same artist and title stays.

    Of the recordings of a song the plain one stays rather than a live one or a remix; of the copies
    of a recording one that the bundle knows, the best-known, the first.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    versions: list[Version] = []
    for place, song in enumerate(songs):
        title = title_of(song.title)
        versions.append(title.version)
        keys = artist_keys(song.artist)
        # Without an artist, only the very same one is the same.
        key = (keys[0], title.song) if keys and title.song else ("", f"{song.track} {song.title}")
        groups.setdefault(key, []).append(place)
    found = []
    for places in groups.values():
        places.sort(key=lambda at: _rank(songs[at], versions[at], at))
        stays: dict[tuple[str, frozenset[str]], int] = {}
        for place in places:
            version = versions[place]
            same = version.kind in ("plain", "same")
            recording = ("", frozenset[str]()) if same else (version.kind, version.words)
            if recording in stays:
                found.append(Duplicate(place + 1, stays[recording] + 1, "same"))
                continue
            stays[recording] = place
            if place != places[0]:
                found.append(Duplicate(place + 1, places[0] + 1, "version"))
    return tuple(sorted(found, key=lambda duplicate: duplicate.place))


def _rank(song: Named, version: Version, place: int) -> tuple[int, bool, int, int]:
    """The smallest stays."""
    # A plain title and a remaster are one recording: of these the better known stays.
    kind = max(1, _KINDS.index(version.kind))
    return kind, song.track < 0, -song.popularity, place
