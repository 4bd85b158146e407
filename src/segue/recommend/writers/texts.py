"""What the text formats share: names on one line, and ids as addresses."""

from __future__ import annotations

import re

from segue.data.records import Track

# As in RFC 3986: a scheme, then anything that needs no escape.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_SPOTIFY = re.compile(r"spotify:(track|artist|album|playlist):([A-Za-z0-9]{22})")
_MBID = "mbid:"


def one_line(text: str) -> str:
    """Text without line breaks and other control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def artist_names(track: Track) -> str:
    """The names of a track's artists, as people read them; empty where none is known."""
    return ", ".join(name for _, name in track.artists)


def readable(track: Track) -> str:
    """``Artist - Title`` on one line."""
    names = [one_line(artist_names(track)), one_line(track.name)]
    return " - ".join(name for name in names if name)


def is_uri(text: str) -> bool:
    """Whether an id can stand where a format wants a URI."""
    return _URI.fullmatch(text) is not None


def identifiers(track: Track) -> list[str]:
    """The track's id and its MusicBrainz ids, as far as they are URIs."""
    found = [track.id] if is_uri(track.id) else []
    found += [
        f"https://musicbrainz.org/recording/{alias.removeprefix(_MBID)}"
        for alias in track.aliases
        if alias.startswith(_MBID)
    ]
    return found


def link(track: Track) -> str | None:
    """A page to listen to a track, if its id is one of Spotify's."""
    match = _SPOTIFY.fullmatch(track.id)
    return None if match is None else f"https://open.spotify.com/{match[1]}/{match[2]}"
