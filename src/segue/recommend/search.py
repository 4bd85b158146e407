"""Finding a track by its id or its name."""

from __future__ import annotations

import difflib
import re
import unicodedata
from functools import cached_property

import numpy as np

from segue.data.playlists import Catalog, Int64Array
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
    for character in unicodedata.normalize("NFKD", text.casefold()):
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
        self.popularity = popularity

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        names: dict[str, list[int]] = {}
        for index, name in enumerate(self.catalog.track_names.to_pylist()):
            names.setdefault(fold(name), []).append(index)
        return names

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
        exact = self.catalog.track_index_of.get(text.strip())
        if exact is not None:
            return exact
        found = self._by_name.get(fold(text), []) if text.strip() else []
        if not found:
            found = self._with_artist(text)
        if len(found) > 1:
            # "Help!" is the track of just that name, though "Help" folds alike.
            names, wanted = self.catalog.track_names, text.strip().casefold()
            same = [track for track in found if str(names[track]).casefold() == wanted]
            found = same or found
        if len(found) == 1:
            return found[0]
        if found:
            artists = [int(self.catalog.track_artist[track]) for track in found]
            # The artist tells them apart only where an artist has a single one of them.
            tells = any(artist >= 0 and artists.count(artist) == 1 for artist in artists)
            ways = "by id or as 'name - artist'" if tells else "by id"
            by_popularity = sorted(found, key=lambda track: (-self.popularity[track], track))
            lines = [self.describe(track) for track in by_popularity[:MAX_CANDIDATES]]
            if len(found) > MAX_CANDIDATES:
                lines.append(f"… and {len(found) - MAX_CANDIDATES} more")
            raise NameLookupError(
                f"{text!r} is the name of {len(found)} tracks; say which, {ways}:", lines
            )
        near = [self.describe(track) for track in self._near(text)[:MAX_CANDIDATES]]
        hint = "; the closest are:" if near else ""
        raise NameLookupError(f"{text!r} is no track of this bundle{hint}", near)

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
                for track in self._by_name.get(fold(name), []):
                    by = int(self.catalog.track_artist[track])
                    if by >= 0 and self._artists[by] == wanted:
                        found.append(track)
        return sorted(set(found))

    def _near(self, text: str) -> list[int]:
        """Tracks whose name or artist holds the text, well-known ones first, else by spelling."""
        wanted = fold(text)
        if not wanted:
            return []
        held = [t for name, tracks in self._by_name.items() if wanted in name for t in tracks]
        if not held:
            artists = {a for a, name in enumerate(self._artists) if wanted in name}
            if artists:
                held = np.flatnonzero(
                    np.isin(self.catalog.track_artist, np.fromiter(artists, np.int64))
                ).tolist()
        held.sort(key=lambda track: (-self.popularity[track], track))
        if not held:
            # Only names of a like length: spelling distance over millions of names is slow.
            names = [n for n in self._by_name if abs(len(n) - len(wanted)) <= 2 + len(wanted) // 4]
            close = difflib.get_close_matches(wanted, names, n=5, cutoff=0.6)
            held = [track for name in close for track in self._by_name[name]]
        return held
