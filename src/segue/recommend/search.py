"""Finding a track, an artist or a playlist by its id or its name."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.data.playlists import Catalog, Int64Array, Playlists
from segue.errors import NameLookupError

MAX_CANDIDATES = 10
_ACCENTED_SCRIPTS = {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW"}
_APOSTROPHES = "'’ʼ`´"
_SEPARATOR = re.compile(r"\s+[-–—]\s+")


def fold(text: str) -> str:
    """Text without case, accents and punctuation: ``"Beyoncé – Don't!"`` → ``"beyonce dont"``.

    Letters of every script stay, with the marks that are part of them (vowel signs, voicing); only
    where marks are accents or optional vowels are they dropped. Text of punctuation alone is only
    trimmed and lower-cased.
    """
    kept, drops_marks = [], False
    # Twice: what is decomposed may have a case of its own (the mathematical capital 𝞐 is an Α).
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text.casefold())
    for character in text:
        if unicodedata.category(character).startswith("M"):
            kept.append("" if drops_marks else character)
        elif character.isalnum():
            script = unicodedata.name(character, "").partition(" ")[0]
            drops_marks = script in _ACCENTED_SCRIPTS
            kept.append(character)
        else:
            kept.append("" if character in _APOSTROPHES else " ")
    plain = unicodedata.normalize("NFC", "".join(kept))
    return " ".join(plain.split()) or text.strip().casefold()


class NameIndex:
    """Things that have an id and a name: found by either, else what is near is named.

    Parameters
    ----------
    thing
        What they are, in the singular: for messages.
    names : Arrow string [num_things]
        Null where one has none.
    row_of : callable
        Row of an id, None where nothing has it.
    renown : int64 [num_things]
        Puts the well-known first among candidates.
    describe : callable
        One of them as a line for people, by its row.
    """

    def __init__(
        self,
        thing: str,
        names: pa.Array,
        row_of: Callable[[str], int | None],
        renown: Int64Array,
        describe: Callable[[int], str],
    ) -> None:
        self.thing, self.names, self.row_of = thing, names, row_of
        self.renown, self.describe = renown, describe

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """Folded name → rows."""
        found: dict[str, list[int]] = {}
        for row, name in enumerate(self.names.to_pylist()):
            if name is not None:
                found.setdefault(fold(name), []).append(row)
        return found

    def named(self, text: str) -> list[int]:
        """All with just this name, if need be without regard to case, accents and punctuation."""
        return self.exact(self.by_name.get(fold(text), []) if text.strip() else [], text)

    def exact(self, rows: list[int], text: str) -> list[int]:
        """Those spelt just so: "Help!", though "Help" folds alike; all of them if none is."""
        wanted = text.strip().casefold()
        return [row for row in rows if str(self.names[row]).casefold() == wanted] or rows

    def holding(self, text: str) -> list[int]:
        """All whose name holds the text, well-known ones first."""
        wanted = fold(text)
        held = [r for name, rows in self.by_name.items() if wanted in name for r in rows]
        return self.by_renown(held) if wanted else []

    def spelt_like(self, text: str) -> list[int]:
        """Those whose names are spelt much like the text."""
        wanted = fold(text)
        # Only names of a like length: spelling distance over millions of names is slow.
        names = [n for n in self.by_name if abs(len(n) - len(wanted)) <= 2 + len(wanted) // 4]
        close = difflib.get_close_matches(wanted, names, n=5, cutoff=0.6) if wanted else []
        return [row for name in close for row in self.by_name[name]]

    def by_renown(self, rows: Iterable[int]) -> list[int]:
        """Well-known ones first, then by row."""
        return sorted(rows, key=lambda row: (-self.renown[row], row))

    def find(self, text: str) -> int:
        """The one whose id or name `text` is.

        Raises
        ------
        NameLookupError
            If there is none, or several; `candidates` lists the nearest.
        """
        row = self.row_of(text.strip())
        return row if row is not None else self.one_of(self.named(text), text)

    def one_of(self, rows: list[int], text: str, ways: str = "by id") -> int:
        """The only one of some rows (NameLookupError if it is not the only one).

        `ways` says how a person can tell which one is meant.
        """
        if len(rows) == 1:
            return rows[0]
        if rows:
            lines = [self.describe(row) for row in self.by_renown(rows)[:MAX_CANDIDATES]]
            if len(rows) > MAX_CANDIDATES:
                lines.append(f"… and {len(rows) - MAX_CANDIDATES} more")
            raise NameLookupError(
                f"{text!r} is the name of {len(rows)} {self.thing}s; say which, {ways}:", lines
            )
        raise self.unknown(text, self.holding(text) or self.spelt_like(text))

    def unknown(self, text: str, near: list[int]) -> NameLookupError:
        """The error that says that nothing has this name, and what is near."""
        lines = [self.describe(row) for row in near[:MAX_CANDIDATES]]
        hint = "; the closest are:" if lines else ""
        return NameLookupError(f"{text!r} is no {self.thing} of this bundle{hint}", lines)


class TrackNames:
    """Looks tracks up by id, by name, or by name and artist.

    Parameters
    ----------
    catalog
    popularity : int64 [num_tracks]
        Puts well-known tracks first among candidates.
    """

    def __init__(self, catalog: Catalog, popularity: Int64Array) -> None:
        self.catalog = catalog
        self.index = NameIndex(
            "track",
            catalog.track_names,
            lambda track_id: catalog.track_index_of.get(track_id),
            popularity,
            self.describe,
        )

    @cached_property
    def _artists(self) -> list[str]:
        return [fold(name) for name in self.catalog.artist_names.to_pylist()]

    def find(self, text: str) -> int:
        """The track that `text` stands for: its id, its name, or ``"name - artist"``.

        Names match without regard to case, accents and punctuation; artist and name may stand
        in either order.

        Raises
        ------
        NameLookupError
            If there is none, or several; `candidates` lists the nearest.
        """
        row = self.index.row_of(text.strip())
        if row is not None:
            return row
        found = self.matching(text)
        if not found:
            raise self.index.unknown(text, self._near(text))
        artists = [int(self.catalog.track_artist[track]) for track in found]
        # The artist tells them apart only where an artist has a single one of them.
        tells = any(artist >= 0 and artists.count(artist) == 1 for artist in artists)
        return self.index.one_of(found, text, "by id" + " or as 'name - artist'" * tells)

    def matching(self, text: str) -> list[int]:
        """All tracks with this name, or with this name and artist."""
        return self.index.named(text) or self.index.exact(self._with_artist(text), text)

    def describe(self, index: int) -> str:
        """``name - artist, album  (id)``, without what is not known."""
        catalog = self.catalog
        artist, album = int(catalog.track_artist[index]), int(catalog.track_album[index])
        by = f" - {catalog.artist_names[artist]}" if artist >= 0 else ""
        place = f", {catalog.album_names[album]}" if album >= 0 else ""
        return f"{catalog.track_names[index]}{by}{place}  ({catalog.track_ids[index]})"

    def _with_artist(self, text: str) -> list[int]:
        found: list[int] = []
        parts = list(_SEPARATOR.finditer(text))
        for cut in parts:
            left, right = text[: cut.start()], text[cut.end() :]
            for name, artist in ((left, right), (right, left)):
                wanted = fold(artist)
                for track in self.index.by_name.get(fold(name), []):
                    by = int(self.catalog.track_artist[track])
                    if by >= 0 and self._artists[by] == wanted:
                        found.append(track)
        return sorted(set(found))

    def _near(self, text: str) -> list[int]:
        """Tracks whose name or artist holds the text, well-known ones first, else by spelling."""
        held = self.index.holding(text)
        wanted = fold(text)
        if wanted and not held:
            artists = [a for a, name in enumerate(self._artists) if wanted in name]
            held = self.index.by_renown(
                np.flatnonzero(np.isin(self.catalog.track_artist, artists)).tolist()
            )
        return held or self.index.spelt_like(text)


def artist_names(catalog: Catalog) -> NameIndex:
    """Finds artists by id or name."""
    known = catalog.track_artist[catalog.track_artist >= 0]
    num_tracks = np.bincount(known, minlength=catalog.num_artists)

    def describe(row: int) -> str:
        name, artist_id = catalog.artist_names[row], catalog.artist_ids[row]
        return f"{name}, {_tracks(num_tracks[row])}  ({artist_id})"

    def row_of(artist_id: str) -> int | None:
        row = pc.index(catalog.artist_ids, artist_id).as_py()
        return row if row >= 0 else None

    return NameIndex("artist", catalog.artist_names, row_of, num_tracks, describe)


def playlist_names(playlists: Playlists) -> NameIndex:
    """Finds playlists by id or title; many share a title."""
    lengths = playlists.tracks.lengths

    def describe(row: int) -> str:
        title = playlists.titles[row].as_py() or "without a title"
        return f"{title}, {_tracks(lengths[row])}  ({playlists.ids[row]})"

    def row_of(playlist_id: str) -> int | None:
        return playlists.index_of.get(playlist_id)

    return NameIndex("playlist", playlists.titles, row_of, lengths, describe)


class NodeNames:
    """Looks up whatever a bundle has a name for: tracks, artists, and playlists if it holds them.

    Parameters
    ----------
    tracks
    playlists
        None where the bundle was made without.
    """

    def __init__(self, tracks: TrackNames, playlists: Playlists | None) -> None:
        self.tracks = tracks
        self.indexes: dict[str, NameIndex] = {
            "artist": artist_names(tracks.catalog),
            "track": tracks.index,
        }
        if playlists is not None:
            self.indexes["playlist"] = playlist_names(playlists)

    def find(self, text: str, node_type: str | None = None) -> tuple[str, int]:
        """The node that `text` stands for, as (type, row): by id, else by name.

        Parameters
        ----------
        text
            Its id or name; of a track also ``"name - artist"``.
        node_type
            ``"playlist"``, ``"track"`` or ``"artist"``; None looks among all.

        Raises
        ------
        NameLookupError
            If there is none, or several; `candidates` lists the nearest.
        """
        if node_type is not None:
            finder = self.tracks if node_type == "track" else self.indexes[node_type]
            return node_type, finder.find(text)
        ids = {t: index.row_of(text.strip()) for t, index in self.indexes.items()}
        found = {t: [row] for t, row in ids.items() if row is not None}
        what, ways = "id", "with --type"
        if not found:
            what, ways = "name", "by id or with --type"
            found = {t: self._matching(t, text) for t in self.indexes}
            found = {t: rows for t, rows in found.items() if rows}
        if len(found) == 1:
            ((only, rows),) = found.items()
            if len(rows) == 1:
                return only, rows[0]
            return self.find(text, only)
        if found:
            several = " and of ".join(_counted(len(rows), t) for t, rows in found.items())
            message = f"{text!r} is the {what} of {several}; say which, {ways}:"
            raise NameLookupError(message, self._lines(found))
        near = {t: index.holding(text) for t, index in self.indexes.items()}
        if not any(near.values()):
            near = {t: index.spelt_like(text) for t, index in self.indexes.items()}
        hint = "; the closest are:" if any(near.values()) else ""
        *others, last = self.indexes
        kinds = f"{', '.join(others)} or {last}"
        raise NameLookupError(f"{text!r} is no {kinds} of this bundle{hint}", self._lines(near))

    def _matching(self, node_type: str, text: str) -> list[int]:
        if node_type == "track":
            return self.tracks.matching(text)
        return self.indexes[node_type].named(text)

    def _lines(self, rows: dict[str, list[int]]) -> list[str]:
        """Some of each type."""
        each = max(1, MAX_CANDIDATES // max(1, len([t for t in rows if rows[t]])))
        return [
            f"{t}: {self.indexes[t].describe(row)}"
            for t, found in rows.items()
            for row in self.indexes[t].by_renown(found)[:each]
        ]


def _counted(count: int, thing: str) -> str:
    return f"{'an' if thing == 'artist' else 'a'} {thing}" if count == 1 else f"{count} {thing}s"


def _tracks(count: int) -> str:
    return f"{count} track" + ("" if count == 1 else "s")
