"""Songs that somebody asks for, in whatever form they come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

from segue.data.collection import Collection
from segue.data.playlists import Catalog
from segue.data.text import shorten, spotify_uri
from segue.errors import InputError

_ISRC = re.compile(r"(?:isrc:\s*)?([A-Z]{2})-?([A-Z0-9]{3})-?(\d{2})-?(\d{5})", re.IGNORECASE)
_MBID = re.compile(
    r"(?:mbid:\s*|https?://(?:\w+\.)?musicbrainz\.org/(?:recording|track)/)?"
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?",
    re.IGNORECASE,
)
_SPOTIFY = "spotify:track:"


@dataclass(frozen=True)
class Asked:
    """A song that is looked for.

    Attributes
    ----------
    text : str
        The song in words.
    ids : tuple of str
        What its id may be.
    aliases : tuple of str
        As `segue.data.relations.Nodes.aliases`.
    title : str
        Empty where `text` is all that is known.
    artists : tuple of str
        The main one first; empty where none is known.
    """

    text: str
    ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    title: str = ""
    artists: tuple[str, ...] = ()


def asked_text(text: str) -> Asked:
    """A song as a line of text: an id, a link, an ISRC, or names."""
    return Asked(text, ids_of(text), aliases_in(text))


def ids_of(text: str) -> tuple[str, ...]:
    """The ids that a text may be: as it stands, trimmed, and as Spotify writes it."""
    ids = [text, text.strip()]
    uri = spotify_uri(text.strip())
    if uri is not None:
        ids += [uri, uri.removeprefix(_SPOTIFY)]
    return tuple(dict.fromkeys(ids))


def aliases_in(text: str) -> tuple[str, ...]:
    """The ISRC or MusicBrainz id that a text is."""
    stripped = text.strip()
    if found := _ISRC.fullmatch(stripped):
        return (f"isrc:{''.join(found.groups()).upper()}",)
    if found := _MBID.fullmatch(stripped):
        return (f"mbid:{found[1].lower()}",)
    return ()


def asked_songs(songs: Any) -> list[Asked]:
    """Songs in any form, each as what is known of it.

    Parameters
    ----------
    songs
        A Catalog or a Collection (its tracks), or a sequence of text (an id, a link, "artist -
        title", a title), integers and (artist, title); several artists may be a list.

    Raises
    ------
    InputError
        If one is in another form, naming it.
    """
    if isinstance(songs, Collection):
        songs = songs.catalog
    if isinstance(songs, Catalog):
        return list(_of_catalog(songs))
    if isinstance(songs, str | bytes | Integral) or not isinstance(songs, Iterable):
        songs = [songs]
    return [_asked(place, song) for place, song in enumerate(songs)]


def _asked(place: int, song: Any) -> Asked:
    if isinstance(song, str):
        return asked_text(song)
    if isinstance(song, Integral) and not isinstance(song, bool):
        return asked_text(str(song))
    if isinstance(song, tuple) and len(song) == 2:
        artists, title = song
        artists = (artists,) if isinstance(artists, str) else artists
        if isinstance(artists, list | tuple) and all(isinstance(a, str) for a in (*artists, title)):
            artists = tuple(artist for artist in artists if artist.strip())
            if not title.strip():
                raise InputError(f"song {place}: its title is empty, expected (artist, title)")
            return _named(title, artists)
    raise InputError(
        f"song {place} is {shorten(repr(song), 80)}, expected an id, a name, or (artist, title)"
    )


def _named(title: str, artists: tuple[str, ...]) -> Asked:
    text = f"{', '.join(artists)} - {title}" if artists else title
    return Asked(text, title=title, artists=artists)


def _of_catalog(catalog: Catalog) -> Iterator[Asked]:
    by, names = catalog.relations["artist"], catalog.artists.names.to_pylist()
    stored = catalog.tracks.aliases
    further = [()] * catalog.num_tracks if stored is None else stored.to_pylist()
    columns = zip(
        catalog.track_ids.to_pylist(), catalog.track_names.to_pylist(), further, strict=True
    )
    for row, (an_id, title, those) in enumerate(columns):
        artists = tuple(names[artist] for artist in by[row].tolist() if names[artist])
        ids, aliases = ids_of(an_id), (*those, *aliases_in(an_id))
        if not title or (title == an_id and not artists):
            yield Asked(an_id, ids, aliases)
        else:
            yield replace(_named(title, artists), ids=ids, aliases=aliases)
