"""What a format of playlists is, and what it gives: whole playlists, or rows of a table.

A further format is one module in `segue.data.formats` that makes a `Format`, and its entry in
`segue.data.formats.FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.data.sources import SourceFile

# (file, record, reason, content)
Reject = Callable[[str, str, str, str | None], None]


class AnyTrack(Protocol):
    """What is asked of a track of a whole playlist.

    All but `id` and `position` are asked for once per track, however many playlists hold it.
    """

    @property
    def id(self) -> str:
        """Outside identifier."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def artists(self) -> Sequence[tuple[str, str]]:
        """(id, name) of each artist, the main one first; empty where none is known."""

    @property
    def album(self) -> tuple[str, str] | None:
        """(id, name) of its album; None where none is known."""

    @property
    def position(self) -> int:
        """Place in the playlist; those of equal position keep their order."""


class AnyPlaylist(Protocol):
    """What is asked of a whole playlist."""

    @property
    def id(self) -> str | int:
        """Outside identifier, as text or as a number."""

    @property
    def title(self) -> str | None:
        """None where it has none."""

    @property
    def tracks(self) -> Sequence[AnyTrack]:
        """In order."""


class Track(msgspec.Struct, frozen=True, gc=False):
    """A track for readers that do not decode straight into structs of their own."""

    id: str
    name: str
    artists: tuple[tuple[str, str], ...] = ()
    album: tuple[str, str] | None = None
    position: int = 0


class Playlist(msgspec.Struct, frozen=True, gc=False):
    """A playlist for readers that do not decode straight into structs of their own."""

    id: str | int
    title: str | None
    tracks: list[Track]


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, each a track of a playlist; a playlist's rows may stand anywhere.

    Attributes
    ----------
    cells : dict of str to Arrow string [num_rows]
        By field (see `segue.data.formats.columns.FIELDS`). ``playlist`` and ``track`` are there,
        without nulls. ``artist`` and ``artist_name`` may be lists of strings, the main one first.
    position : float64 [num_rows] or None
        Where a row stands in its playlist; None: in the order of the rows.
    ordered
        Whether that order may mean something.
    bytes_read
        Of the file, so far.
    """

    cells: dict[str, pa.Array]
    position: NDArray[np.float64] | None
    ordered: bool
    bytes_read: int


@dataclass(frozen=True)
class TableOptions:
    """How tables are read.

    Attributes
    ----------
    columns
        Field → the name of its column, or its number from 1; an empty ``"artist"`` says that no
        artists are known.
    artist_separator
        What stands between the artists of a track in one cell of text.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    artist_separator: str | None = None


@dataclass(frozen=True)
class Format:
    """One form that playlists come in.

    Attributes
    ----------
    name
        As in "playlists in the form of <name>"; plural.
    recognises
        Whether a file is of this form, by its `SourceFile.head` above all. Formats are asked in
        the order of `FORMATS`, so the choosy come first.
    read
        Gives what a file holds: (record, playlist) for each whole playlist, `record` being how
        messages call it, or `Rows`. A bad record is passed to `Reject`, which raises or returns.
    gives
        Which of the two. Files of tables are passed over beside files of whole playlists.
    ordered
        Of whole playlists: whether the order of their tracks may mean something.
    describe
        What will be taken as what, for people; raises InputError for what cannot be read at all.
    select
        Which of the recognised files are read, and in which order; by default all, by name.
    options
        Options of `segue.data.read` that are for this format: ``"slices"``, ``"columns"``, …
    """

    name: str
    recognises: Callable[[SourceFile], bool]
    read: Callable[
        [SourceFile, TableOptions, Reject], Iterator[tuple[str, AnyPlaylist]] | Iterator[Rows]
    ]
    gives: Literal["playlists", "rows"] = "playlists"
    ordered: bool = True
    describe: Callable[[SourceFile, TableOptions], str] | None = None
    select: Callable[[list[SourceFile]], list[SourceFile]] = list
    options: frozenset[str] = frozenset()
