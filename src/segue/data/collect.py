"""What all readers of playlists share: codes for strings, repeats, relations, order."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.csr import offsets_of
from segue.data.playlists import (
    BoolArray,
    Catalog,
    Int32Array,
    Int64Array,
    Playlists,
    TrackLists,
)
from segue.data.records import AnyPlaylist, AnyTrack, Location, Reject, Rows
from segue.data.relations import Nodes, Relation, lists_of
from segue.data.sessions import Listening
from segue.data.sources import SourceFile
from segue.data.table_rows import TableRows
from segue.data.vocabulary import Numbering, Vocabulary, empty_to_null

Order = Literal["auto", "known", "unknown"]
Float64Array = NDArray[np.float64]

# Why the order of a playlist's tracks is not known.
NO_POSITION = "nothing says their order"
SORTED = "their track ids are sorted"
SHORT = "they have a single track"

# Playlists that are collected before they become arrays.
_CHUNK = 10_000
# Shorter lists are sorted by chance too often to show how a source stores them.
_TELLING_LENGTH = 4


@dataclass
class LinkedNodes:
    """Nodes of one kind that tracks link to, and the links, as they grow.

    A track's links are kept in the order given, the main one first.
    """

    known: Vocabulary = field(default_factory=Vocabulary)
    names: list[str] = field(default_factory=list)
    lengths: list[Int64Array] = field(default_factory=list)
    target_index: list[Int32Array] = field(default_factory=list)
    main: list[Int32Array] = field(default_factory=list)
    _waiting_lengths: array[int] = field(default_factory=lambda: array("q"))
    _waiting_targets: array[int] = field(default_factory=lambda: array("i"))

    def add(self, ids: pa.Array, names: pa.Array) -> None:
        """Add the links of new tracks.

        Parameters
        ----------
        ids : Arrow string [num_new], or list of string for several per track
            Null where there is none.
        names
            In the same form.
        """
        if pa.types.is_list(ids.type) or pa.types.is_large_list(ids.type):
            track = pc.list_parent_indices(ids).to_numpy().astype(np.int64)
            num_tracks, ids, names = len(ids), ids.flatten(), names.flatten()
        else:
            num_tracks, track = len(ids), np.arange(len(ids))
        codes, first = self.known.codes(ids)
        self.names += names.take(pa.array(first)).to_pylist()
        key = track * (len(self.known.index) + 1) + codes
        once = np.sort(np.unique(key, return_index=True)[1])
        once = once[codes[once] >= 0]
        track, tied = track[once], codes[once].astype(np.int32)
        first_of_track = np.diff(track, prepend=-1) > 0
        main = np.full(num_tracks, -1, dtype=np.int32)
        main[track[first_of_track]] = tied[first_of_track]
        self._append(np.bincount(track, minlength=num_tracks), tied, main)

    def add_one(self, linked: Iterable[tuple[str, str]]) -> None:
        """Add the links of one new track, as (id, name); `flush` comes after the last."""
        codes: dict[int, None] = {}
        for node_id, name in linked:
            code = self.known.index[node_id]
            if code == len(self.names):
                self.names.append(name)
            codes[code] = None
        self._waiting_lengths.append(len(codes))
        self._waiting_targets.extend(codes)

    def flush(self) -> None:
        """Make arrays of what `add_one` has added."""
        lengths = np.array(self._waiting_lengths, dtype=np.int64)
        target_index = np.array(self._waiting_targets, dtype=np.int32)
        main = np.full(len(lengths), -1, dtype=np.int32)
        main[lengths > 0] = target_index[offsets_of(lengths)[:-1][lengths > 0]]
        self._append(lengths, target_index, main)
        self._waiting_lengths, self._waiting_targets = array("q"), array("i")

    def _append(self, lengths: Int64Array, target_index: Int32Array, main: Int32Array) -> None:
        self.lengths.append(lengths)
        self.target_index.append(target_index)
        self.main.append(main)

    def relation(self, name: str, kind: str) -> Relation:
        """The relation from the tracks so far to these nodes."""
        offsets = offsets_of(np.concatenate([np.zeros(0, np.int64), *self.lengths]))
        target_index = np.concatenate([np.zeros(0, np.int32), *self.target_index])
        return Relation(name, "track", kind, offsets, target_index, len(self.names))

    def nodes(self) -> Nodes:
        """The nodes so far."""
        return Nodes(self.known.array(), pa.array(self.names, pa.string()))


class _Part:
    """Playlists taken apart: the codes and positions of their tracks, and what is new.

    A track is new where its code is, and its description counts.
    """

    def __init__(self, tracks: Numbering, artists: LinkedNodes, albums: LinkedNodes) -> None:
        self._code_of, self._num_known = tracks.__getitem__, len(tracks)
        self._artists, self._albums = artists, albums
        self.lengths: list[int] = []
        self.codes, self.position = array("q"), array("q")
        # Of new tracks.
        self.names: list[str] = []
        self.aliases: list[Sequence[str]] = []
        self.locations: dict[str, Location] = {}

    def add(self, playlist: AnyPlaylist) -> None:
        tracks = playlist.tracks
        codes = [self._code_of(track.id) for track in tracks]
        self.lengths.append(len(codes))
        self.codes.extend(codes)
        self.position.extend([track.position for track in tracks])
        for code, track in zip(codes, tracks, strict=True):
            if code == self._num_known:
                self._num_known += 1
                self._describe(track)

    def _describe(self, track: AnyTrack) -> None:
        self.names.append(track.name)
        self.aliases.append(track.aliases)
        if location := getattr(track, "location", None):
            self.locations[track.id] = location
        self._artists.add_one(track.artists)
        album = track.album
        self._albums.add_one(() if album is None else (album,))


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
        self.titles: list[str | None] = []
        self.track_names: list[str] = []
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
        self._unordered: list[int] = []
        self._certain: list[int] = []

    @property
    def num_playlists(self) -> int:
        """How many came so far; of a listening history, how many listeners."""
        return len(self.titles) + self.table_rows.num_playlists

    def add_playlists(
        self,
        file: str,
        playlists: Iterable[tuple[str, AnyPlaylist]],
        reject: Reject,
        *,
        ordered: bool = True,
        named: bool = False,
        certain: bool = False,
    ) -> None:
        """Add whole playlists, each with its record's name for messages; reject repeated ones.

        Each is taken apart as it comes, while it is in the processor's cache, and kept no longer.
        `ordered` says whether the order of their tracks may be meaningful, `certain` that it then
        is, `named` that ids are only names: repeated ones get a number.
        """
        index, part = self.playlists.index, self._new_part()
        try:
            for record, playlist in playlists:
                playlist_id = str(playlist.id)
                if named:
                    playlist_id = self._told_apart(playlist_id)
                row = index[playlist_id]
                if row < len(self.titles):
                    reason = f"playlist {playlist_id} was read before, expected each playlist once"
                    reject(file, record, reason, msgspec.json.encode(playlist).decode())
                    continue
                self.titles.append(playlist.title)
                part.add(playlist)
                if not (ordered and getattr(playlist, "ordered", True)):
                    self._unordered.append(row)
                elif certain:
                    self._certain.append(row)
                if len(part.lengths) == _CHUNK:
                    self._add_part(part)
                    part = self._new_part()
        finally:
            # Also where the source breaks off: what came before that is whole.
            self._add_part(part)

    def _new_part(self) -> _Part:
        return _Part(self.tracks.index, self.artists, self.albums)

    def _add_part(self, part: _Part) -> None:
        """Add playlists that have been taken apart."""
        self._add_aliases(part.aliases)
        self.locations |= part.locations
        self.track_names += part.names
        self.artists.flush()
        self.albums.flush()
        rows = np.repeat(np.arange(len(part.lengths)), part.lengths)
        codes, position = (np.array(each, np.int64) for each in (part.codes, part.position))
        self._add_lists(rows, len(part.lengths), codes, position)

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
            self._add_aliases(new["aliases"].to_pylist())
        self.track_names += _named(new.get("track_name", nothing), new["track"]).to_pylist()
        self.artists.add(artist, artist_name)
        self.albums.add(album, album_name)

    def _add_aliases(self, aliases: list[Sequence[str]]) -> None:
        """Add the aliases of tracks whose names come next."""
        for row, those in enumerate(aliases, start=len(self.track_names)):
            if those:
                self.aliases[row] = tuple(dict.fromkeys(those))

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
        key = rows.astype(np.int64) * (len(self.tracks.index) + 1) + codes
        ascending = np.sort(key)
        if (ascending[1:] == ascending[:-1]).any():
            once = np.sort(np.unique(key, return_index=True)[1])
            self.repeated_tracks += len(codes) - len(once)
            rows, codes = rows[once], codes[once]
        self.lengths.append(np.bincount(rows, minlength=num_lists))
        self.track_index.append(codes.astype(np.int32))

    def _add_table_rows(self) -> None:
        index = self.playlists.index
        for lists in self.table_rows.lists():
            first = len(index)
            self._unordered += (first + np.flatnonzero(~lists.ordered)).tolist()
            self._certain += (first + np.flatnonzero(lists.certain)).tolist()
            for playlist_id in lists.ids:
                index[self._told_apart(playlist_id)] = len(index)
            self.titles += lists.titles
            self._add_lists(lists.rows, len(lists.ids), lists.codes, lists.position)

    def finish(self, order: Order) -> tuple[Playlists, Catalog]:
        """Playlists and catalogue.

        `order` says whether the order of the tracks is known; ``"auto"``: it is not if
        `Rows.ordered` is false, or if the ids of a playlist's tracks are sorted and its source is
        not certain.
        """
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
        playlists = Playlists(
            self.playlists.array(), pa.array(self.titles, pa.string()), order_known, tracks
        )
        catalog = Catalog(
            {
                "track": Nodes(track_ids, pa.array(self.track_names, pa.string()), aliases),
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
        unordered[self._unordered] = True
        sorted_ids = stored_sorted(tracks, track_ids) & ~unordered
        sorted_ids[self._certain] = False
        short = sorted_ids & (tracks.lengths < 2)
        reasons = {NO_POSITION: unordered, SHORT: short, SORTED: sorted_ids & ~short}
        self.order_unknown = {
            reason: int(which.sum()) for reason, which in reasons.items() if which.any()
        }
        return ~(unordered | sorted_ids)


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


def stored_sorted(tracks: TrackLists, track_ids: pa.Array) -> BoolArray:
    """Which lists were stored sorted by track id, so that their order means nothing.

    The ids may ascend, as text or by a number at the end. (A shuffled playlist of n tracks comes
    out sorted with odds of 1 in n!.) They may also descend, if they do so in most lists that are
    long enough to tell.
    """
    # Shorter before longer puts …:9 before …:10; the second key alone is plain text order.
    table = pa.table({"length": pc.binary_length(track_ids), "id": track_ids})
    rows = tracks.list_index()
    inside = rows[1:] == rows[:-1]
    found = np.zeros(len(tracks), dtype=bool)
    telling = tracks.lengths >= _TELLING_LENGTH
    for keys in ([("length", "ascending"), ("id", "ascending")], [("id", "ascending")]):
        rank = np.empty(len(track_ids), dtype=np.int32)
        rank[pc.sort_indices(table, sort_keys=keys).to_numpy()] = np.arange(len(track_ids))
        ranks = rank[tracks.track_index]
        falls, rises = (ranks[1:] < ranks[:-1]) & inside, (ranks[1:] > ranks[:-1]) & inside
        found |= np.bincount(rows[1:][falls], minlength=len(tracks)) == 0
        descends = np.bincount(rows[1:][rises], minlength=len(tracks)) == 0
        if telling.any() and descends[telling].mean() > 0.5:
            found |= descends
    return found


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
