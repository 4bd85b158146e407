"""From ids to rows: the tracks, artists and playlists of a bundle by id."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, TypeAlias

from segue.bundle import Bundle
from segue.data.playlists import Playlists
from segue.errors import InputError, NameLookupError

# An id or a name. Integers stand for their digits: many data sets number their playlists.
Text: TypeAlias = str | int


def as_text(given: Any, what: str = "track") -> str:
    """An id or a name as text (InputError if it is neither text nor an integer)."""
    if isinstance(given, str):
        return given
    if isinstance(given, Integral) and not isinstance(given, bool):
        return str(given)
    raise InputError(f"{given!r} is not the id or name of {_with_article(what)}")


def as_texts(given: Text | Iterable[Text], what: str = "track") -> list[str]:
    """Several ids or names; a single one need not be in a list.

    Raises
    ------
    InputError
        If one of them is neither text nor an integer.
    """
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        return [as_text(given, what)]
    return [as_text(one, what) for one in given]


class Rows:
    """Finds the row of an id.

    Parameters
    ----------
    bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def track(self, track_id: Text) -> int:
        """Row of a track (NameLookupError if the bundle has no such track)."""
        track_id = as_text(track_id)
        row = self._bundle.catalog.tracks.index_of.get(track_id)
        if row is None:
            raise NameLookupError(f"{track_id!r} is not the id of a track of this bundle")
        return row

    def artist(self, artist_id: Text) -> int:
        """Row of an artist (NameLookupError if the bundle has no such artist)."""
        artist_id = as_text(artist_id, "artist")
        row = self._bundle.catalog.artists.index_of.get(artist_id)
        if row is None:
            raise NameLookupError(f"{artist_id!r} is not the id of an artist of this bundle")
        return row

    def playlist(self, playlist_id: Text) -> int:
        """Row of a playlist.

        Raises
        ------
        NameLookupError
            If the bundle has no such playlist.
        InputError
            If the bundle was made without playlists.
        """
        playlist_id, playlists = as_text(playlist_id, "playlist"), self.playlists
        row = playlists.index_of.get(playlist_id)
        if row is None:
            some = ", ".join(str(playlist) for playlist in playlists.ids[:3])
            raise NameLookupError(
                f"{playlist_id!r} is not a playlist of this bundle"
                + (f", expected an id such as {some}" if some else ", which has none")
            )
        return row

    @property
    def playlists(self) -> Playlists:
        """The bundle's playlists (InputError if it has none)."""
        if self._bundle.playlists is None:
            raise InputError(
                "this bundle was made without playlists (--no-playlists), so none can be named; "
                "give the tracks instead"
            )
        return self._bundle.playlists


def _with_article(what: str) -> str:
    return f"an {what}" if what == "artist" else f"a {what}"
