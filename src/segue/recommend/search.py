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
_SEPARATOR = re.compile(r"\s+[-–—]\s+")


def fold(text: str) -> str:
    """Text without case, accents and punctuation: ``"Beyoncé – Halo!"`` → ``"beyonce halo"``.

    Letters of every script stay. Text of punctuation alone is only trimmed and lower-cased.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(" " if not c.isalnum() else c for c in plain if not unicodedata.combining(c))
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
        if len(found) == 1:
            return found[0]
        if found:
            raise NameLookupError(
                f"{text!r} is the name of {len(found)} tracks; say which, by id or as "
                "'name - artist'",
                self._lines(found),
            )
        near = self._near(text)
        hint = "; the closest are" if near else ""
        raise NameLookupError(f"{text!r} is no track of this bundle{hint}", self._lines(near))

    def describe(self, index: int) -> str:
        """``name - artist  (id)``."""
        catalog = self.catalog
        artist = catalog.artist_names[int(catalog.track_artist[index])]
        return f"{catalog.track_names[index]} - {artist}  ({catalog.track_ids[index]})"

    def _lines(self, tracks: list[int]) -> list[str]:
        by_popularity = sorted(tracks, key=lambda t: (-self.popularity[t], t))
        return [self.describe(index) for index in by_popularity[:MAX_CANDIDATES]]

    def _with_artist(self, text: str) -> list[int]:
        found: list[int] = []
        parts = list(_SEPARATOR.finditer(text))
        for cut in parts:
            left, right = text[: cut.start()], text[cut.end() :]
            for name, artist in ((left, right), (right, left)):
                wanted = fold(artist)
                for track in self._by_name.get(fold(name), []):
                    if self._artists[self.catalog.track_artist[track]] == wanted:
                        found.append(track)
        return sorted(set(found))

    def _near(self, text: str) -> list[int]:
        """Tracks whose name or artist holds the text, else those spelt most alike."""
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
        if not held:
            # Only names of a like length: spelling distance over millions of names is slow.
            names = [n for n in self._by_name if abs(len(n) - len(wanted)) <= 2 + len(wanted) // 4]
            close = difflib.get_close_matches(wanted, names, n=5, cutoff=0.6)
            held = [track for name in close for track in self._by_name[name]]
        return held
