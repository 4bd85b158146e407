"""Playlists that people bring, and what their songs are in the bundle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from segue.data.collection import Collection
from segue.data.playlists import BoolArray, Int64Array, TrackLists
from segue.data.records import Track
from segue.names.lookup import NameLookup
from segue.names.matches import Matches
from segue.recommend.exported import TrackRecords, called


@dataclass(frozen=True, eq=False)
class OwnMusic:
    """Playlists from elsewhere, and what became of their songs.

    Attributes
    ----------
    collection : Collection
        As it was read.
    matches : Matches
        Of the tracks of its catalogue, in their order.
    """

    collection: Collection
    matches: Matches

    @classmethod
    def of(cls, collection: Collection, names: NameLookup) -> OwnMusic:
        """Find the songs of a collection in the bundle that has these names."""
        return cls(collection, names.match(collection))

    def rows(self, chosen: Int64Array) -> OwnMusic:
        """Some of the playlists, by row."""
        playlists = self.collection.playlists.rows(chosen)
        return replace(self, collection=replace(self.collection, playlists=playlists))

    @cached_property
    def tracks(self) -> TrackLists:
        """The tracks of each playlist that were found, as rows of the bundle, each once."""
        held, row = self.collection.playlists.tracks, self.matches.track_index
        lists = (row[held[at]].tolist() for at in range(len(held)))
        return TrackLists.from_lists([list(dict.fromkeys(r for r in of if r >= 0)) for of in lists])

    def songs_in(self, rows: Iterable[int]) -> set[int | str]:
        """What is in some rows of the catalogue: rows of the bundle, or ids of what it lacks."""
        found = ((self.matches[row].track, row) for row in rows)
        ids = self.collection.catalog.track_ids
        return {ids[row].as_py() if track is None else track for track, row in found}

    @property
    def order_known(self) -> BoolArray:
        """bool [num_playlists]."""
        return self.collection.playlists.order_known

    def title(self, at: int) -> str:
        """A playlist's title or, if it has none, its id."""
        playlists = self.collection.playlists
        return called(playlists.titles[at].as_py(), playlists.ids[at].as_py())

    def songs(self, at: int) -> tuple[Track, ...]:
        """All songs of a playlist, as they were read."""
        rows = self.collection.playlists.tracks[at].tolist()
        return TrackRecords(self.collection.catalog, self.collection.locations).of_rows(rows)
