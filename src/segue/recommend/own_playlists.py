"""Somebody's own playlists, as tracks of a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from segue.data.collection import Collection
from segue.data.playlists import Playlists, TrackLists
from segue.errors import InputError
from segue.names.asked import Asked, asked_songs
from segue.names.lookup import NameLookup
from segue.names.match import Match
from segue.recommend.own_music import OwnMusic
from segue.recommend.rows import Rows, Text, as_text
from segue.recommend.versions import Named

# Playlists that were read, also with their matches; the songs of each by its title; or ids of
# playlists of the bundle.
AnyPlaylists: TypeAlias = Collection | OwnMusic | Mapping[str, Any] | Iterable[Text]


@dataclass(frozen=True, eq=False)
class OwnPlaylists:
    """Playlists with what the bundle knows of them.

    Attributes
    ----------
    ids, titles : tuple of str
        A title may be empty.
    tracks : TrackLists
        Rows of the bundle's tracks: the songs that were found, in their order.
    num_songs : tuple of int
        How many songs each has.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    tracks: TrackLists
    num_songs: tuple[int, ...]

    @classmethod
    def of(cls, playlists: AnyPlaylists, names: NameLookup, rows: Rows) -> OwnPlaylists:
        """Match the songs of playlists.

        Parameters
        ----------
        playlists
            A `segue.Collection`, or `OwnMusic`, which is not matched again; a dictionary from title
            to songs, in any form that `Recommender.match` takes; or ids of playlists of the bundle.
        names, rows
            Of the bundle.

        Raises
        ------
        InputError
            If they are something else, or there is none.
        NameLookupError
            If an id is not of a playlist of the bundle.
        """
        if isinstance(playlists, Collection):
            playlists = OwnMusic.of(playlists, names)
        if isinstance(playlists, OwnMusic):
            found = cls._of_music(playlists)
        elif isinstance(playlists, Mapping):
            lists = [names.match(songs).track_index.tolist() for songs in playlists.values()]
            titles = tuple(as_text(title, "playlist") for title in playlists)
            found = cls._of_rows(titles, titles, lists)
        elif isinstance(playlists, Iterable) and not isinstance(playlists, str | bytes):
            found = cls._of_bundle([rows.playlist(one) for one in playlists], rows)
        else:
            raise InputError(
                f"a {type(playlists).__name__} is not playlists, expected what segue.read(…) "
                "gives, a dictionary from title to songs, or ids of playlists of the bundle"
            )
        if not found.ids:
            raise InputError("there are no playlists, expected at least one")
        return found

    @classmethod
    def _of_music(cls, own: OwnMusic) -> OwnPlaylists:
        row_of, playlists = own.matches.track_index, own.collection.playlists
        lists = [row_of[playlists.tracks[row]].tolist() for row in range(len(playlists))]
        titles = tuple(title or "" for title in playlists.titles.to_pylist())
        return cls._of_rows(tuple(playlists.ids.to_pylist()), titles, lists)

    @classmethod
    def _of_bundle(cls, chosen: list[int], rows: Rows) -> OwnPlaylists:
        playlists = rows.playlists
        chosen = list(dict.fromkeys(chosen))
        return cls._of_rows(
            tuple(playlists.ids[row].as_py() for row in chosen),
            tuple(playlists.titles[row].as_py() or "" for row in chosen),
            [playlists.tracks[row].tolist() for row in chosen],
        )

    @classmethod
    def _of_rows(
        cls, ids: tuple[str, ...], titles: tuple[str, ...], lists: list[list[int]]
    ) -> OwnPlaylists:
        """From rows of tracks, −1 for a song that was not found."""
        found = [list(dict.fromkeys(row for row in tracks if row >= 0)) for tracks in lists]
        return cls(ids, titles, TrackLists.from_lists(found), tuple(map(len, lists)))

    def __len__(self) -> int:
        """Number of playlists."""
        return len(self.ids)

    def name(self, row: int) -> str:
        """The title of a playlist, or its id if it has none."""
        return self.titles[row] or self.ids[row]


@dataclass(frozen=True, eq=False)
class OwnList:
    """A list of songs to tidy: what was asked, and what became of it in the bundle."""

    title: str
    asked: tuple[Asked, ...]
    matches: tuple[Match, ...]

    @classmethod
    def of_bundle(cls, row: int, playlists: Playlists, names: NameLookup) -> OwnList:
        """A playlist of the bundle, by row."""
        tracks = playlists.tracks[row]
        ids = names.catalog.track_ids.take(tracks).to_pylist()
        matches = [
            Match(an_id, "found", track, "id")
            for an_id, track in zip(ids, tracks.tolist(), strict=True)
        ]
        title = playlists.titles[row].as_py() or playlists.ids[row].as_py()
        return cls(title, tuple(Asked(an_id) for an_id in ids), tuple(matches))

    @classmethod
    def of(cls, songs: Any, names: NameLookup) -> OwnList:
        """From songs in any form that `Recommender.match` takes, or the only playlist of some.

        Raises
        ------
        InputError
            If there are several playlists.
        """
        if isinstance(songs, Collection):
            songs = OwnMusic.of(songs, names)
        if not isinstance(songs, OwnMusic):
            matches = names.match(songs)
            if songs is matches:
                songs = [match.asked for match in matches]
            return cls("", tuple(asked_songs(songs)), matches.songs)
        playlists = songs.collection.playlists
        if len(playlists) != 1:
            raise InputError(f"there are {len(playlists)} playlists, expected one to look through")
        described, rows = asked_songs(songs.collection), playlists.tracks[0].tolist()
        title = playlists.titles[0].as_py() or playlists.ids[0].as_py()
        found = tuple(songs.matches[row] for row in rows)
        return cls(title, tuple(described[row] for row in rows), found)

    def named(self, names: NameLookup) -> list[Named]:
        """What the songs are called: as the bundle has them, or as they were given."""
        found = []
        for asked, match in zip(self.asked, self.matches, strict=True):
            if match.track is None:
                artist = asked.artists[0] if asked.artists else ""
                found.append(Named(artist, asked.title or asked.text))
                continue
            main = int(names.catalog.main_artist[match.track])
            artist = names.catalog.artists.names[main].as_py() if main >= 0 else ""
            title = names.catalog.track_names[match.track].as_py()
            found.append(Named(artist, title, match.track, int(names.popularity[match.track])))
        return found
