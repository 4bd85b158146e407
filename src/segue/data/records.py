"""What a playlist format is, and what it yields: whole playlists, or rows of a table.

To add a format, write one module in `segue.data.formats` that makes a `Format`, and list it in
`segue.data.formats.FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.data.sessions import Listening
from segue.data.source_file import SourceFile
from segue.data.track_columns import Location, TrackColumns

# Options of `segue.read` for formats that give rows: of all of them, and of tables.
LISTENING = frozenset({"session_gap", "min_length", "top"})
TABLE = LISTENING | {"columns", "artist_separator", "at_least", "names"}
ENCODED = frozenset({"encoding"})  # of texts that do not say theirs


# What is set aside of a table and is a row of it.
LOW_ROW = "filtered-out row"


class Reject(Protocol):
    """What a reader passes a bad record to; it raises or returns."""

    def __call__(
        self, file: str, record: str, reason: str, content: str | None, /, *, track: bool = False
    ) -> None:
        """`track` says that the record is one track of a playlist, whose others are kept."""


@dataclass(frozen=True)
class SetAside:
    """What a reader leaves out though nothing is wrong with it: not a song, or not a list of songs.

    Attributes
    ----------
    what
        In the singular, as in "12 local files": ``"local file"``, ``"podcast episode"``,
        ``"removed track"``, ``"empty playlist"``.
    count
    """

    what: str
    count: int = 1


class AnyTrack(Protocol):
    """What a track of a whole playlist must provide."""

    @property
    def id(self) -> str:
        """Identifier in the source."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def artists(self) -> Sequence[tuple[str, str]]:
        """(id, name) of each artist, the main one first; empty where none is known."""

    @property
    def album(self) -> tuple[str, str] | None:
        """(id, name) of its album; None where none is known."""

    @property
    def aliases(self) -> Sequence[str]:
        """Further identifiers, as `segue.data.relations.Nodes` has them; empty where none."""

    @property
    def position(self) -> int:
        """Position in the playlist; equal positions keep their order."""


class AnyPlaylist(Protocol):
    """What a whole playlist must provide."""

    @property
    def id(self) -> str | int:
        """Identifier in the source, as text or as a number."""

    @property
    def title(self) -> str | None:
        """None where it has none."""

    @property
    def tracks(self) -> Sequence[AnyTrack]:
        """In order."""


class Track(msgspec.Struct, frozen=True, gc=False):
    """A track, for readers without a struct of their own."""

    id: str
    name: str
    artists: tuple[tuple[str, str], ...] = ()
    album: tuple[str, str] | None = None
    position: int = 0
    aliases: tuple[str, ...] = ()
    location: Location | None = None


class Playlist(msgspec.Struct, frozen=True, gc=False):
    """A playlist, for readers without a struct of their own.

    `ordered` says whether the order of its tracks may be meaningful.
    """

    id: str | int
    title: str | None
    tracks: list[Track]
    ordered: bool = True


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, each a track of a playlist; a playlist's rows may be anywhere.

    Attributes
    ----------
    cells : dict of str to Arrow string [num_rows]
        By field (see `segue.data.formats.header_names.FIELDS`). ``playlist`` and ``track`` are
        always present, without nulls. ``artist`` and ``artist_name`` may be lists of strings, the
        main one first. ``aliases``, where there are any, are lists of strings, never null.
    position : float64 [num_rows] or None
        Position of the row in its playlist; None: in the order of the rows.
    ordered
        Whether that order may be meaningful.
    bytes_read
        Bytes of the file read so far.
    plays : float64 [num_rows] or None
        How often the track was played; None: once per row.
    listens
        Whether the rows are a listening history: ``playlist`` is the listener, empty where there is
        but one, and `position` the time since 1970. Sessions are then cut from them, or lists of
        what was played most (see `segue.data.sessions`).
    users, named
        Whether the playlists are users, or are told apart by their titles alone.
    certain
        Whether the positions are the order even where track ids ascend.
    layout
        Which column is which field: files that differ in it are hardly of one data set.
    """

    cells: dict[str, pa.Array]
    position: NDArray[np.float64] | None
    ordered: bool
    bytes_read: int
    plays: NDArray[np.float64] | None = None
    listens: bool = False
    users: bool = False
    named: bool = False
    certain: bool = False
    layout: str = ""


@dataclass(frozen=True)
class TableOptions:
    """Options for reading tables.

    Attributes
    ----------
    columns
        Field → the name of its column, or its number from 1; an empty ``"artist"`` says that no
        artists are known.
    artist_separator
        Separator between a track's artists in one text cell.
    header
        Whether the first line of a text table names the columns; None: as it looks.
    at_least
        Column → the least value that counts: other rows are left out.
    names
        A table with names for the ids of tracks, of another file.
    listening
        How a listening history becomes playlists, and that a table is one; None: only what is
        recognised as a history is read as one.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    artist_separator: str | None = None
    header: bool | None = None
    at_least: Mapping[str, float] = field(default_factory=dict)
    names: str | None = None
    listening: Listening | None = None


def _never(file: SourceFile, options: TableOptions) -> bool:
    return False


@dataclass(frozen=True)
class Format:
    """One file format for playlists.

    Attributes
    ----------
    name
        As in "playlists in the form of <name>"; plural.
    recognises
        Whether a file is in this format, mainly by its `SourceFile.head`. Formats are tried in the
        order of `FORMATS`, so the most specific come first.
    read
        Yields a file's contents: (record, playlist) for each whole playlist, where `record` is its
        name in messages, or `Rows`; and `SetAside`, for what is left out. A bad record is passed to
        `Reject`, which raises or returns.
    gives
        Which of the two. Tables are ignored if there are files of whole playlists.
    ordered
        For whole playlists: whether the order of their tracks may be meaningful.
    certain
        For whole playlists: whether that order is the listener's even where track ids ascend, as in
        what players and services write.
    named
        For whole playlists: whether their ids are only names, such as those of files, so that two
        may have the same and are then told apart.
    describe
        A readable account of which column is read as which field; InputError if it cannot be read
        at all.
    advise
        Sentences about columns of a table that were recognised and are not used.
    select
        Which of the recognised files are read, and in what order; by default all, by name.
    options
        Options of `segue.read` that apply to this format: ``"slices"``, ``"columns"``, …
    is_history
        For rows: whether a file is a listening history, which may be read beside whole playlists.
    columns
        For whole playlists: what makes columns of its tracks where that is faster than reading
        their properties, as `segue.data.chunks.described` does.
    """

    name: str
    recognises: Callable[[SourceFile], bool]
    read: Callable[
        [SourceFile, TableOptions, Reject],
        Iterator[tuple[str, AnyPlaylist] | SetAside] | Iterator[Rows | SetAside],
    ]
    gives: Literal["playlists", "rows"] = "playlists"
    ordered: bool = True
    certain: bool = False
    named: bool = False
    describe: Callable[[SourceFile, TableOptions], str] | None = None
    advise: Callable[[SourceFile, TableOptions], list[str]] | None = None
    select: Callable[[list[SourceFile]], list[SourceFile]] = list
    options: frozenset[str] = frozenset()
    is_history: Callable[[SourceFile, TableOptions], bool] = _never
    columns: Callable[[Sequence[Any]], TrackColumns] | None = None
