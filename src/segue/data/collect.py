"""`Collector`: the playlists and the catalogue, as the readers of all formats add to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.chunks import Chunk, ChunkMaker, without_repeats
from segue.data.linked_nodes import LinkedNodes
from segue.data.order import Order, stored_sorted
from segue.data.playlists import BoolArray, Catalog, Int32Array, Int64Array, Playlists, TrackLists
from segue.data.records import AnyPlaylist, Reject, Rows
from segue.data.relations import Nodes, lists_of
from segue.data.sessions import Listening
from segue.data.source_file import SourceFile
from segue.data.table_rows import TableRows
from segue.data.track_columns import Location, TrackColumns
from segue.data.vocabulary import Vocabulary, empty_to_null, joined_text

Float64Array = NDArray[np.float64]

# Why the order of a playlist's tracks is not known.
NO_POSITION = "nothing says their order"
SORTED = "their track ids are sorted"
SHORT = "they have a single track"

# Pairs of whole playlists that are collected before their tracks are numbered.
_CHUNK = 1 << 20


class Collector:
    """The columns of playlists and catalogue as they grow.

    The first description of a playlist, track, artist or album counts. A track that is repeated in
    a playlist counts once, at its first position.

    Parameters
    ----------
    listening
        How listens become playlists.
    describe
        From ids of tracks to what else is known of them, by field.
    """

    def __init__(
        self,
        listening: Listening | None = None,
        describe: Callable[[pa.Array], dict[str, pa.Array]] | None = None,
    ) -> None:
        self._describe = describe
        self.num_described = 0
        self.playlists, self.tracks = Vocabulary(), Vocabulary()
        self.artists, self.albums = LinkedNodes(), LinkedNodes()
        self.titles: list[pa.Array] = []
        self.track_names: list[pa.Array] = []
        self.aliases: dict[int, Sequence[str]] = {}  # by track; few sources know any
        self.lengths: list[Int64Array] = []
        self.track_index: list[Int32Array] = []
        self.locations: dict[str, Location] = {}  # by track id
        self.repeated_tracks = 0
        self.told_apart = 0
        self.disputed: set[int] = set()
        self._namesakes: dict[str, int] = {}
        self.table_rows = TableRows(listening or Listening())
        self.known_by_id = 0  # tracks without an id that others have under one, once finished
        self.order_unknown: dict[str, int] = {}  # playlists by reason, once they are finished
        self._unordered: list[Int64Array] = []
        self._certain: list[Int64Array] = []
        self._coming = ChunkMaker(self.playlists.index)

    @property
    def num_playlists(self) -> int:
        """How many came so far; of a listening history, how many listeners."""
        return len(self.playlists.index) + self.table_rows.num_playlists

    def add_playlists(
        self,
        file: str,
        playlists: Iterable[tuple[str, AnyPlaylist]],
        reject: Reject,
        *,
        ordered: bool = True,
        named: bool = False,
        certain: bool = False,
        columns: Callable[[Sequence[Any]], TrackColumns] | None = None,
    ) -> None:
        """Add whole playlists, each with its record's name for messages; reject repeated ones.

        `named` says that ids are only names: repeated ones get a number. The other options are
        those of `ChunkMaker.add`. Where the source breaks off, what came before that is whole.
        """
        self._coming.add(
            file,
            playlists,
            reject,
            ordered=ordered,
            certain=certain,
            told_apart=self._told_apart if named else None,
            columns=columns,
        )
        if self._coming.num_pairs >= _CHUNK:
            self._add_coming()

    def add_chunk(self, ids: Sequence[str], chunk: Chunk) -> bool:
        """Add playlists that have been taken apart; False, and none is, if one is known already."""
        index = self.playlists.index
        if not index.keys().isdisjoint(ids):
            return False
        self._add_coming()
        index.update(zip(ids, range(len(index), len(index) + len(ids)), strict=True))
        self._add(chunk)
        return True

    def _add_coming(self) -> None:
        if len(self._coming):
            self._add(self._coming.finish())
        self._coming = ChunkMaker(self.playlists.index)

    def _add(self, chunk: Chunk) -> None:
        """Number the tracks of playlists that have numbers already, and keep what is new."""
        first = sum(map(len, self.titles))
        self.titles.append(chunk.titles)
        self._unordered.append(first + chunk.unordered)
        self._certain.append(first + chunk.certain)
        self.repeated_tracks += chunk.repeated_tracks
        codes, rows = self.tracks.codes_of_distinct(chunk.tracks.ids)
        new = chunk.tracks.take(rows)
        self._add_aliases(new.aliases)
        for row, location in new.locations.items():
            self.locations[new.ids[row].as_py()] = location
        self.track_names.append(new.names)
        self.artists.add(new.artist_ids, new.artist_names)
        self.albums.add(new.album_ids, new.album_names)
        self.lengths.append(chunk.lengths)
        self.track_index.append(codes.astype(np.int32)[chunk.track_index])

    def _told_apart(self, name: str) -> str:
        """The name, with a number if another playlist has it: ``"mix (2)"``."""
        free = name
        while free in self.playlists.index:
            self._namesakes[name] = self._namesakes.get(name, 1) + 1
            free = f"{name} ({self._namesakes[name]})"
        self.told_apart += free != name
        return free

    def add_rows(self, part: Rows, file: SourceFile) -> None:
        """Add rows of a table; their lists are made in `finish`, when all rows are there."""
        self._add_coming()
        cells = part.cells
        track, new = self.tracks.codes(cells["track"])
        self._describe_rows({name: cell.take(pa.array(new)) for name, cell in cells.items()})
        if "artist" in cells:
            main = self.artists.known.find(main_artists(cells["artist"]))
            differs = main != np.concatenate(self.artists.main)[track]
            self.disputed.update(track[differs].tolist())
        self.table_rows.add(part, track.astype(np.int32), file)

    def _describe_rows(self, new: dict[str, pa.Array]) -> None:
        """Add the descriptions in the first rows of new tracks."""
        if self._describe is not None:
            known = self._describe(new["track"])
            if known:
                self.num_described += len(new["track"]) - next(iter(known.values())).null_count
            new = {**known, **new}
        nothing = pa.nulls(len(new["track"]), pa.string())
        artist, artist_name = new.get("artist", nothing), new.get("artist_name", nothing)
        if not pa.types.is_list(artist.type):
            artist_name = _named(artist_name, artist)
        elif pa.types.is_list(artist_name.type):
            names = _named(artist_name.flatten(), artist.flatten())
            artist_name = pa.ListArray.from_arrays(artist.offsets, names)
        else:
            artist_name = artist
        album = empty_to_null(new.get("album", nothing))
        album_name = _named(new.get("album_name", nothing), album)
        if "album" not in new and "album_name" in new:
            # Many albums are called "Greatest Hits".
            album = name_with_artist(empty_to_null(new["album_name"]), new)
        if "aliases" in new:
            self._add_aliases(dict(enumerate(new["aliases"].to_pylist())))
        self.track_names.append(_named(new.get("track_name", nothing), new["track"]))
        self.artists.add(artist, artist_name)
        self.albums.add(album, album_name)

    def _add_aliases(self, aliases: Mapping[int, Sequence[str]]) -> None:
        """Add the aliases, by row, of tracks whose names come next."""
        first = sum(map(len, self.track_names))
        for row, those in aliases.items():
            if those:
                self.aliases[first + row] = tuple(dict.fromkeys(those))

    def _add_lists(
        self,
        rows: NDArray[np.integer],
        num_lists: int,
        codes: NDArray[np.integer],
        position: NDArray[np.int64] | Float64Array | None,
    ) -> None:
        """Add whole playlists, each track once per playlist.

        Parameters
        ----------
        rows, codes : int [num_entries]
            Playlist (0 … num_lists − 1, non-decreasing) and track of each entry.
        num_lists
            Number of playlists; some may be empty.
        position : int64 or float64 [num_entries]
            Position of the entry in its playlist; None: in the order given.
        """
        if position is not None:
            # Most sources already list their tracks in order.
            falls = (position[1:] < position[:-1]) & (rows[1:] == rows[:-1])
            if falls.any():
                codes = codes[np.lexsort((position, rows))]
        lengths, kept = without_repeats(rows, codes.astype(np.int32), num_lists)
        self.repeated_tracks += len(codes) - len(kept)
        self.lengths.append(lengths)
        self.track_index.append(kept)

    def _add_table_rows(self) -> None:
        index = self.playlists.index
        for lists in self.table_rows.lists():
            first = len(index)
            self._unordered.append(first + np.flatnonzero(~lists.ordered))
            self._certain.append(first + np.flatnonzero(lists.certain))
            for playlist_id in lists.ids:
                index[self._told_apart(playlist_id)] = len(index)
            self.titles.append(pa.array(lists.titles, pa.string()))
            self._add_lists(lists.rows, len(lists.ids), lists.codes, lists.position)

    def finish(self, order: Order) -> tuple[Playlists, Catalog]:
        """Playlists and catalogue.

        `order` says whether the order of the tracks is known; ``"auto"``: it is not if
        `Rows.ordered` is false, or if the ids of a playlist's tracks are sorted and its source is
        not certain.
        """
        self._add_coming()
        self._add_table_rows()
        nothing = np.zeros(0, dtype=np.int64)
        tracks = TrackLists.from_lengths(
            np.concatenate([nothing, *self.lengths]),
            np.concatenate([nothing.astype(np.int32), *self.track_index]),
        )
        track_ids = self.tracks.array()
        aliases = lists_of(self.aliases, len(track_ids)) if self.aliases else None
        if order == "auto":
            order_known = self._order_known(tracks, track_ids)
        else:
            order_known = np.full(len(tracks), order == "known")
        playlists = Playlists(self.playlists.array(), joined_text(self.titles), order_known, tracks)
        catalog = Catalog(
            {
                "track": Nodes.of_different(track_ids, joined_text(self.track_names), aliases),
                "artist": self.artists.nodes(),
                "album": self.albums.nodes(),
            },
            {
                "artist": self.artists.relation("by", "artist"),
                "album": self.albums.relation("on", "album"),
            },
        )
        same = _known_by_id(catalog)
        self.known_by_id = int((same != np.arange(len(same))).sum())
        if self.known_by_id:
            playlists = playlists.with_tracks(_renamed(playlists.tracks, same))
        if self.table_rows.left_out or self.known_by_id:
            return _without_unheard(playlists, catalog)
        return playlists, catalog

    def _order_known(self, tracks: TrackLists, track_ids: pa.Array) -> BoolArray:
        """Of which playlists the order is known; notes why of others it is not."""
        unordered = np.zeros(len(tracks), dtype=bool)
        unordered[_joined(self._unordered)] = True
        sorted_ids = stored_sorted(tracks, track_ids) & ~unordered
        sorted_ids[_joined(self._certain)] = False
        short = sorted_ids & (tracks.lengths < 2)
        reasons = {NO_POSITION: unordered, SHORT: short, SORTED: sorted_ids & ~short}
        self.order_unknown = {
            reason: int(which.sum()) for reason, which in reasons.items() if which.any()
        }
        return ~(unordered | sorted_ids)


def _joined(parts: list[Int64Array]) -> Int64Array:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _known_by_id(catalog: Catalog) -> Int32Array:
    """Of each track, the row that stands for it: int32 [num_tracks].

    A source without ids knows a song by its name, another one by an id: it is one song.
    """
    rows = np.arange(catalog.num_tracks, dtype=np.int32)
    main = catalog.main_artist
    artists = catalog.artists.names.take(pa.array(main, mask=main < 0))
    labels = pc.utf8_lower(pc.binary_join_element_wise(catalog.track_names, artists, " - "))
    equal = pc.equal(labels, pc.utf8_lower(catalog.track_ids)).fill_null(False)
    by_name = equal.to_numpy(zero_copy_only=False)
    if not by_name.any() or by_name.all():
        return rows
    nameless, known = np.flatnonzero(by_name), np.flatnonzero(~by_name)
    found = pc.index_in(labels.take(pa.array(nameless)), labels.take(pa.array(known)))
    at = found.fill_null(-1).to_numpy()
    rows[nameless[at >= 0]] = known[at[at >= 0]]
    return rows


def _renamed(tracks: TrackLists, row_of: Int32Array) -> TrackLists:
    """Lists with other rows of the catalogue, each once in a list."""
    new, rows = row_of[tracks.track_index], tracks.list_index()
    once = np.sort(np.unique(rows * len(row_of) + new, return_index=True)[1])
    lengths = np.bincount(rows[once], minlength=len(tracks))
    return TrackLists.from_lengths(lengths, new[once])


def _without_unheard(playlists: Playlists, catalog: Catalog) -> tuple[Playlists, Catalog]:
    """Without the tracks that no playlist holds."""
    heard = np.zeros(catalog.num_tracks, dtype=bool)
    heard[playlists.tracks.track_index] = True
    row = np.cumsum(heard, dtype=np.int32) - np.int32(1)
    tracks = TrackLists(playlists.tracks.offsets, row[playlists.tracks.track_index])
    return playlists.with_tracks(tracks), catalog.keep_tracks(heard)


def name_with_artist(names: pa.Array, cells: dict[str, pa.Array]) -> pa.Array:
    """``"name - artist"``: it distinguishes namesakes; null where there is no name."""
    artist = cells.get("artist_name", cells.get("artist"))
    if artist is None:
        return names
    # Null where either is; Arrow's option to skip nulls skips whole rows.
    artist = empty_to_null(main_artists(artist))
    return pc.coalesce(pc.binary_join_element_wise(names, artist, " - "), names)


def main_artists(artists: pa.Array) -> pa.Array:
    """The first of several artists, null where there is none."""
    if not pa.types.is_list(artists.type):
        return artists
    padded = pc.list_slice(artists, 0, 1, return_fixed_size_list=True)
    return pc.list_element(padded, 0) if len(artists) else pa.array([], pa.string())


def _named(names: pa.Array, ids: pa.Array) -> pa.Array:
    """Names, or the id where there is none."""
    return pc.coalesce(empty_to_null(names), ids, "")
