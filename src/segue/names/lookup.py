"""Resolve an id or a name to exactly one thing, or report near matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from segue.data.playlists import Catalog, Int64Array, Playlists
from segue.data.text import shorten
from segue.errors import InputError, NameLookupError
from segue.names.asked import asked_songs, asked_text
from segue.names.describe import describe_track, track_facts
from segue.names.match import MAX_CANDIDATES, Match, Matcher
from segue.names.matches import Matches, Songs
from segue.names.name_file import Kind
from segue.names.search import NameIndex

_SHOWN = 200  # Letters of a text that a message repeats.


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
    matcher : Matcher
        Finds the track that a song is.
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
        self.matcher = Matcher(self.index)

    def find(self, text: str, kind: Kind = "track") -> int:
        """Row of the track, artist or playlist that `text` refers to.

        Names match without regard to case, accents and punctuation. A track may also be given as
        ``"name - artist"``, in either order, by a Spotify link, or as other services spell it (see
        `segue.names.match`).

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
        if kind == "track":
            return self.row_of(self.matcher.match(asked_text(text)))
        row = self._with_id(kind, text)
        if row is not None:
            return row
        found = self._named(kind, text)
        if len(found) == 1:
            return found[0]
        if not found:
            raise self._no(kind, text, self.near(kind, text))
        raise self._several(kind, text, found, len(found))

    def row_of(self, match: Match) -> int:
        """The track of a match.

        Raises
        ------
        NameLookupError
            If it was not found, or is not clear; `candidates` lists what it may be.
        """
        if match.track is not None:
            return match.track
        candidates = list(match.candidates)
        if match.how == "several":
            raise self._several("track", match.asked, candidates, match.count)
        raise self._no("track", match.asked, candidates or self.near("track", match.asked))

    def match(self, songs: Any) -> Matches:
        """What became of some songs; see `segue.names.asked.asked_songs` for their forms.

        Raises
        ------
        InputError
            If one is in another form, or if they were matched with another bundle.
        """
        if isinstance(songs, Matches):
            if songs.catalog is not self.catalog:
                raise InputError("these songs were matched with another bundle, match them again")
            return songs
        found = tuple(self.matcher.match(asked) for asked in asked_songs(songs))
        return Matches(found, self.catalog, self.popularity)

    def songs(self, texts: Sequence[str], *, others: bool = False) -> Songs:
        """The songs of a question; those that are not in the bundle are passed over.

        Raises
        ------
        NameLookupError
            If one is the name of several songs, or none is known; unless there are `others`, such
            as artists, to ask with.
        """
        matches = self.match(texts)
        for match in matches:
            if match.how == "several":
                self.row_of(match)
        rows = dict.fromkeys(match.track for match in matches if match.track is not None)
        if matches and not rows and not others:
            self.row_of(matches[0])
        unknown = tuple(match.asked for match in matches if match.track is None)
        return Songs(tuple(rows), matches.took, unknown)

    def _no(self, kind: Kind, text: str, near: list[int]) -> NameLookupError:
        lines = [self._line(kind, row) for row in near]
        hint = "; the closest are:" if lines else ""
        text = shorten(text, _SHOWN)
        return NameLookupError(f"{text!r} matches no {kind} in this bundle{hint}", lines)

    def _several(self, kind: Kind, text: str, found: list[int], count: int) -> NameLookupError:
        lines = [self._line(kind, row) for row in found[:MAX_CANDIDATES]]
        if count > len(lines):
            lines.append(f"… and {count - len(lines)} more")
        ways = "by id"
        if kind == "track":
            artists = self.catalog.main_artist[found].tolist()
            # The artist distinguishes them only if each is by a different artist.
            if any(artist >= 0 and artists.count(artist) == 1 for artist in artists):
                ways += " or as 'name - artist'"
        message = f"{shorten(text, _SHOWN)!r} is the name of {count} {kind}s; say which, {ways}:"
        return NameLookupError(message, lines)

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
            found = {kind: self._named(kind, text) for kind in kinds}
            found = {kind: rows for kind, rows in found.items() if rows}
        if len(found) == 1:
            ((only, rows),) = found.items()
            return only, rows[0] if len(rows) == 1 else self.find(text, only)
        if found:
            several = " and of ".join(_counted(len(rows), kind) for kind, rows in found.items())
            text = shorten(text, _SHOWN)
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
            f"{shorten(text, _SHOWN)!r} matches no {names} in this bundle{hint}", self._lines(near)
        )

    def _with_id(self, kind: Kind, text: str) -> int | None:
        # An id may begin or end with spaces, and whoever types one may have added some.
        row = self.index.with_id(kind, text)
        return self.index.with_id(kind, text.strip()) if row is None else row

    def _named(self, kind: Kind, text: str) -> list[int]:
        """All with exactly this name, well-known ones first; a track also if it is found by it."""
        if kind == "track":
            match = self.matcher.match(asked_text(text))
            clear = match.track is not None and match.how != "spelling"
            return [match.track] if clear and match.track is not None else self._equal(match)
        rows = self.index.named(kind, text) if text.strip() else []
        # Those with exactly this spelling: "Help!", though "Help" folds to the same; else all of
        # them.
        wanted = text.strip().casefold()
        names = self.index.names(kind)
        return [row for row in rows if str(names[row]).casefold() == wanted] or rows

    def _equal(self, match: Match) -> list[int]:
        return list(match.candidates) if match.how == "several" else []

    def near(self, kind: Kind, text: str, *, fuzzy: bool = True) -> list[int]:
        """Search results, or else, with `fuzzy`, similar spellings."""
        found: list[int] = self.index.search(kind, text, MAX_CANDIDATES).tolist()
        return found or (self.index.fuzzy(kind, text) if fuzzy else [])

    def describe(self, kind: Kind, row: int) -> str:
        """One of them as a printable line, ending with its id in brackets."""
        if kind == "track":
            return describe_track(self.catalog, row)
        num_tracks = self._num_tracks(kind, row)
        tracks = f"{num_tracks} track" + ("" if num_tracks == 1 else "s")
        name = self.index.names(kind)[row].as_py() or "without a title"
        return f"{name}, {tracks}  ({self.index.ids(kind)[row]})"

    def _line(self, kind: Kind, row: int) -> str:
        """A line of a message, which is no longer than a screen."""
        return shorten(self.describe(kind, row), _SHOWN)

    def facts(self, kind: Kind, row: int) -> dict[str, Any]:
        """One of them as plain values: ``type``, ``id``, ``name``, and its size.

        A track has ``artist_name`` (empty where none is known) and ``num_playlists``, the others
        ``num_tracks``.
        """
        if kind == "track":
            return track_facts(self.catalog, self.popularity, row)
        an_id, name = self.index.ids(kind)[row].as_py(), self.index.names(kind)[row].as_py()
        return {"type": kind, "id": an_id, "name": name, "num_tracks": self._num_tracks(kind, row)}

    def _num_tracks(self, kind: Kind, row: int) -> int:
        if self.playlists is not None and kind == "playlist":
            return len(self.playlists.tracks[row])
        return int(self._num_tracks_of_artist[row])

    @cached_property
    def _num_tracks_of_artist(self) -> Int64Array:
        """int64 [num_artists]."""
        return self.catalog.relations["artist"].target_degree

    def _lines(self, rows: dict[Kind, list[int]]) -> list[str]:
        """Some of each kind."""
        each = max(1, MAX_CANDIDATES // max(1, len([kind for kind in rows if rows[kind]])))
        return [
            f"{kind}: {self._line(kind, row)}"
            for kind, found in rows.items()
            for row in found[:each]
        ]


def _counted(count: int, thing: str) -> str:
    return f"{'an' if thing == 'artist' else 'a'} {thing}" if count == 1 else f"{count} {thing}s"
