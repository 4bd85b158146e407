"""Rows of tables, kept until all are there, and the playlists that they make.

A playlist's rows may be anywhere in a table, and in several of its files. Files that each count
their playlists from 0 hold different playlists; so do runs of rows under one title whose positions
start over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Int32Array, Int64Array
from segue.data.records import Rows
from segue.data.sessions import Listening, most_played, seconds, session_starts
from segue.data.source_file import SourceFile
from segue.data.vocabulary import Vocabulary, empty_to_null
from segue.errors import InputError

Float64Array = NDArray[np.float64]

_SLAB = 4_000_000  # Rows put in order at once.


class RowLists(NamedTuple):
    """Some playlists made of rows.

    Attributes
    ----------
    ids, titles : [num_lists]
    ordered : bool [num_lists]
        Whether the order of the tracks may be meaningful.
    rows : int [num_entries]
        The list of each entry, 0 … num_lists − 1, non-decreasing.
    codes : int [num_entries]
        The track of each entry.
    position : float64 [num_entries] or None
        The entry's position in its list; None: as the entries stand.
    certain : bool [num_lists]
        Whether that is beyond doubt, as times or people say it.
    """

    ids: list[str]
    titles: list[str | None]
    ordered: BoolArray
    rows: NDArray[np.integer]
    codes: NDArray[np.integer]
    position: Float64Array | None
    certain: BoolArray


class _Part(NamedTuple):
    rows: NDArray[np.integer]
    codes: Int32Array
    position: Float64Array | None
    plays: Float64Array | None


# Of one word: with a digit, without a letter, an address, or as long as an id.
_KEY = r"^(\S*\d\S*|[^\pL]*|\w+:\S+|[A-Za-z0-9_-]{22,})$"


@dataclass
class _Table:
    """One file: the number of its first playlist, and what its playlists are called."""

    file: SourceFile
    base: int
    users: bool
    listens: bool
    layout: str
    known: Vocabulary = field(default_factory=Vocabulary)

    @property
    def counts(self) -> bool:
        """Whether its playlists are numbered without a gap, from 0 or 1."""
        ids = self.known.index
        if not all(playlist_id.isdecimal() for playlist_id in ids):
            return False
        numbers = {int(playlist_id) for playlist_id in ids}
        first, last = min(numbers), max(numbers)
        return first in (0, 1) and last - first + 1 == len(numbers) == len(ids)

    def another_set(self, other: _Table) -> bool:
        """Whether two files that were found in a folder or zip look like different data sets."""
        mine, theirs = Path(self.file.name), Path(other.file.name)
        apart = bool(self.file.root and other.file.root) and mine.parent != theirs.parent
        return apart and (self.layout != other.layout or mine.name == theirs.name)


class TableRows:
    """Rows of tables as they come.

    Attributes
    ----------
    num_rows
        How many came.
    merged
        Playlists with rows in several files, or in several places under one title, that were taken
        as one each.
    short
        Sessions and lists that were left out since they have too few tracks.
    """

    def __init__(self, listening: Listening) -> None:
        self.listening = listening
        self.num_rows = self.merged = self.short = 0
        self._tables: list[_Table] = []
        self._titles: list[str | None] = []
        self._parts: dict[bool, list[_Part]] = {False: [], True: []}
        self._unordered: list[Int64Array] = []
        self._certain: list[Int64Array] = []
        self._named = False

    @property
    def left_out(self) -> bool:
        """Whether some of the rows are in no playlist."""
        return self.short > 0 or self.listening.top is not None

    @property
    def num_playlists(self) -> int:
        """How many came so far and wait for `lists`."""
        return len(self._titles) if any(self._parts.values()) else 0

    def add(self, part: Rows, codes: Int32Array, file: SourceFile) -> None:
        """Add some rows of a file, with the number of the track in each."""
        if not self._tables or self._tables[-1].file is not file:
            base = len(self._titles)
            self._tables.append(_Table(file, base, part.users, part.listens, part.layout))
        table = self._tables[-1]
        rows, new = table.known.codes(part.cells["playlist"])
        if "title" in part.cells:
            titles = empty_to_null(part.cells["title"].take(pa.array(new))).to_pylist()
        elif part.named:
            titles = _titles_among(part.cells["playlist"].take(pa.array(new))).to_pylist()
        else:
            titles = [None] * len(new)
        self._titles += titles
        rows += table.base
        self._parts[part.listens].append(
            _Part(rows.astype(np.int32), codes, part.position, part.plays)
        )
        self.num_rows += len(rows)
        self._named |= part.named
        if not part.ordered:
            self._unordered.append(np.unique(rows))
        if part.certain:
            self._certain.append(np.unique(rows))

    def lists(self) -> Iterator[RowLists]:
        """The playlists; the rows are let go. Several may have one id."""
        ids, owner = self._playlists()
        titles = [self._titles[at] for at in np.unique(owner, return_index=True)[1].tolist()]
        ordered, certain = np.ones(len(ids), dtype=bool), np.zeros(len(ids), dtype=bool)
        for some in self._certain:
            certain[owner[some]] = True
        for some in self._unordered:
            ordered[owner[some]] = certain[owner[some]] = False
        for listens in (False, True):
            parts, self._parts[listens] = self._parts[listens], []
            if not parts:
                continue
            rows = owner[np.concatenate([part.rows for part in parts])]
            if self._named and not listens:
                starts = rows[np.flatnonzero(np.diff(rows, prepend=-1))]
                self.merged += int((np.bincount(starts) > 1).sum())
            for playlists, slab in _slabs(parts, rows, times=listens):
                if listens:
                    yield self._heard([ids[at] for at in playlists], slab)
                    continue
                lists = RowLists(
                    [ids[at] for at in playlists],
                    [titles[at] for at in playlists],
                    ordered[playlists],
                    slab.rows,
                    slab.codes,
                    slab.position,
                    certain[playlists],
                )
                if self._named and slab.position is not None:
                    lists = self._begun_anew(lists, slab.position)
                yield lists

    def _playlists(self) -> tuple[list[str], Int64Array]:
        """The playlists' ids, and the playlist of each id of each file.

        Raises
        ------
        InputError
            If different data sets number their playlists alike.
        """
        tables = self._tables
        first: dict[str, _Table] = {}
        shared: dict[str, tuple[_Table, _Table]] = {}
        for table in tables:
            for playlist_id in table.known.index:
                before = first.setdefault(playlist_id, table)
                if before is not table:
                    shared.setdefault(playlist_id, (before, table))
        if not shared:
            return list(first), np.arange(len(self._titles))
        if not any(table.users for table in tables) and all(table.counts for table in tables):
            ids = [playlist_id for table in tables for playlist_id in table.known.index]
            return ids, np.arange(len(ids))
        for playlist_id, (one, other) in shared.items():
            if playlist_id.isdecimal() and one.another_set(other):
                raise InputError(
                    f"{one.file.name} and {other.file.name} both have a playlist {playlist_id} and "
                    "look like different data sets: read one of them, or name them by a quoted "
                    "pattern if they belong together"
                )
        # Of users and listeners that is what several files of one data set hold.
        self.merged += sum(
            not (one.users and other.users and one.layout == other.layout)
            for one, other in shared.values()
        )
        number = {playlist_id: at for at, playlist_id in enumerate(first)}
        owner = [number[playlist_id] for table in tables for playlist_id in table.known.index]
        return list(first), np.array(owner, dtype=np.int64)

    def _begun_anew(self, lists: RowLists, position: Float64Array) -> RowLists:
        """Lists under one title cut where their positions start over."""
        rows = lists.rows
        begins = np.diff(rows, prepend=-1) > 0
        first = position[begins][rows]
        falls = ~begins
        falls[1:] &= position[1:] <= position[:-1]
        stays = falls.copy()
        stays[1:] &= position[1:] == position[:-1]
        # Where they do not always fall to where they began, the rows are in no order.
        mixed = np.unique(rows[falls & (stays | (position != first))])
        falls &= ~np.isin(rows, mixed)
        if not falls.any():
            return lists
        self.merged -= len(np.unique(rows[falls]))
        starts = falls | begins
        of = rows[starts]
        return lists._replace(
            ids=[lists.ids[at] for at in of.tolist()],
            titles=[lists.titles[at] for at in of.tolist()],
            ordered=lists.ordered[of],
            certain=lists.certain[of],
            rows=np.cumsum(starts) - 1,
        )

    def _heard(self, listeners: list[str], slab: _Part) -> RowLists:
        """Listens as sessions, or as lists of what is played most."""
        rows, codes, times, top = slab.rows, slab.codes, slab.position, self.listening.top
        if top is not None:
            chosen = most_played(rows, codes, slab.plays, top)
            rows, codes, times = rows[chosen], codes[chosen], None
            ids = [listener or "most played" for listener in listeners]
        elif times is None:
            ids = listeners
        else:
            if ((times[1:] < times[:-1]) & (rows[1:] == rows[:-1])).any():
                order = np.lexsort((times, rows))
                rows, codes, times = rows[order], codes[order], times[order]
            starts = session_starts(rows, times, self.listening)
            when = np.datetime_as_string(times[starts].astype("datetime64[s]"))
            ids = [
                f"{listeners[at]} {time}".lstrip()
                for at, time in zip(rows[starts].tolist(), when.tolist(), strict=True)
            ]
            rows = np.cumsum(starts) - 1
        pairs = np.unique(rows.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes)
        lengths = np.bincount(pairs // (int(codes.max(initial=0)) + 1), minlength=len(ids))
        enough = lengths >= self.listening.min_length
        self.short += int((~enough).sum())
        kept = enough[rows]
        ordered = np.full(int(enough.sum()), times is not None)
        return RowLists(
            [ids[at] for at in np.flatnonzero(enough).tolist()],
            [None] * len(ordered),
            ordered,
            (np.cumsum(enough) - 1)[rows[kept]],
            codes[kept],
            None,
            ordered,
        )


def _slabs(
    parts: list[_Part], rows: Int64Array, *, times: bool
) -> Iterator[tuple[list[int], _Part]]:
    """The rows by playlist, a few million at a time, and the playlists that they are of.

    `times` says that positions are times, wanted in seconds.
    """
    codes = np.concatenate([part.codes for part in parts])
    position = _joined([part.position for part in parts], parts, 0.0)
    plays = _joined([part.plays for part in parts], parts, 1.0)
    if times and position is not None:
        position = seconds(position)
    parts.clear()
    if (rows[1:] < rows[:-1]).any():
        together = np.argsort(rows, kind="stable")
        rows, codes = rows[together], codes[together]
        position = None if position is None else position[together]
        plays = None if plays is None else plays[together]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    ends = np.append(starts[1:], len(rows))
    first = 0
    while first < len(starts):
        # As many whole playlists as fit, but at least one.
        last = max(int(np.searchsorted(ends, starts[first] + _SLAB, side="right")), first + 1)
        part = slice(starts[first], ends[last - 1])
        lengths = ends[first:last] - starts[first:last]
        yield (
            rows[starts[first:last]].tolist(),
            _Part(
                np.repeat(np.arange(last - first), lengths),
                codes[part],
                None if position is None else position[part],
                None if plays is None else plays[part],
            ),
        )
        first = last


def _joined(
    values: list[Float64Array | None], parts: list[_Part], default: float
) -> Float64Array | None:
    """The values of all parts; None if no part has any."""
    if all(some is None for some in values):
        return None
    return np.concatenate(
        [
            np.full(len(part.codes), default) if some is None else some
            for some, part in zip(values, parts, strict=True)
        ]
    )


def _titles_among(names: pa.Array) -> pa.Array:
    """Names of playlists that people gave; null for numbers, addresses and keys."""
    key = pc.match_substring_regex(names, _KEY)
    decade = pc.match_substring_regex(names, r"^'?\d{2,4}'?s$")
    is_key = pc.and_(key, pc.invert(decade))
    return pc.if_else(is_key, pa.scalar(None, pa.string()), names)
