"""Resolve an id or a name to exactly one thing, or report near matches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from segue.data.playlists import Catalog, Int64Array, Playlists
from segue.errors import NameLookupError
from segue.names.name_file import Kind
from segue.names.search import NameIndex

MAX_CANDIDATES = 10
_SEPARATOR = re.compile(r"\s+[-–—]\s+")


class NameLookup:
    """Looks up everything that a bundle has names for: tracks, artists, and playlists if present.

    Parameters
    ----------
    catalog
    popularity : int64 [num_tracks]
        Orders candidates: well-known tracks first.
    playlists
        None if the bundle was made without playlists.
    folder
        The bundle's folder, which may hold an index of the names.

    Attributes
    ----------
    index : NameIndex
        Searches by words.
    """

    def __init__(
        self,
        catalog: Catalog,
        popularity: Int64Array,
        playlists: Playlists | None = None,
        folder: Path | None = None,
    ) -> None:
        self.catalog, self.popularity, self.playlists = catalog, popularity, playlists
        self.index = NameIndex(catalog, popularity, playlists, folder)

    def find(self, text: str, kind: Kind = "track") -> int:
        """Row of the track, artist or playlist that `text` refers to.

        Names match without regard to case, accents and punctuation. A track may also be given as
        ``"name - artist"``, in either order.

        Parameters
        ----------
        text
            Its id or its name.
        kind
            ``"track"``, ``"artist"`` or ``"playlist"``.

        Raises
        ------
        NameLookupError
            If there is none, or several; `candidates` lists the nearest.
        InputError
            If a playlist is asked for and the bundle was made without.
        """
        row = self._with_id(kind, text)
        if row is not None:
            return row
        found = self.matching(kind, text)
        if len(found) == 1:
            return found[0]
        if not found:
            lines = [self.describe(kind, near) for near in self.near(kind, text)]
            hint = "; the closest are:" if lines else ""
            raise NameLookupError(f"{text!r} matches no {kind} in this bundle{hint}", lines)
        lines = [self.describe(kind, row) for row in found[:MAX_CANDIDATES]]
        if len(found) > MAX_CANDIDATES:
            lines.append(f"… and {len(found) - MAX_CANDIDATES} more")
        ways = "by id"
        if kind == "track":
            artists = self.catalog.main_artist[found].tolist()
            # The artist distinguishes them only if each is by a different artist.
            if any(artist >= 0 and artists.count(artist) == 1 for artist in artists):
                ways += " or as 'name - artist'"
        message = f"{text!r} is the name of {len(found)} {kind}s; say which, {ways}:"
        raise NameLookupError(message, lines)

    def find_any(self, text: str) -> tuple[Kind, int]:
        """What `text` refers to among all kinds, as (kind, row): by id, else by name.

        Raises
        ------
        NameLookupError
            If there is none, or several; `candidates` lists the nearest.
        """
        kinds = self.index.kinds
        ids = {kind: self._with_id(kind, text) for kind in kinds}
        found = {kind: [row] for kind, row in ids.items() if row is not None}
        what, ways = "id", "with --kind"
        if not found:
            what, ways = "name", "by id or with --kind"
            found = {kind: self.matching(kind, text) for kind in kinds}
            found = {kind: rows for kind, rows in found.items() if rows}
        if len(found) == 1:
            ((only, rows),) = found.items()
            return only, rows[0] if len(rows) == 1 else self.find(text, only)
        if found:
            several = " and of ".join(_counted(len(rows), kind) for kind, rows in found.items())
            message = f"{text!r} is the {what} of {several}; say which, {ways}:"
            raise NameLookupError(message, self._lines(found))
        raise self.not_found(text, kinds)

    def not_found(self, text: str, kinds: Iterable[Kind]) -> NameLookupError:
        """The error for a name that nothing of these kinds has; it lists near matches."""
        near = {kind: self.near(kind, text, fuzzy=False) for kind in kinds}
        if not any(near.values()):
            near = {kind: self.near(kind, text) for kind in near}
        hint = "; the closest are:" if any(near.values()) else ""
        *others, last = near
        names = f"{', '.join(others)} or {last}" if others else last
        return NameLookupError(
            f"{text!r} matches no {names} in this bundle{hint}", self._lines(near)
        )

    def _with_id(self, kind: Kind, text: str) -> int | None:
        # An id may begin or end with spaces, and whoever types one may have added some.
        row = self.index.with_id(kind, text)
        return self.index.with_id(kind, text.strip()) if row is None else row

    def matching(self, kind: Kind, text: str) -> list[int]:
        """All with exactly this name, well-known ones first; tracks also by name and artist."""
        rows = self.index.named(kind, text) if text.strip() else []
        if kind == "track" and not rows:
            rows = self._with_artist(text)
        # Those with exactly this spelling: "Help!", though "Help" folds to the same; else all of
        # them.
        wanted = text.strip().casefold()
        names = self.index.names(kind)
        return [row for row in rows if str(names[row]).casefold() == wanted] or rows

    def near(self, kind: Kind, text: str, *, fuzzy: bool = True) -> list[int]:
        """Search results, or else, with `fuzzy`, similar spellings."""
        found: list[int] = self.index.search(kind, text, MAX_CANDIDATES).tolist()
        return found or (self.index.fuzzy(kind, text) if fuzzy else [])

    def describe(self, kind: Kind, row: int) -> str:
        """One of them as a printable line, ending with its id in brackets."""
        catalog = self.catalog
        if kind == "track":
            artist, album = self._artist_of(row), int(catalog.main_album[row])
            by = f" - {artist}" if artist else ""
            place = f", {catalog.albums.names[album]}" if album >= 0 else ""
            return f"{catalog.track_names[row]}{by}{place}  ({catalog.track_ids[row]})"
        num_tracks = self._num_tracks(kind, row)
        tracks = f"{num_tracks} track" + ("" if num_tracks == 1 else "s")
        name = self.index.names(kind)[row].as_py() or "without a title"
        return f"{name}, {tracks}  ({self.index.ids(kind)[row]})"

    def facts(self, kind: Kind, row: int) -> dict[str, Any]:
        """One of them as plain values: ``type``, ``id``, ``name``, and its size.

        A track has ``artist_name`` (empty where none is known) and ``num_playlists``, the others
        ``num_tracks``.
        """
        an_id, name = self.index.ids(kind)[row].as_py(), self.index.names(kind)[row].as_py()
        facts = {"type": kind, "id": an_id, "name": name}
        if kind == "track":
            more = {"artist_name": self._artist_of(row), "num_playlists": int(self.popularity[row])}
            return facts | more
        return facts | {"num_tracks": self._num_tracks(kind, row)}

    def _num_tracks(self, kind: Kind, row: int) -> int:
        if self.playlists is not None and kind == "playlist":
            return len(self.playlists.tracks[row])
        return int(self._num_tracks_of_artist[row])

    def _artist_of(self, track: int) -> str:
        return str(self.catalog.artist_of(np.array([track], dtype=np.int32))[0].as_py())

    @cached_property
    def _num_tracks_of_artist(self) -> Int64Array:
        """int64 [num_artists]."""
        return self.catalog.relations["artist"].target_degree

    def _with_artist(self, text: str) -> list[int]:
        by = self.catalog.relations["artist"]
        found: set[int] = set()
        for cut in _SEPARATOR.finditer(text):
            left, right = text[: cut.start()], text[cut.end() :]
            for name, artist in ((left, right), (right, left)):
                artists = set(self.index.named("artist", artist))
                if artists:
                    rows = self.index.named("track", name)
                    found.update(row for row in rows if not artists.isdisjoint(by[row].tolist()))
        return sorted(found, key=lambda row: (-self.popularity[row], row))

    def _lines(self, rows: dict[Kind, list[int]]) -> list[str]:
        """Some of each kind."""
        each = max(1, MAX_CANDIDATES // max(1, len([kind for kind in rows if rows[kind]])))
        return [
            f"{kind}: {self.describe(kind, row)}"
            for kind, found in rows.items()
            for row in found[:each]
        ]


def _counted(count: int, thing: str) -> str:
    return f"{'an' if thing == 'artist' else 'a'} {thing}" if count == 1 else f"{count} {thing}s"
