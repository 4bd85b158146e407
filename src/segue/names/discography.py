"""The tracks of a catalogue by their artists, as matching asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa
from rapidfuzz.fuzz import partial_ratio
from rapidfuzz.process import cdist

from segue.data.playlists import Int64Array
from segue.names.search import NameIndex
from segue.names.titles import Title, artist_keys, title_of

MOST_ROWS = 5000  # Tracks or artists of one name that are looked at, the best-known first.
MOST_COMPARED = 200  # Those of them whose artists' spelling is compared.
_ALIKE = 60  # Of 100, from which two titles are compared more closely.


class Discography:
    """What an index of names knows of artists and their tracks.

    Parameters
    ----------
    index
    """

    def __init__(self, index: NameIndex) -> None:
        self._index, self._catalog = index, index.catalog

    def artists(self, name: str) -> dict[int, int]:
        """Artists of a name: row → 0 if the whole name is the same, 1 if its first part is."""
        keys, found = artist_keys(name), {}
        for row in self._index.keyed("artist", keys, MOST_ROWS):
            ours = artist_keys(self._catalog.artists.names[row].as_py() or "")
            if not set(keys).isdisjoint(ours):
                found[row] = int(keys[0] != ours[0])
        return found

    def tracks_by(self, artists: Iterable[int]) -> list[int]:
        """Tracks whose main artist is one of some."""
        order, first = self._by_main_artist
        groups: list[list[int]] = [order[first[at] : first[at + 1]].tolist() for at in artists]
        if len(groups) == 1:
            return groups[0]
        return sorted((row for group in groups for row in group), key=self.fame)

    @cached_property
    def _by_main_artist(self) -> tuple[Int64Array, Int64Array]:
        """Tracks by main artist, the best-known first, and where each one's begin: int64."""
        main = self._catalog.main_artist
        order: Int64Array = np.lexsort((-self._popularity, main))
        num_artists = len(self._catalog.artists)
        return order, np.searchsorted(main[order], np.arange(num_artists + 1))

    def alike(self, title: Title, artists: Iterable[int]) -> Iterator[tuple[int, Title]]:
        """Tracks by some artists whose titles are somewhat like one, the best-known first."""
        rows = self.tracks_by(artists)
        if not rows:
            return
        names = self._catalog.track_names.take(pa.array(rows)).to_pylist()
        folded = [(name or "").lower() for name in names]
        # A small part of the time that taking all titles apart would take.
        (alike,) = cdist([" ".join(title.words)], folded, scorer=partial_ratio, score_cutoff=_ALIKE)
        for row, name, score in zip(rows, names, alike.tolist(), strict=True):
            if score or not (name or "").isascii():
                yield row, title_of(name or "")

    def fame(self, row: int) -> tuple[int, int]:
        """A key that puts the best-known track first."""
        return -int(self._popularity[row]), row

    @property
    def _popularity(self) -> Int64Array:
        return self._index.popularity

    def title(self, row: int) -> str:
        """A track's name, as it stands."""
        return self._catalog.track_names[row].as_py() or ""

    def artist(self, row: int) -> str:
        """The main artist's name, empty where none is known."""
        main = int(self._catalog.main_artist[row])
        return (self._catalog.artists.names[main].as_py() or "") if main >= 0 else ""

    def artists_of(self, row: int) -> list[str]:
        """The names of all artists of a track, the main one first."""
        names = self._catalog.artists.names
        return [names[int(at)].as_py() or "" for at in self._catalog.relations["artist"][row]]

    def written(self, row: int) -> list[str]:
        """A track's name alone, and with its main artist or all of them before or after it."""
        title, catalog = self.title(row), self._catalog
        artists = {str(catalog.artist_of(np.array([row], dtype=np.int32))[0])}
        if catalog.main_artist[row] >= 0:
            artists.add(self.artist(row))
        return [title, *(f"{a} {b}" for x in artists for a, b in ((title, x), (x, title)))]
